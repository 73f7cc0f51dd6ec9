"""A run's policies looked at afresh: alone, exploring, under the shield, and beside the scripted expert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from farl.actor import Actor
from farl.evaluation import Evaluation, Monitor, TermMeter, evaluate, false_alarm_rate, play
from farl.policy import FastPolicy
from farl.presets import Preset, settings_for
from farl.shield import Shield, ShieldMode
from farl_ros.environments import kit_of, make_environment
from farl_ros.job import Job

PENALTY = "penalty"
_SEED = 1_000_000  # evaluations draw other noise than the runs did
_SLOTS = 8


class Policies:
    """Evaluates policies of one job.

    Every policy meets the same shield, that of the models: so figures of a preset without a shield say what
    the shield would do for its policy.
    """

    def __init__(self, job: Job, episodes: int) -> None:
        """Prepare.

        Args:
            job: The job.
            episodes: Episodes of an evaluation in which they differ, by noise or by jitter.
        """
        self._job, self._episodes, self._seed = job, episodes, _SEED + job.seed
        self._slots = min(_SLOTS, episodes)
        self._whole = [make_environment(job.spec, evaluation=True) for _ in range(self._slots)]
        layout = job.spec.layout
        self._same = 1 if layout.jitter == 0.0 and not layout.randomize else episodes

    def mean_action(self, policy: FastPolicy, mode: ShieldMode) -> tuple[Evaluation, float]:
        """The mean action over whole horizons, and its return without the penalty.

        One episode where all would be the same.
        """
        environment = TermMeter(self._whole[0], PENALTY)
        actor = Actor(policy, self._seed, self._job.spec.horizon, deterministic=True)
        result = evaluate([environment], actor, self.shield(policy, mode), self._same, self._seed)
        return result, result.mean_return - environment.total / self._same

    def exploring(self, policy: FastPolicy) -> Evaluation:
        """The policy alone with its exploration noise, over whole horizons."""
        actor = Actor(policy, self._seed, self._job.spec.horizon)
        shield = self.shield(policy, ShieldMode.OFF)
        return evaluate(self._whole, actor, shield, self._episodes, self._seed)

    def false_alarms(self, policy: FastPolicy) -> float | None:
        """What the shield would flag in harmless episodes, played as in the online phase (success ends)."""
        slots = [make_environment(self._job.spec) for _ in range(self._slots)]
        actor = Actor(policy, self._seed, self._job.spec.horizon)
        monitor = self.shield(policy, ShieldMode.ON, Monitor)
        return false_alarm_rate(play(slots, actor, monitor, self._episodes, self._seed))

    def expert_return(self) -> float:
        """Mean return of the scripted expert over whole horizons."""
        environment, expert = self._whole[0], kit_of(self._job.spec).expert()
        returns = []
        for episode in range(self._same):
            observation, _ = environment.reset(seed=episode)
            expert.reset()
            total, done = 0.0, False
            while not done:
                observation, reward, terminated, truncated, _ = environment.step(expert(observation))
                total, done = total + reward, terminated or truncated
            returns.append(total)
        return float(np.mean(returns))

    def shield(self, policy: FastPolicy, mode: ShieldMode, kind: Callable[..., Shield] = Shield) -> Shield:
        """A shield around a policy, with the models' horizon and threshold."""
        bundle = self._job.bundle
        settings = replace(settings_for(Preset.PAPER, bundle).shield, mode=mode)
        recovery = FastPolicy.of(bundle.recovery_policy)
        return kind(settings, policy, recovery, bundle.world_model, bundle.world_model_hash)
