"""Actions become what an arm may get: through the command chain where it takes targets, else only clipped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from farl.failsafe import Condition
from farl.types import Array
from farl_ros.arm.command_chain import (
    ChainSettings,
    ChainState,
    CommandRefused,
    Stage,
    require_finite,
    step,
)
from farl_ros.arm.pose import Pose


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked action.

    Attributes:
        values: Shape ``(A,)``, finite, in [-1, 1]; zeros where the action cannot be used.
        target: Where the end-effector is to be one control period from now; None for an arm that makes the
            motion of ``values`` itself, and where the action cannot be used.
        gripper: Share of the gripper's action; None in a task without one.
        condition: NONE, LIMIT_HIT (something was clipped), NOT_FINITE (it cannot be used) or STALE_STATE (it
            is not known where the arm is).
        message: What is wrong with it; empty when it was not refused.
    """

    values: Array
    target: Pose | None
    gripper: float | None
    condition: Condition
    message: str


class Commander:
    """Keeps the last commanded pose, and counts what was clipped.

    Attributes:
        clippings: Commands that each stage of the chain has refused (FINITE) or changed, so far.
    """

    def __init__(self, action_size: int, settings: ChainSettings | None = None) -> None:
        """Start without a commanded pose.

        Args:
            action_size: Number of action dimensions A that the task has.
            settings: For an arm that takes targets; None for one that takes actions.
        """
        self.clippings: Counter[Stage] = Counter()
        self._size, self._settings = action_size, settings
        self._state: ChainState | None = None

    @property
    def takes_targets(self) -> bool:
        """Whether ``prepare`` needs the measured pose."""
        return self._settings is not None

    def restart(self) -> None:
        """Forget the commanded pose: the next target starts from where the arm is measured to be."""
        self._state = None

    def prepare(self, values: Array, measured: Pose | None) -> Prepared:
        """Check one action.

        Args:
            values: As it came.
            measured: Where the end-effector is; None where that is not known.
        """
        try:
            require_finite(values, self._size)
        except CommandRefused as refusal:
            self.clippings[refusal.stage] += 1
            return Prepared(self._zeros(), None, None, Condition.NOT_FINITE, str(refusal))
        if self._settings is not None:
            return self._aimed(values, measured, self._settings)
        if np.abs(values).max(initial=0.0) <= 1.0:
            return Prepared(values, None, None, Condition.NONE, "")
        self.clippings[Stage.CLIP] += 1
        return Prepared(np.clip(values, -1.0, 1.0), None, None, Condition.LIMIT_HIT, "")

    def _aimed(self, values: Array, measured: Pose | None, settings: ChainSettings) -> Prepared:
        """Put a finite action through the chain."""
        if measured is None:
            message = "no measured pose of the end-effector yet: is the arm's state arriving?"
            return Prepared(self._zeros(), None, None, Condition.STALE_STATE, message)
        result = step(self._state or ChainState(measured), values, measured, settings)
        self._state = result.state
        self.clippings.update(result.clippings)
        condition = Condition.LIMIT_HIT if result.clippings else Condition.NONE
        return Prepared(result.values, result.target, result.gripper, condition, "")

    def _zeros(self) -> Array:
        return np.zeros(self._size, np.float32)
