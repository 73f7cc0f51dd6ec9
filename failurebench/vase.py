"""A vase: a convex solid of revolution that stands upright on the table, and how far points are from it."""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Profile = tuple[tuple[float, float], ...]
"""Pairs of radius and height, metres, from the foot upwards."""


class Vase:
    """A convex solid of revolution around a vertical axis; its outline is piecewise linear.

    Points are given relative to the centre of the foot. It stands on the table, so the foot is no part of the
    surface: the lowest side goes on downwards.

    Attributes:
        foot: Centre of the foot x, y, z, metres, shape (3,).
        profile: Outline (radius, height) from the foot upwards, metres.
        largest_radius: Where it is widest, metres.
    """

    def __init__(self, axis: tuple[float, float], profile: Profile) -> None:
        """Set place and shape.

        Args:
            axis: x, y of the axis, metres.
            profile: Outline (radius, height) from the foot upwards, metres; the first height is 0.

        Raises:
            ValueError: If the profile is not the outline of a convex solid.
        """
        self.foot = np.array([*axis, 0.0])
        self.profile: Profile = tuple((float(radius), float(height)) for radius, height in profile)
        self._check()
        self.largest_radius = max(radius for radius, _ in self.profile)
        self._corners = (*self.profile, (0.0, self.profile[-1][1]))
        corners = np.array(self._corners)
        edges = np.diff(corners, axis=0)
        lengths = np.linalg.norm(edges, axis=1)[:, None]
        # Of each edge, as columns: where it starts, between which lengths along it it lies, and its normal.
        self._start_radius, self._start_height = corners[:-1, :1], corners[:-1, 1:]
        self._begin = np.array([-math.inf, *[0.0] * (len(lengths) - 1)])[:, None]
        self._length = lengths
        self._normal_radius, self._normal_height = edges[:, 1:] / lengths, -edges[:, :1] / lengths

    def _check(self) -> None:
        given = self.profile
        if len(given) < 2 or given[0][1] != 0.0:
            raise ValueError(f"expected two or more (radius, height), the first at height 0, got {given}")
        if min(radius for radius, _ in given) <= 0.0:
            raise ValueError(f"expected positive radii, got {given}")
        if any(above <= below for (_, below), (_, above) in pairwise(given)):
            raise ValueError(f"expected heights that rise, got {given}")
        slopes = [(r1 - r0) / (z1 - z0) for (r0, z0), (r1, z1) in pairwise(given)]
        if any(above > below for below, above in pairwise(slopes)):
            raise ValueError(f"expected a convex outline without a waist, got {given}")

    def distance(self, x: float, y: float, z: float) -> float:
        """Return the signed distance of a point to the surface, metres; negative inside."""
        radius = math.hypot(x, y)
        inside = True
        least = math.inf
        for (r0, z0), (r1, z1) in pairwise(self._corners):
            edge_r, edge_z = r1 - r0, z1 - z0
            dr, dz = radius - r0, z - z0
            inside = inside and edge_z * dr - edge_r * dz <= 0.0
            along = (dr * edge_r + dz * edge_z) / (edge_r * edge_r + edge_z * edge_z)
            along = min(along if z0 == 0.0 else max(along, 0.0), 1.0)
            least = min(least, math.hypot(dr - along * edge_r, dz - along * edge_z))
        return -least if inside else least

    def nearest(self, points: Points) -> tuple[int, float]:
        """Find the point with the least signed distance.

        Args:
            points: Columns x, y, z, metres, shape (3, P).

        Returns:
            Its index and its signed distance, metres.
        """
        x, y, z = points
        # Of each edge (rows) and each point: the way from its start, outwards and upwards, and from its line.
        across = np.sqrt(x * x + y * y) - self._start_radius
        up = z - self._start_height
        away = across * self._normal_radius
        away += up * self._normal_height
        bounds = away.max(axis=0)
        best = int(bounds.argmin())
        if bounds[best] <= 0.0:
            return best, float(bounds[best])
        along = up * self._normal_radius
        along -= across * self._normal_height
        beyond = along - np.minimum(np.maximum(along, self._begin), self._length)
        away *= away
        away += beyond * beyond
        squares = away.min(axis=0)
        best = int(squares.argmin())
        return best, math.sqrt(squares[best])
