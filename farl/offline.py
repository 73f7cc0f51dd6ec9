"""The offline phase: demonstrations in, four models and a calibrated threshold out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from torch import nn

from farl.calibration import foretell
from farl.datasets import DemoSet, Episode, digests
from farl.held_out import split, starting_elsewhere
from farl.kept_stages import KeptStages, fingerprint
from farl.models import ModelBundle
from farl.policy import FastPolicy, GaussianPolicy, ValueFunction
from farl.selection import CARD_KEY, choose
from farl.types import EpisodeKind
from farl.uni_o4.ensemble import EnsembleSettings
from farl.uni_o4.train import OfflinePolicy, UniO4Settings, train_policy
from farl.uni_o4.transitions import RewardOf, until_violation
from farl.value_fitting import ValueSettings, fit_value
from farl.world_model import WorldModel
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
        resolution: For each entry of the observation, in its unit, what a sensor resolves: the networks do
            not read an entry that varies less in their data. Empty: they read all.
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
    resolution: tuple[float, ...] = ()


StageProgress = Callable[[str, float, float], None]
Net = TypeVar("Net", bound=nn.Module)

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


def made_from(demos: DemoSet, settings: OfflineSettings, seed: int) -> dict[str, Any]:
    """What the stages of the offline phase are made from: kept ones are good for the very same alone."""
    return {
        "demonstrations": {k.name.lower(): fingerprint(demos.of(k)) for k in EpisodeKind},
        "settings": asdict(settings),
        "seed": seed,
    }


def train_offline(
    demos: DemoSet,
    settings: OfflineSettings,
    seed: int,
    progress: StageProgress,
    kept: KeptStages | None = None,
) -> ModelBundle:
    """Train everything that fine-tuning starts from.

    Every stage follows from demonstrations, settings, seed and the stages before it alone: with stages taken
    up from ``kept`` the models are the same, bit for bit, as without.

    Args:
        demos: Demonstrations of all three kinds.
        settings: See ``OfflineSettings``.
        seed: Everything random follows from it.
        progress: Called with (stage, fraction of the stage, loss); may raise to stop. The loss of a stage
            that is taken up is not known: NaN.
        kept: Where finished stages are kept, and taken up from; None to keep none.

    Raises:
        DatasetError: A kind is missing, or too few failure demonstrations contain a failure, or do not.
    """
    demos.require((EpisodeKind.TASK, EpisodeKind.RECOVERY, EpisodeKind.FAILURE))
    task, recovery = demos.of(EpisodeKind.TASK), demos.of(EpisodeKind.RECOVERY)
    failures, held_out = split(demos.of(EpisodeKind.FAILURE), settings.held_out, seed)
    scale = settings.world_model.reward_scale
    sizes = demos.observation_size, demos.action_size
    stages = _Stages(progress, kept)
    policy, report = stages.run(
        "task policy",
        lambda: GaussianPolicy(*sizes, settings.policy.ensemble.hidden),
        lambda tell: _parts(train_task_policy(task, settings, seed, tell)),
    )
    recovering, recovery_report = stages.run(
        "recovery policy",
        lambda: GaussianPolicy(*sizes, settings.recovery.ensemble.hidden),
        lambda tell: _parts(train_recovery_policy(recovery, failures, settings, seed + 1, tell)),
    )
    value, _ = stages.run(
        "value",
        lambda: ValueFunction(demos.observation_size, settings.value.hidden),
        lambda tell: (fit_value([*task, *failures], policy, scale, settings.value, seed + 2, tell), {}),
    )
    independent = starting_elsewhere(recovery, held_out)
    learnt = [*task, *independent, *failures]
    model, _ = stages.run(
        "world model",
        lambda: WorldModel(*sizes, settings.world_model.size).eval(),
        lambda tell: (train_world_model(learnt, settings.world_model, seed + 3, tell), {}),
    )
    for network in (policy, recovering, value, model):
        network.normalizer.leave_out(settings.resolution)
    foretold = foretell(model, FastPolicy.of(policy), held_out, settings.horizon)
    choice = choose(foretold, settings.lead, settings.false_alarm_budget)
    progress("shield", 1.0, choice.threshold)
    return ModelBundle(
        policy,
        value,
        recovering,
        model,
        choice.horizon,
        choice.gamma,
        choice.threshold,
        scale,
        {
            **_data_of(demos),
            "seed": seed,
            CARD_KEY: choice.to_json(),
            "held_out_episodes": len(held_out),
            "recoveries_kept_from_world_model": len(recovery) - len(independent),
            "trained_on_failures": " ".join(digests(failures)),
            "trained_on_others": " ".join(digests([*task, *recovery])),
            "chosen_on_failures": " ".join(digests(held_out)),
            "task_policy": report,
            "recovery_policy": recovery_report,
            "settings": asdict(settings),
        },
    )


@dataclass(frozen=True)
class _Stages:
    """Runs the stages one after the other, or takes them up where they have been finished before."""

    progress: StageProgress
    kept: KeptStages | None

    def run(
        self,
        name: str,
        empty: Callable[[], Net],
        train: Callable[[Callable[[float, float], None]], tuple[Net, dict[str, Any]]],
    ) -> tuple[Net, dict[str, Any]]:
        """What a stage makes, and its report."""
        before = None if self.kept is None else self.kept.load(name, empty)
        if before is not None:
            self.progress(name, 1.0, float("nan"))
            return before
        net, report = train(lambda fraction, loss: self.progress(name, fraction, loss))
        if self.kept is not None:
            self.kept.save(name, net, report)
        return net, report


def _parts(made: OfflinePolicy) -> tuple[GaussianPolicy, dict[str, Any]]:
    return made.policy, made.report


def _data_of(demos: DemoSet) -> dict[str, Any]:
    """What the model card says of the demonstrations."""
    by_kind = {k.name.lower(): demos.of(k) for k in EpisodeKind if demos.of(k)}
    return {
        "episodes": {kind: len(episodes) for kind, episodes in by_kind.items()},
        "transitions": {kind: sum(len(e) for e in episodes) for kind, episodes in by_kind.items()},
        "failing_episodes": sum(e.failed for e in demos.episodes),
    }
