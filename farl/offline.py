"""The offline phase: demonstrations in, four models and a calibrated threshold out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from farl.calibration import choose_threshold, risk_samples
from farl.cloning import CloningSettings, clone_policy, fit_value
from farl.datasets import DatasetError, DemoSet, Episode
from farl.models import ModelBundle
from farl.policy import FastPolicy
from farl.risk import RiskForm
from farl.types import EpisodeKind
from farl.world_model_training import WorldModelSettings, train_world_model


@dataclass(frozen=True)
class OfflineSettings:
    """Settings of the offline phase.

    Attributes:
        cloning: Task policy and value.
        recovery: Recovery policy.
        world_model: World model.
        horizon: H of the shield [agent steps].
        risk_gamma: γ_risk.
        lead: Least useful warning [agent steps].
        false_alarm_budget: Largest share of the steps of held-out episodes without a failure that may be
            flagged: a tenth cost a fifth of the successes on the disc table (docs/experiments.md).
        held_out: Share of the failure demonstrations kept for choosing the threshold.
    """

    cloning: CloningSettings = field(default_factory=CloningSettings)
    recovery: CloningSettings = field(default_factory=CloningSettings)
    world_model: WorldModelSettings = field(default_factory=WorldModelSettings)
    horizon: int = 20
    risk_gamma: float = 1.0
    lead: int = 5
    false_alarm_budget: float = 0.05
    held_out: float = 0.2


StageProgress = Callable[[str, float, float], None]


def split(episodes: Sequence[Episode], held_out: float, seed: int) -> tuple[list[Episode], list[Episode]]:
    """Split failure demonstrations into (training, held-out) by seed.

    Both sides hold failing episodes, and the held-out side clean ones too: false alarms are counted on those.

    Raises:
        DatasetError: There are too few of one kind for that.
    """
    failing = sum(e.failed for e in episodes)
    clean = len(episodes) - failing
    if failing < 2 or clean < 1:
        raise DatasetError(
            f"{failing} failure demonstrations contain a failure and {clean} do not; choosing the threshold "
            "needs at least 2 and 1: record more, some of which end well"
        )
    generator = np.random.default_rng([seed, len(episodes)])
    count = min(max(2, round(len(episodes) * held_out)), len(episodes) - 1)
    while True:  # a drawing that leaves one side without its kinds is repeated
        held = set(generator.permutation(len(episodes))[:count].tolist())
        failing_held = sum(episodes[i].failed for i in held)
        if 0 < failing_held < min(failing, count):
            return [e for i, e in enumerate(episodes) if i not in held], [episodes[i] for i in sorted(held)]


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

    policy = clone_policy(task, settings.cloning, seed, stage("task policy"))
    recovery_policy = clone_policy(recovery, settings.recovery, seed + 1, stage("recovery policy"))
    value = fit_value([*task, *failures], policy, scale, settings.cloning, seed + 2, stage("value"))
    model = train_world_model(
        [*task, *recovery, *failures], settings.world_model, seed + 3, stage("world model")
    )
    form = RiskForm.DISCOUNTED_SUM
    samples = risk_samples(
        model, FastPolicy.of(policy), held_out, settings.horizon, settings.risk_gamma, form
    )
    chosen, curve = choose_threshold(samples, settings.horizon, settings.lead, settings.false_alarm_budget)
    progress("threshold", 1.0, chosen.threshold)
    card: dict[str, Any] = {
        "seed": seed,
        "episodes": {k.name.lower(): len(demos.of(k)) for k in EpisodeKind if demos.of(k)},
        "transitions": {k.name.lower(): sum(len(e) for e in demos.of(k)) for k in EpisodeKind if demos.of(k)},
        "failing_episodes": sum(e.failed for e in demos.episodes),
        "held_out": asdict(chosen),
        "threshold_curve": [asdict(q) for q in curve],
        "settings": asdict(settings),
    }
    return ModelBundle(
        policy,
        value,
        recovery_policy,
        model,
        settings.horizon,
        settings.risk_gamma,
        chosen.threshold,
        scale,
        card,
    )
