"""What an action must pass before an arm sees it, in this order: shape, finite, clip to [-1, 1]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farl.failsafe import Condition
from farl.types import Array


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked action.

    Attributes:
        values: Shape ``(A,)``, finite, in [-1, 1]; zeros where the action cannot be used.
        condition: NONE, LIMIT_HIT (it was clipped) or NOT_FINITE (it cannot be used).
        message: What is wrong with it; empty when it was not refused.
    """

    values: Array
    condition: Condition
    message: str


def check_action(values: Array, size: int) -> Checked:
    """Check one action.

    Args:
        values: As it came.
        size: Number of action dimensions A that the task has.
    """
    zeros = np.zeros(size, np.float32)
    if values.shape != (size,):
        return Checked(zeros, Condition.NOT_FINITE, f"action of shape {values.shape}, expected ({size},)")
    if not np.isfinite(values).all():
        return Checked(zeros, Condition.NOT_FINITE, f"action {values.tolist()} is not finite")
    if np.abs(values).max(initial=0.0) > 1.0:
        return Checked(np.clip(values, -1.0, 1.0), Condition.LIMIT_HIT, "")
    return Checked(values, Condition.NONE, "")
