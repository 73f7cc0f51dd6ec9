"""The offline phase: demonstrations in, four models and a calibrated threshold out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from farl.calibration import foretell
from farl.datasets import DemoSet, Episode, digests
from farl.held_out import split, starting_elsewhere
from farl.models import ModelBundle
from farl.policy import FastPolicy
from farl.selection import CARD_KEY, choose
from farl.types import EpisodeKind
from farl.uni_o4.ensemble import EnsembleSettings
from farl.uni_o4.train import OfflinePolicy, UniO4Settings, train_policy
from farl.uni_o4.transitions import RewardOf, until_violation
from farl.value_fitting import ValueSettings, fit_value
from farl.world_model_training import WorldModelSettings, train_world_model


@dataclass(frozen=True)
class OfflineSettings:
    """Settings of the offline phase.

    Attributes:
        policy: Task policy.
        recovery: Recovery policy. Its demonstrations are a script's own actions, without noise, so that the
            clone is worth making exact: it saves a tenth more of the moments that the script saves.
        value: Value of the task policy.
        world_model: World model.
        horizon: Longest look-ahead to consider for the shield [agent steps].
        lead: Least useful warning [agent steps].
        false_alarm_budget: Largest share of the steps of held-out episodes without a failure that may be
            flagged: a tenth cost a fifth of the successes on the disc table (docs/experiments.md).
        held_out: Share of the failure demonstrations kept for choosing the threshold.
    """

    policy: UniO4Settings = field(default_factory=UniO4Settings)
    recovery: UniO4Settings = field(
        default_factory=lambda: UniO4Settings(ensemble=EnsembleSettings(last_rate=0.0))
    )
    value: ValueSettings = field(default_factory=ValueSettings)
    world_model: WorldModelSettings = field(default_factory=WorldModelSettings)
    horizon: int = 20
    lead: int = 5
    false_alarm_budget: float = 0.05
    held_out: float = 0.2


StageProgress = Callable[[str, float, float], None]

STEPS_BEFORE_FAILURE = 25
"""How much of a failure demonstration, up to its violation, shows the recovery's critic what ends badly."""


def train_task_policy(
    task: Sequence[Episode], settings: OfflineSettings, seed: int, progress: Callable[[float, float], None]
) -> OfflinePolicy:
    """The task policy, from task demonstrations alone: failures are made with it, so there are none yet."""
    scale = settings.world_model.reward_scale
    return train_policy(task, task, RewardOf.TASK, scale, settings.policy, seed, progress)


def train_recovery_policy(
    recovery: Sequence[Episode],
    failures: Sequence[Episode],
    settings: OfflineSettings,
    seed: int,
    progress: Callable[[float, float], None],
) -> OfflinePolicy:
    """The recovery policy: imitates the recoveries, and is judged by what led to violations too."""
    bad = [until_violation(e, STEPS_BEFORE_FAILURE) for e in failures if e.failed]
    return train_policy(recovery, [*recovery, *bad], RewardOf.SAFETY, 1.0, settings.recovery, seed, progress)


def train_offline(
    demos: DemoSet, settings: OfflineSettings, seed: int, progress: StageProgress
) -> ModelBundle:
    """Train everything that fine-tuning starts from.

    Args:
        demos: Demonstrations of all three kinds.
        settings: See ``OfflineSettings``.
        seed: Everything random follows from it.
        progress: Called with (stage, fraction of the stage, loss); may raise to stop.

    Raises:
        DatasetError: A kind is missing, or too few failure demonstrations contain a failure, or do not.
    """
    demos.require((EpisodeKind.TASK, EpisodeKind.RECOVERY, EpisodeKind.FAILURE))
    task, recovery = demos.of(EpisodeKind.TASK), demos.of(EpisodeKind.RECOVERY)
    failures, held_out = split(demos.of(EpisodeKind.FAILURE), settings.held_out, seed)
    scale = settings.world_model.reward_scale

    def stage(name: str) -> Callable[[float, float], None]:
        return lambda fraction, loss: progress(name, fraction, loss)

    made = train_task_policy(task, settings, seed, stage("task policy"))
    recovering = train_recovery_policy(recovery, failures, settings, seed + 1, stage("recovery policy"))
    policy = made.policy
    value = fit_value([*task, *failures], policy, scale, settings.value, seed + 2, stage("value"))
    independent = starting_elsewhere(recovery, held_out)
    model = train_world_model(
        [*task, *independent, *failures], settings.world_model, seed + 3, stage("world model")
    )
    foretold = foretell(model, FastPolicy.of(policy), held_out, settings.horizon)
    choice = choose(foretold, settings.lead, settings.false_alarm_budget)
    progress("shield", 1.0, choice.threshold)
    card: dict[str, Any] = {
        "seed": seed,
        "episodes": {k.name.lower(): len(demos.of(k)) for k in EpisodeKind if demos.of(k)},
        "transitions": {k.name.lower(): sum(len(e) for e in demos.of(k)) for k in EpisodeKind if demos.of(k)},
        "failing_episodes": sum(e.failed for e in demos.episodes),
        CARD_KEY: choice.to_json(),
        "held_out_episodes": len(held_out),
        "recoveries_kept_from_world_model": len(recovery) - len(independent),
        "trained_on_failures": " ".join(digests(failures)),
        "task_policy": made.report,
        "recovery_policy": recovering.report,
        "settings": asdict(settings),
    }
    return ModelBundle(
        policy,
        value,
        recovering.policy,
        model,
        choice.horizon,
        choice.gamma,
        choice.threshold,
        scale,
        card,
    )
