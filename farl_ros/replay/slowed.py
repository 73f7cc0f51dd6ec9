"""Recorded actions spread over more control periods: the same way, slower."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from farl.types import Array
from farl_ros.task_spec import TaskSpec

GRIPPER = "gripper"
_ROUNDING = 1e-9
"""Of a moment in the recording [control periods]."""


def ways(spec: TaskSpec) -> NDArray[np.bool_]:
    """Which action dimensions say how far to go, and are to be spread, shape ``(A,)``: not a gripper's."""
    return np.array([not field.name.endswith(GRIPPER) for field in spec.action])


def slowed(actions: Array, scale: float, spread: NDArray[np.bool_]) -> Array:
    """Actions that go the same way at a share of the speed.

    Period k of the slow motion covers the recording from ``k · scale`` to ``(k + 1) · scale`` periods, and
    goes as far as the recording goes in that time. The sum of all actions stays, and so does the path.

    Args:
        actions: One per control period, shape ``(T, A)``.
        scale: Share of the speed, in (0, 1].
        spread: Which dimensions are ways, shape ``(A,)``; the others keep their value as long as it lasted.

    Returns:
        Shape ``(ceil(T / scale), A)``; no entry is larger than the recorded ones.

    Raises:
        ValueError: The scale is not in (0, 1].
    """
    if not 0.0 < scale <= 1.0:
        raise ValueError(f"speed {scale:g}: expected a share of the recorded speed, above 0 and at most 1")
    periods = math.ceil(len(actions) / scale - _ROUNDING)
    ends = np.minimum(np.arange(periods + 1) * scale, len(actions))
    gone = np.vstack([np.zeros(actions.shape[1]), np.cumsum(actions, axis=0, dtype=np.float64)])
    at = np.stack([np.interp(ends, np.arange(len(gone)), column) for column in gone.T], axis=1)
    held = actions[np.minimum((ends[:-1] + _ROUNDING).astype(np.int64), len(actions) - 1)]
    return np.where(spread, np.diff(at, axis=0), held).astype(np.float32)
