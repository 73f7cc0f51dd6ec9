"""Rigid transforms and the pinhole camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perception.frame import Intrinsics, Points, Transform

Floats = NDArray[np.floating]


def invert(a_from_b: Transform) -> Transform:
    """Return ``b_from_a`` (4, 4) of a rigid transform."""
    inverse = np.eye(4)
    inverse[:3, :3] = a_from_b[:3, :3].T
    inverse[:3, 3] = -inverse[:3, :3] @ a_from_b[:3, 3]
    return inverse


def deproject(intrinsics: Intrinsics, columns: Floats, rows: Floats, depth: Floats) -> Points:
    """Return points (n, 3) in the camera frame, metres, of pixels (n,) with depth (n,) along the axis."""
    x = (columns - intrinsics.cx) / intrinsics.fx * depth
    y = (rows - intrinsics.cy) / intrinsics.fy * depth
    return np.stack((x, y, depth), axis=1, dtype=np.float64)


def move(a_from_b: Transform, points: Points) -> Points:
    """Return points (n, 3) given in b as points in a."""
    return points @ a_from_b[:3, :3].T + a_from_b[:3, 3]


def project(
    intrinsics: Intrinsics, camera_from_base: Transform, position: NDArray[np.float64]
) -> tuple[float, float]:
    """Return column and row of a position (3,) in the base frame; not-a-number behind the camera."""
    x, y, z = move(camera_from_base, position[None])[0].tolist()
    if z <= 0.0:
        return float("nan"), float("nan")
    return x / z * intrinsics.fx + intrinsics.cx, y / z * intrinsics.fy + intrinsics.cy
