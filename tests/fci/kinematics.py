"""Where the flange of a Panda or FR3 is: forward kinematics and Jacobian from the published DH parameters.

Source: Franka Robotics, "Robot and interface specifications", Denavit-Hartenberg parameters (Craig's
convention); https://frankarobotics.github.io/docs/robot_specifications.html. Both arms share them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

# a [m], d [m], alpha [rad] of joints 1 to 7 and of the flange
DH = (
    (0.0, 0.333, 0.0),
    (0.0, 0.0, -math.pi / 2),
    (0.0, 0.316, math.pi / 2),
    (0.0825, 0.0, math.pi / 2),
    (-0.0825, 0.384, -math.pi / 2),
    (0.0, 0.0, math.pi / 2),
    (0.088, 0.0, math.pi / 2),
    (0.0, 0.107, 0.0),
)
READY = np.array([0.0, -math.pi / 4, 0.0, -3 * math.pi / 4, 0.0, math.pi / 2, math.pi / 4])
"""The pose that Franka's examples start from [rad]."""

_FIXED = tuple((a, d, math.cos(alpha), math.sin(alpha)) for a, d, alpha in DH)


def hand_frame() -> Matrix:
    """Flange to the point between the Franka hand's finger tips: 103.4 mm on, turned by -45 degrees."""
    half = math.sqrt(0.5)
    frame = np.eye(4)
    frame[:2, :2] = [[half, half], [-half, half]]
    frame[2, 3] = 0.1034
    return frame


def link_frames(joints: Matrix) -> list[Matrix]:
    """Frames of the seven joints and the flange in the base frame.

    Args:
        joints: Shape ``(7,)`` [rad].
    """
    frames = []
    frame = np.eye(4)
    for (a, d, ca, sa), angle in zip(_FIXED, (*joints.tolist(), 0.0), strict=True):
        c, s = math.cos(angle), math.sin(angle)
        step = np.array(
            (
                (c, -s, 0.0, a),
                (s * ca, c * ca, -sa, -sa * d),
                (s * sa, c * sa, ca, ca * d),
                (0.0, 0.0, 0.0, 1.0),
            )
        )
        frame = frame @ step
        frames.append(frame)
    return frames


def pose_and_jacobian(joints: Matrix, tool: Matrix) -> tuple[Matrix, Matrix]:
    """Pose of the tool in the base frame ``(4, 4)`` and its Jacobian ``(6, 7)``, linear rows first.

    Args:
        joints: Shape ``(7,)`` [rad].
        tool: Flange to tool, shape ``(4, 4)``.
    """
    frames = link_frames(joints)
    pose = frames[7] @ tool
    stack = np.array(frames[:7])
    axes, arms = stack[:, :3, 2], pose[:3, 3] - stack[:, :3, 3]
    return pose, np.vstack([_cross(axes, arms).T, axes.T])


def rotation_vector(rotation: Matrix) -> Matrix:
    """Axis times angle [rad] of a ``(3, 3)`` rotation well below half a turn."""
    r = rotation
    axis = 0.5 * np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9:
        return axis
    return axis * (math.atan2(sine, 0.5 * (np.trace(r) - 1.0)) / sine)


def _cross(a: Matrix, b: Matrix) -> Matrix:
    """Row-wise cross product; ``np.cross`` takes four times as long on so few rows."""
    ax, ay, az = a.T
    bx, by, bz = b.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=1)
