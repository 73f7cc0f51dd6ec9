"""Recorded episodes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from failurebench.env import Action, FailureBenchEnv, Observation, Snapshot


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
        start: Moment of the episode of that seed at which it starts; None for its beginning.
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
    start: Snapshot | None = None


class Recorder:
    """Takes the steps of one episode and keeps them."""

    def __init__(
        self,
        environment: FailureBenchEnv,
        seed: int,
        observation: Observation,
        objects: Mapping[str, NDArray[np.float64]],
        start: Snapshot | None = None,
    ) -> None:
        """Start with the observation (O,) and the objects of an environment that was reset with ``seed``.

        ``start`` is the moment of that episode that the environment was taken back to, if it was.
        """
        self.environment = environment
        self.seed = seed
        self.start = start
        self.observations = [observation]
        self.actions: list[Action] = []
        self.rewards: list[float] = []
        self.costs: list[float] = []
        self.positions = [_manipulated(objects)]
        self.successes: list[bool] = []
        self.terminated = self.truncated = False

    def step(self, action: Action) -> None:
        """Take one agent step with an action (A,) in [-1, 1]."""
        observation, reward, self.terminated, self.truncated, info = self.environment.step(action)
        self.observations.append(observation)
        self.actions.append(action)
        self.rewards.append(reward)
        self.costs.append(info["cost"])
        self.positions.append(_manipulated(info["objects"]))
        self.successes.append(info["success"])

    @property
    def ended(self) -> bool:
        """Whether the episode is over."""
        return self.terminated or self.truncated

    @property
    def first_failure(self) -> int | None:
        """Index of the first step with a cost."""
        return self.costs.index(1.0) if 1.0 in self.costs else None

    def trajectory(self, steps: int | None = None) -> Trajectory:
        """Return the first ``steps`` steps, all by default."""
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
            success=kept > 0 and self.successes[kept - 1],
            failed=1.0 in self.costs[:kept],
            seed=self.seed,
            start=self.start,
        )


def _manipulated(objects: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the position (3,) of the first object: every task has exactly one that is manipulated."""
    return next(iter(objects.values()))
