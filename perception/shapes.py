"""Shapes of objects: how far the middle of what a camera sees of one is from its centre.

Depth measures surfaces, a task wants centres. Each pixel of a mask gives one point of the visible surface,
so the mean of the points is the mean of that surface weighted by projected area. For simple convex shapes it
has a closed form, seen from far away. All shapes stand upright: their axes are those of the base frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_RIM = 0.006
"""At a rim, noise puts points on the wrong face: what is so much nearer to one face lies on it, metres."""


class Shape(Protocol):
    """What the geometry must know of a shape."""

    @property
    def reach(self) -> float:
        """Greatest distance of its surface from its centre, metres."""
        ...

    def surface(self, towards: Vector) -> Vector:
        """Return the mean of the visible surface (3,) minus the centre, metres, base frame.

        Args:
            towards: Unit vector (3,) from the centre towards the camera, base frame.
        """
        ...

    def shadow(self, towards: Vector) -> float:
        """Return the area of the silhouette in that direction, square metres."""
        ...

    def distances(self, points: Vector) -> tuple[Vector, Vector]:
        """Return how far points (n, 3) from the centre are outside (n,), and the normals there (n, 3).

        Not-a-number where measured points may lie on either of two faces.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """A ball, flattened or stretched along the base's axes.

    Attributes:
        half_axes: Along x, y, z, metres.
    """

    half_axes: tuple[float, float, float]

    @property
    def reach(self) -> float:
        """Largest half-axis, metres."""
        return max(self.half_axes)

    def surface(self, towards: Vector) -> Vector:
        """Return the mean of the visible surface (3,) minus the centre.

        A ball's visible half has its mean at two thirds of the radius; stretching keeps projected means.
        """
        axes = np.array(self.half_axes)
        on_ball = towards / axes
        middle: Vector = axes * on_ball * (2.0 / 3.0 / float(np.linalg.norm(on_ball)))
        return middle

    def shadow(self, towards: Vector) -> float:
        """Return the area of the silhouette."""
        a, b, c = self.half_axes
        return float(np.pi * a * b * c * np.linalg.norm(towards / np.array(self.half_axes)))

    def distances(self, points: Vector) -> tuple[Vector, Vector]:
        """Return distances (n,), exact to first order near the surface, and normals (n, 3)."""
        axes = np.array(self.half_axes)
        level = np.maximum(np.linalg.norm(points / axes, axis=1), 1e-9)
        slopes = points / axes**2 / level[:, None]
        steep = np.maximum(np.linalg.norm(slopes, axis=1), 1e-9)
        return (level - 1.0) / steep, slopes / steep[:, None]


@dataclass(frozen=True, slots=True)
class Cylinder:
    """An upright cylinder, such as a puck or a can.

    Attributes:
        radius: Metres.
        half_height: Metres.
    """

    radius: float
    half_height: float

    @property
    def reach(self) -> float:
        """Distance from the centre to the rim, metres."""
        return float(np.hypot(self.radius, self.half_height))

    def surface(self, towards: Vector) -> Vector:
        """Return the mean of the visible surface (3,) minus the centre.

        Seen are one end, its mean in the middle, and half of the side, its mean at pi/4 of the radius.
        """
        end, side = self._areas(towards)
        flat = float(np.hypot(towards[0], towards[1]))
        out = 0.0 if flat == 0.0 else side / (end + side) * 0.25 * np.pi * self.radius / flat
        up = np.copysign(self.half_height, towards[2]) * end / (end + side)
        return np.array((out * towards[0], out * towards[1], up))

    def shadow(self, towards: Vector) -> float:
        """Return the area of the silhouette."""
        return sum(self._areas(towards))

    def distances(self, points: Vector) -> tuple[Vector, Vector]:
        """Return distances (n,) to the nearer of side and ends, and normals (n, 3)."""
        out = np.maximum(np.hypot(points[:, 0], points[:, 1]), 1e-9)
        side, end = out - self.radius, np.abs(points[:, 2]) - self.half_height
        normals = points / out[:, None]
        normals[:, 2] = 0.0
        at_end = np.abs(end) < np.abs(side)
        normals[at_end] = 0.0
        normals[at_end, 2] = np.sign(points[at_end, 2])
        distances = np.where(at_end, end, side)
        distances[np.abs(np.abs(end) - np.abs(side)) < _RIM] = np.nan
        return distances, normals

    def _areas(self, towards: Vector) -> tuple[float, float]:
        """Projected areas of end and side, square metres."""
        flat = float(np.hypot(towards[0], towards[1]))
        return np.pi * self.radius**2 * abs(float(towards[2])), 4.0 * self.radius * self.half_height * flat
