"""Where the hand was when a picture was taken: the arm's poses of the last moments."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

import numpy as np
from numpy.typing import NDArray

from farl_ros.arm.pose import Pose

KEPT = 500
"""Poses that are remembered: half a second of a robot that tells it 1000 times a second."""


class ArmPoses:
    """Remembers poses by their stamps and tells the one of a moment, straight between its neighbours."""

    def __init__(self, reach_ns: int) -> None:
        """Start without poses.

        Args:
            reach_ns: After the newest pose it still counts for so long [ns]: the arm lags behind the camera.
        """
        self._reach = reach_ns
        self._stamps: deque[int] = deque(maxlen=KEPT)
        self._poses: deque[Pose] = deque(maxlen=KEPT)

    def add(self, stamp_ns: int, pose: Pose) -> None:
        """Take a pose; one that is not newer than the last is left out."""
        if not self._stamps or stamp_ns > self._stamps[-1]:
            self._stamps.append(stamp_ns)
            self._poses.append(pose)

    def at(self, stamp_ns: int) -> NDArray[np.float64] | None:
        """Return base_from_hand (4, 4) at a moment; None where no pose is near enough in time."""
        if not self._stamps or stamp_ns > self._stamps[-1] + self._reach:
            return None
        after = bisect_left(self._stamps, stamp_ns)
        if after == len(self._stamps):
            return _matrix(self._poses[-1].position, self._poses[-1].quaternion)
        if self._stamps[after] == stamp_ns:
            return _matrix(self._poses[after].position, self._poses[after].quaternion)
        if after == 0:
            # Taken before the first pose that is known: as good as one that lags.
            near = self._stamps[0] - stamp_ns <= self._reach
            return _matrix(self._poses[0].position, self._poses[0].quaternion) if near else None
        before = after - 1
        share = (stamp_ns - self._stamps[before]) / (self._stamps[after] - self._stamps[before])
        one, other = self._poses[before], self._poses[after]
        # A quaternion and its negative are one rotation: take the short way.
        turned = other.quaternion if one.quaternion @ other.quaternion >= 0.0 else -other.quaternion
        quaternion = (1.0 - share) * one.quaternion + share * turned
        position = (1.0 - share) * one.position + share * other.position
        return _matrix(position, quaternion / np.linalg.norm(quaternion))


def _matrix(position: NDArray[np.float64], quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    """(4, 4) from a position (3,) and a unit quaternion x, y, z, w."""
    x, y, z, w = quaternion.tolist()
    transform = np.eye(4)
    transform[:3, :3] = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    transform[:3, 3] = position
    return transform
