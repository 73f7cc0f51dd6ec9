"""Generators of offline data: task, failure and recovery trajectories.

All are seeded: the same arguments give the same trajectories, bit for bit.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from failurebench.env import Action, FailureBenchEnv, Observation, Snapshot
from failurebench.kit import TaskKit
from failurebench.trajectory import Recorder, Trajectory

__all__ = [
    "RecoveryStatistics",
    "Trajectory",
    "failure_demonstrations",
    "recovery_demonstrations",
    "task_demonstrations",
]

Policy = Callable[[Observation], Action]
"""Mean action (A,) for an observation (O,)."""

STEPS_KEPT_AFTER_FAILURE = 25
ATTEMPTS_PER_FAILURE = 4
_APART = 1
"""Recoveries start in other rollouts than the failure demonstrations of the same seed."""


@dataclass
class RecoveryStatistics:
    """How often the scripted recovery stayed safe.

    Attributes:
        tried: Attempts by number of agent steps before the failure.
        kept: Attempts that stayed safe, by the same.
    """

    tried: dict[int, int] = field(default_factory=dict)
    kept: dict[int, int] = field(default_factory=dict)

    def add(self, steps_before_failure: int, safe: bool) -> None:
        """Count one attempt."""
        self.tried[steps_before_failure] = self.tried.get(steps_before_failure, 0) + 1
        self.kept[steps_before_failure] = self.kept.get(steps_before_failure, 0) + int(safe)

    @property
    def safe_share(self) -> float:
        """Share of all attempts that stayed safe; 0 if there was none."""
        total = sum(self.tried.values())
        return sum(self.kept.values()) / total if total else 0.0

    def safe_share_by_steps(self) -> dict[int, float]:
        """Share that stayed safe, by agent steps before the failure."""
        return {steps: self.kept[steps] / self.tried[steps] for steps in sorted(self.tried)}


def task_demonstrations(
    kit: TaskKit, episodes: int, seed: int, env_kwargs: Mapping[str, object]
) -> Iterator[Trajectory]:
    """Yield episodes of medium experts with action noise.

    Args:
        kit: The task.
        episodes: How many.
        seed: Seed of layouts, demonstrators and noise.
        env_kwargs: Arguments of the environment.
    """
    environment = kit.make(**env_kwargs)
    for episode in range(episodes):
        random = np.random.default_rng([seed, episode])
        controller = kit.demonstrator(random)
        controller.reset()
        recorder = _start(environment, random)
        while not recorder.ended:
            recorder.step(_noisy(controller(recorder.observations[-1]), kit.demonstration_noise, random))
        yield recorder.trajectory()


def failure_demonstrations(
    kit: TaskKit, policy: Policy, episodes: int, seed: int, env_kwargs: Mapping[str, object]
) -> Iterator[Trajectory]:
    """Yield noisy rollouts of a policy: failing ones, cut 25 steps after the failure, and as many clean ones.

    Clean rollouts beyond the number of failing ones are dropped, so fewer than ``episodes`` come out.
    Rollouts are made as they are asked for.

    Args:
        kit: The task.
        policy: Mean action of the policy.
        episodes: Rollouts to make.
        seed: Seed of layouts and noise.
        env_kwargs: Arguments of the environment.
    """
    environment = kit.make(**env_kwargs)
    clean: deque[Trajectory] = deque(maxlen=8)
    clean_wanted = 0
    for episode in range(episodes):
        recorder, _ = _rollout(environment, kit, policy, np.random.default_rng([seed, episode]))
        failure = recorder.first_failure
        if failure is None:
            clean.append(recorder.trajectory())
        else:
            clean_wanted += 1
            yield recorder.trajectory()
        while clean_wanted > 0 and clean:
            clean_wanted -= 1
            yield clean.popleft()


def recovery_demonstrations(
    kit: TaskKit,
    policy: Policy,
    episodes: int,
    seed: int,
    env_kwargs: Mapping[str, object],
    statistics: RecoveryStatistics | None = None,
    rollouts: int | None = None,
) -> Iterator[Trajectory]:
    """Yield recoveries that start shortly before a failure of the policy and stay safe.

    Each failing rollout is taken back to a few moments before its failure, from where the scripted recovery
    acts for ``kit.recovery_steps`` agent steps, without success end and beyond the horizon if need be.

    Args:
        kit: The task.
        policy: Mean action of the policy.
        episodes: Recoveries to yield.
        seed: Seed of layouts, noise and moments.
        env_kwargs: Arguments of the environment.
        statistics: Filled with attempts and successes, if given.
        rollouts: Most rollouts to make, so that a policy which never fails ends; by default 50 per recovery.
    """
    environment = kit.make(**env_kwargs)
    longer = {"horizon": environment.horizon + kit.recovery_steps, "end_on_success": False}
    recovering = kit.make(**{**env_kwargs, **longer})
    counts = RecoveryStatistics() if statistics is None else statistics
    fewest, most = kit.recovery_lookback
    wanted = episodes
    for rollout in range(50 * episodes if rollouts is None else rollouts):
        random = np.random.default_rng([seed, _APART, rollout])
        recorder, snapshots = _rollout(environment, kit, policy, random)
        failure = recorder.first_failure
        if failure is None:
            continue
        moments = random.choice(np.arange(fewest, most + 1), size=ATTEMPTS_PER_FAILURE, replace=False)
        for steps_before in moments.tolist():
            start = failure + 1 - steps_before
            if start < 0:
                continue
            attempt = _recover(recovering, kit, snapshots[start], recorder.seed)
            counts.add(steps_before, not attempt.failed)
            if not attempt.failed:
                yield attempt
                wanted -= 1
                if wanted == 0:
                    return


def _recover(environment: FailureBenchEnv, kit: TaskKit, snapshot: Snapshot, seed: int) -> Trajectory:
    controller = kit.recovery()
    controller.reset()
    observation = environment.restore(snapshot)
    recorder = Recorder(environment, seed, observation, environment.objects(), snapshot)
    while len(recorder.actions) < kit.recovery_steps and not recorder.ended:
        recorder.step(controller(recorder.observations[-1]))
        if recorder.first_failure is not None:
            break
    return recorder.trajectory()


def _rollout(
    environment: FailureBenchEnv, kit: TaskKit, policy: Policy, random: np.random.Generator
) -> tuple[Recorder, list[Snapshot]]:
    """Roll out the policy with a noise level drawn for the episode, until 25 steps after a failure.

    Returns:
        The episode and the moment before each of its steps.
    """
    recorder = _start(environment, random)
    snapshots: list[Snapshot] = []
    noise = float(random.uniform(*kit.failure_noise))
    steps_left = STEPS_KEPT_AFTER_FAILURE
    while not recorder.ended and steps_left > 0:
        snapshots.append(environment.snapshot())
        recorder.step(_noisy(policy(recorder.observations[-1]), noise, random))
        if recorder.first_failure is not None:
            steps_left = recorder.first_failure + 1 + STEPS_KEPT_AFTER_FAILURE - len(recorder.actions)
    return recorder, snapshots


def _start(environment: FailureBenchEnv, random: np.random.Generator) -> Recorder:
    seed = int(random.integers(2**31))
    observation, info = environment.reset(seed=seed)
    return Recorder(environment, seed, observation, info["objects"])


def _noisy(action: Action, deviation: float, random: np.random.Generator) -> Action:
    noise = deviation * random.standard_normal(action.shape)
    return np.clip(np.clip(action, -1.0, 1.0) + noise, -1.0, 1.0).astype(np.float32)
