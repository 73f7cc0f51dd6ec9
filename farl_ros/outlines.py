"""Closed outlines of failure sets, seen from above."""

from __future__ import annotations

import math

Outline = list[tuple[float, float]]


def rectangle(centre: tuple[float, float], half_size: tuple[float, float]) -> Outline:
    """The corners x, y [m] of a rectangle along the axes; the first is the last."""
    (x, y), (a, b) = centre, half_size
    return [(x - a, y - b), (x + a, y - b), (x + a, y + b), (x - a, y + b), (x - a, y - b)]


def circle(centre: tuple[float, float], radius: float) -> Outline:
    """Points x, y [m] around a circle, ten degrees apart; the first is the last."""
    x, y = centre
    angles = [math.radians(angle) for angle in range(0, 361, 10)]
    return [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]
