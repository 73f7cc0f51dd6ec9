"""A pose of the end-effector in the robot's base frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

UNIT_TOLERANCE = 1e-3
"""How far a quaternion's norm may be from 1: what single precision and a chain of products cost."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the end-effector is, or is to be.

    franky takes a quaternion of zeros for the identity and scales any other to length 1 without a word, so a
    pose is checked here, where it is made.

    Attributes:
        position: Shape ``(3,)``, base frame [m].
        quaternion: Shape ``(4,)``, x y z w, of length 1.
    """

    position: NDArray[np.float64]
    quaternion: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check shapes, numbers and the quaternion's length, which becomes exactly 1.

        Raises:
            ValueError: One of them is wrong.
        """
        position = np.array(self.position, np.float64)
        quaternion = np.array(self.quaternion, np.float64)
        for name, values, size in (("position", position, 3), ("quaternion", quaternion, 4)):
            if values.shape != (size,) or not np.isfinite(values).all():
                raise ValueError(f"{name} {values.tolist()}: expected {size} finite numbers")
        norm = float(np.linalg.norm(quaternion))
        if abs(norm - 1.0) > UNIT_TOLERANCE:
            raise ValueError(f"quaternion {quaternion.tolist()} has length {norm:.6g}, expected 1")
        object.__setattr__(self, "position", position)
        object.__setattr__(self, "quaternion", quaternion / norm)

    @classmethod
    def facing_down(cls, position: ArrayLike, yaw: float) -> Self:
        """The hand straight above ``position`` [m], fingers down, turned by ``yaw`` [rad] about the base's z.

        At yaw 0 the hand's x points along the base's x, and its z down.
        """
        half = 0.5 * yaw
        return cls(np.asarray(position, np.float64), np.array([math.cos(half), math.sin(half), 0.0, 0.0]))
