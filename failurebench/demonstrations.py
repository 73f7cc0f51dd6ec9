"""Generators of offline data: task, failure and recovery trajectories.

All are seeded: the same arguments give the same trajectories, bit for bit.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from failurebench.env import Action, FailureBenchEnv, Observation, Snapshot
from failurebench.kit import TaskKit

Policy = Callable[[Observation], Action]
"""Mean action (A,) for an observation (O,)."""

STEPS_KEPT_AFTER_FAILURE = 25


@dataclass(frozen=True)
class Trajectory:
    """One recorded episode of T agent steps.

    Attributes:
        observations: float32 (T + 1, O).
        actions: Executed actions, float32 (T, A).
        rewards: float32 (T,).
        costs: 0 or 1, float32 (T,).
        object_positions: Position of the manipulated object, metres, float32 (T + 1, 3).
        terminated: The episode ended by the task's rules.
        truncated: It was cut, by the horizon or by the generator.
        success: Success at the last step.
        failed: Some step had a cost.
        seed: Seed of the environment's reset.
    """

    observations: NDArray[np.float32]
    actions: NDArray[np.float32]
    rewards: NDArray[np.float32]
    costs: NDArray[np.float32]
    object_positions: NDArray[np.float32]
    terminated: bool
    truncated: bool
    success: bool
    failed: bool
    seed: int


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


class _Recorder:
    """Collects the steps of one episode."""

    def __init__(self, seed: int, observation: Observation, position: NDArray[np.float64]) -> None:
        self.seed = seed
        self.observations = [observation]
        self.actions: list[Action] = []
        self.rewards: list[float] = []
        self.costs: list[float] = []
        self.positions = [position]
        self.terminated = self.truncated = self.success = False

    def step(self, environment: FailureBenchEnv, action: Action) -> None:
        action = np.clip(action, -1.0, 1.0).astype(np.float32)
        observation, reward, self.terminated, self.truncated, info = environment.step(action)
        self.observations.append(observation)
        self.actions.append(action)
        self.rewards.append(reward)
        self.costs.append(info["cost"])
        self.positions.append(_object_position(info["objects"]))
        self.success = info["success"]

    @property
    def ended(self) -> bool:
        return self.terminated or self.truncated

    @property
    def first_failure(self) -> int | None:
        """Index of the first step with a cost."""
        return self.costs.index(1.0) if 1.0 in self.costs else None

    def trajectory(self, steps: int | None = None) -> Trajectory:
        """Return the first ``steps`` steps (all by default)."""
        kept = len(self.actions) if steps is None else min(steps, len(self.actions))
        cut = kept < len(self.actions) or not self.ended
        return Trajectory(
            observations=np.array(self.observations[: kept + 1], dtype=np.float32),
            actions=np.array(self.actions[:kept], dtype=np.float32),
            rewards=np.array(self.rewards[:kept], dtype=np.float32),
            costs=np.array(self.costs[:kept], dtype=np.float32),
            object_positions=np.array(self.positions[: kept + 1], dtype=np.float32),
            terminated=self.terminated and not cut,
            truncated=self.truncated or cut,
            success=self.success and not cut,
            failed=1.0 in self.costs[:kept],
            seed=self.seed,
        )


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
        random = _generator(seed, episode)
        controller = kit.demonstrator(random)
        controller.reset()
        recorder = _start(environment, random)
        while not recorder.ended:
            action = controller(recorder.observations[-1])
            recorder.step(environment, _noisy(action, kit.demonstration_noise, random))
        yield recorder.trajectory()


def failure_demonstrations(
    kit: TaskKit, policy: Policy, episodes: int, seed: int, env_kwargs: Mapping[str, object]
) -> Iterator[Trajectory]:
    """Yield noisy rollouts of a policy: failing ones, each cut 25 steps after the failure, and as many clean ones.

    Clean episodes beyond the number of failing ones so far are not yielded, so fewer than ``episodes`` come out.

    Args:
        kit: The task.
        policy: Mean action of the policy.
        episodes: Rollouts to make.
        seed: Seed of layouts and noise.
        env_kwargs: Arguments of the environment.
    """
    environment = kit.make(**env_kwargs)
    clean: list[Trajectory] = []
    clean_wanted = 0
    for episode in range(episodes):
        recorder = _rollout(environment, kit, policy, _generator(seed, episode))
        failure = recorder.first_failure
        if failure is None:
            clean.append(recorder.trajectory())
        else:
            clean_wanted += 1
            yield recorder.trajectory(failure + 1 + STEPS_KEPT_AFTER_FAILURE)
        while clean_wanted and clean:
            clean_wanted -= 1
            yield clean.pop(0)


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

    Each failing rollout is taken back to a few moments before its failure, from where the scripted recovery acts.

    Args:
        kit: The task.
        policy: Mean action of the policy.
        episodes: Recoveries to yield.
        seed: Seed of layouts, noise and moments.
        env_kwargs: Arguments of the environment.
        statistics: Filled with attempts and successes, if given.
        rollouts: Most rollouts to make; 50 per wanted recovery by default, so that a policy which never fails ends.
    """
    environment = kit.make(**env_kwargs)
    counts = RecoveryStatistics() if statistics is None else statistics
    wanted = episodes
    for rollout in range(50 * episodes if rollouts is None else rollouts):
        random = _generator(seed, rollout)
        snapshots: list[Snapshot] = []
        recorder = _rollout(environment, kit, policy, random, snapshots)
        failure = recorder.first_failure
        if failure is None:
            continue
        low, high = kit.recovery_lookback
        for steps_before in random.choice(np.arange(low, high + 1), size=ATTEMPTS_PER_FAILURE, replace=False).tolist():
            if wanted == 0:
                return
            if steps_before > failure:
                continue
            attempt = _recover(environment, kit, snapshots[failure + 1 - steps_before], recorder, failure + 1 - steps_before)
            safe = attempt.first_failure is None
            counts.add(steps_before, safe)
            if safe:
                wanted -= 1
                yield attempt.trajectory()


ATTEMPTS_PER_FAILURE = 4


def _recover(environment: FailureBenchEnv, kit: TaskKit, snapshot: Snapshot, source: _Recorder, step: int) -> _Recorder:
    controller = kit.recovery()
    controller.reset()
    recorder = _Recorder(source.seed, environment.restore(snapshot), source.positions[step])
    while len(recorder.actions) < kit.recovery_steps and not recorder.ended and recorder.first_failure is None:
        recorder.step(environment, controller(recorder.observations[-1]))
    return recorder


def _rollout(
    environment: FailureBenchEnv,
    kit: TaskKit,
    policy: Policy,
    random: np.random.Generator,
    snapshots: list[Snapshot] | None = None,
) -> _Recorder:
    """Roll out the policy with a noise level drawn for the episode, until 25 steps after a failure."""
    recorder = _start(environment, random)
    noise = float(random.uniform(*kit.failure_noise))
    while not recorder.ended:
        failure = recorder.first_failure
        if failure is not None and len(recorder.actions) > failure + STEPS_KEPT_AFTER_FAILURE:
            break
        if snapshots is not None:
            snapshots.append(environment.snapshot())
        recorder.step(environment, _noisy(policy(recorder.observations[-1]), noise, random))
    return recorder


def _start(environment: FailureBenchEnv, random: np.random.Generator) -> _Recorder:
    seed = int(random.integers(2**31))
    observation, info = environment.reset(seed=seed)
    return _Recorder(seed, observation, _object_position(info["objects"]))


def _noisy(action: Action, deviation: float, random: np.random.Generator) -> Action:
    noise = deviation * random.standard_normal(action.shape)
    return np.clip(np.clip(action, -1.0, 1.0) + noise, -1.0, 1.0).astype(np.float32)


def _generator(seed: int, episode: int) -> np.random.Generator:
    return np.random.default_rng([seed, episode])


def _object_position(objects: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the position of the first object: each task so far has one that is manipulated."""
    return next(iter(objects.values()))
