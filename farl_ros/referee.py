"""The outcome of every step of an episode from observations alone, as a robot must know it.

It applies the rules that the simulated twin applies (``failurebench.franka.rules``) and gives the twin's
numbers: the same reward and success to float32, the same ends. What an observation does not show, it cannot
tell: a failure that begins and ends between two observations (the puck touches the wall and springs back)
goes unseen. It never reports a failure that was none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from failurebench.franka.rules import XY, TableRules, outcome
from farl.types import Array
from farl_ros.table_failures import ObstacleTouched
from farl_ros.task_spec import TaskSpec


class RefereeError(ValueError):
    """A task's outcomes cannot be told from its observation; the message says why."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one agent step did.

    Attributes:
        reward: Exact in float32.
        cost: 1.0 if a failure was seen at either end of the step, else 0.0.
        success: At its end.
        failed: Whether any step of the episode had a failure.
        margin: Smallest signed distance to the failure set that was seen [m].
        terminated: Whether success was held for long enough.
        truncated: Whether the horizon is reached.
    """

    reward: float
    cost: float
    success: bool
    failed: bool
    margin: float
    terminated: bool
    truncated: bool


class Referee:
    """Counts one episode after the other."""

    def __init__(self, spec: TaskSpec) -> None:
        """Take the rules of the task.

        Raises:
            RefereeError: Only a simulator knows the task's outcomes.
        """
        if not spec.on_robot:
            raise RefereeError(
                f"{spec.name}: reward.source is {spec.reward.source.value!r}; outcomes follow from the "
                "observation only in tasks where it is 'observation'"
            )
        self._spec = spec
        self._rules: TableRules = spec.failure.rules()
        self._object = spec.failure.object
        self._obstacle = spec.failure.obstacle if isinstance(spec.failure, ObstacleTouched) else None
        self._plays_on = False
        self._steps = self._success_steps = 0
        self._failed = False
        self._margin = 0.0

    def start(self, observation: Array, plays_on: bool = False) -> None:
        """Begin an episode.

        Args:
            observation: Its first, shape ``(O,)``, finite.
            plays_on: Whether it goes on to the horizon after a held success.
        """
        self._plays_on = plays_on
        self._steps = self._success_steps = 0
        self._failed = False
        self._margin = self._margin_of(observation)

    def step(self, observation: Array) -> Ruling:
        """Rule on the step that led to an observation, shape ``(O,)``, finite."""
        spec, before = self._spec, self._margin
        self._margin = self._margin_of(observation)
        reward, _, success, margin = outcome(
            self._rules,
            self._place(spec.hand, observation),
            self._place(self._object, observation),
            self._flat(spec.goal, observation),
            min(before, self._margin),
            spec.reward.failure_penalty,
        )
        self._steps += 1
        self._success_steps = self._success_steps + 1 if success else 0
        self._failed = self._failed or margin <= 0.0
        return Ruling(
            reward=float(np.float32(reward)),
            cost=float(margin <= 0.0),
            success=success,
            failed=self._failed,
            margin=margin,
            terminated=not self._plays_on and self._success_steps >= spec.success_hold,
            truncated=self._steps >= spec.horizon,
        )

    def _margin_of(self, observation: Array) -> float:
        obstacle = (0.0, 0.0) if self._obstacle is None else self._flat(self._obstacle, observation)
        hand, held = self._place(self._spec.hand, observation), self._place(self._object, observation)
        return self._rules.margin(hand, held, obstacle)

    def _place(self, name: str, observation: Array) -> list[float]:
        place: list[float] = self._spec.position(name, observation).tolist()
        return place

    def _flat(self, name: str, observation: Array) -> XY:
        x, y, _ = self._place(name, observation)
        return x, y
