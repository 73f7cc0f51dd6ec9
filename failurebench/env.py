"""What every FailureBench task shares: the episode rules, the info dictionary, and snapshots."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

Observation = NDArray[np.float32]
Action = NDArray[np.float32]
Info = dict[str, Any]


class Outcome(NamedTuple):
    """What one simulator step did."""

    reward: float
    terms: Mapping[str, float]
    """Named parts of the reward; they add up to it."""
    success: bool
    margin: float
    """Smallest signed distance to the failure set during the step, metres; zero or less is a failure."""


@dataclass(frozen=True)
class Snapshot:
    """Everything needed to continue an episode bit for bit.

    Attributes:
        state: Physical state of the task, as packed by the environment that made the snapshot.
        steps: Agent steps taken so far.
        success_steps: Consecutive agent steps with success up to now.
        failed: Whether the episode has failed already.
        ended: Whether the episode was over.
    """

    state: NDArray[np.float64]
    steps: int
    success_steps: int
    failed: bool
    ended: bool


class FailureBenchEnv(gymnasium.Env[Observation, Action]):
    """Base class of the tasks: a subclass supplies the physics, this class the rules of an episode.

    One agent step is ``action_repeat`` simulator steps with the same action and summed reward. An episode is
    truncated after ``horizon`` agent steps. A failure is reported in ``info`` and, by default, ends nothing.
    With ``end_on_success`` (training) the episode terminates once success has held for ``success_hold`` agent
    steps; evaluation switches it off, and the option ``play_on`` of ``reset`` for one episode. An episode
    is a pure function of the seed given to ``reset`` and the actions.

    ``info`` carries ``cost`` (1.0 if the object was in the failure set at any moment of this step, else 0.0),
    ``failed`` (the same, latched), ``success`` (this step), ``margin`` (smallest signed distance to the
    failure set during the step, metres; privileged, never for the method), ``reward_terms`` and ``objects``
    (positions x, y, z in metres).
    """

    action_size: ClassVar[int]
    observation_size: ClassVar[int]

    def __init__(
        self,
        *,
        horizon: int,
        success_hold: int,
        action_repeat: int,
        end_on_success: bool,
        end_on_failure: bool,
        randomize: bool,
    ) -> None:
        """Set the episode rules.

        Args:
            horizon: Longest episode, agent steps.
            success_hold: Consecutive successful agent steps after which a training episode terminates.
            action_repeat: Simulator steps for each agent step.
            end_on_success: Terminate when success has held long enough.
            end_on_failure: Terminate at the first failure.
            randomize: Draw a new layout at each reset instead of the fixed one.

        Raises:
            ValueError: If a count is below one.
        """
        counts = {"horizon": horizon, "success_hold": success_hold, "action_repeat": action_repeat}
        for name, count in counts.items():
            if count < 1:
                raise ValueError(f"{name} must be at least 1, got {count}")
        self.horizon = horizon
        self.success_hold = success_hold
        self.action_repeat = action_repeat
        self.end_on_success = end_on_success
        self.end_on_failure = end_on_failure
        self.randomize = randomize
        self.observation_space = Box(-np.inf, np.inf, (self.observation_size,), np.float32)
        self.action_space = Box(-1.0, 1.0, (self.action_size,), np.float32)
        self._plays_on = False
        self._steps = 0
        self._success_steps = 0
        self._failed = False
        self._ended = True

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Info]:
        """Start an episode.

        Args:
            seed: Seed of everything random in the episode; None continues the generator of the last seed.
            options: ``{"play_on": True}`` takes the success end away from this episode.

        Returns:
            The observation, float32 (O,), and the info of the start (cost 0, no reward terms).
        """
        super().reset(seed=seed)
        self._plays_on = bool(options is not None and options.get("play_on"))
        self._steps = 0
        self._success_steps = 0
        self._failed = False
        self._ended = False
        self._start_episode(self.np_random)
        return self._observe(), self._info(0.0, False, self._margin(), {})

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, Info]:
        """Take one agent step.

        Args:
            action: Finite numbers, shape (A,); clipped to [-1, 1].

        Returns:
            Observation float32 (O,), reward (exact in float32), terminated, truncated, info.

        Raises:
            ValueError: If the action has another shape or holds a number that is not finite.
            RuntimeError: If the episode is over.
        """
        command = self._checked(action)
        if self._ended:
            raise RuntimeError("the episode is over: call reset() before the next step()")
        reward = 0.0
        success = False
        margin = math.inf
        terms: dict[str, float] = {}
        for _ in range(self.action_repeat):
            step_reward, step_terms, step_success, step_margin = self._simulate(command)
            reward += step_reward
            success = success or step_success
            margin = min(margin, step_margin)
            for name, term in step_terms.items():
                terms[name] = terms.get(name, 0.0) + term

        self._steps += 1
        self._success_steps = self._success_steps + 1 if success else 0
        failing = margin <= 0.0
        self._failed = self._failed or failing
        ends_on_success = self.end_on_success and not self._plays_on
        terminated = (ends_on_success and self._success_steps >= self.success_hold) or (
            self.end_on_failure and self._failed
        )
        truncated = self._steps >= self.horizon
        self._ended = terminated or truncated
        info = self._info(float(failing), success, margin, terms)
        return self._observe(), float(np.float32(reward)), terminated, truncated, info

    def snapshot(self) -> Snapshot:
        """Return the present moment of the episode."""
        return Snapshot(self._save_state(), self._steps, self._success_steps, self._failed, self._ended)

    def restore(self, snapshot: Snapshot) -> Observation:
        """Go on from a snapshot of the same task and return its observation (O,)."""
        self._steps = snapshot.steps
        self._success_steps = snapshot.success_steps
        self._failed = snapshot.failed
        self._ended = snapshot.ended
        self._load_state(snapshot.state)
        return self._observe()

    def _checked(self, action: Action) -> list[float]:
        given = np.asarray(action, dtype=np.float32)
        if given.shape != (self.action_size,):
            raise ValueError(f"expected an action of shape ({self.action_size},), got shape {given.shape}")
        values: list[float] = given.tolist()
        if not all(map(math.isfinite, values)):
            raise ValueError(f"expected finite action values, got {values}")
        return [1.0 if value > 1.0 else -1.0 if value < -1.0 else value for value in values]

    def _info(self, cost: float, success: bool, margin: float, terms: Mapping[str, float]) -> Info:
        return {
            "cost": cost,
            "failed": self._failed,
            "success": success,
            "margin": margin,
            "reward_terms": terms,
            "objects": self.objects(),
        }

    @abstractmethod
    def _start_episode(self, random: np.random.Generator) -> None:
        """Put everything at the start of an episode."""

    @abstractmethod
    def _simulate(self, action: list[float]) -> Outcome:
        """Advance one simulator step with a clipped action."""

    @abstractmethod
    def _observe(self) -> Observation:
        """Return a new float32 observation (O,)."""

    @abstractmethod
    def _margin(self) -> float:
        """Return the signed distance to the failure set now, metres."""

    @abstractmethod
    def objects(self) -> dict[str, NDArray[np.float64]]:
        """Return the position (3,) of each object, metres."""

    @abstractmethod
    def _save_state(self) -> NDArray[np.float64]:
        """Pack the physical state."""

    @abstractmethod
    def _load_state(self, state: NDArray[np.float64]) -> None:
        """Unpack what ``_save_state`` packed."""
