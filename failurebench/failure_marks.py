"""What fails, as red blocks and cylinders to draw into a picture of a task."""

from dataclasses import dataclass
from enum import Enum, auto

LINE = 0.005
SHEET = 0.001
"""Half of the thickness of a border, and of an area on the table, metres."""
FAINT, CLEAR, SOLID = 0.12, 0.35, 1.0
"""Opacities: of where a failure set may go, of the set itself, and of its border."""

Pair = tuple[float, float]


class Shape(Enum):
    """What a mark looks like."""

    BOX = auto()
    CYLINDER = auto()


@dataclass(frozen=True)
class Mark:
    """An upright red solid; centre and half-sizes (of a cylinder: radius, radius, height) in metres."""

    centre: tuple[float, float, float]
    half_size: tuple[float, float, float]
    opacity: float
    shape: Shape = Shape.BOX


@dataclass(frozen=True)
class Surface:
    """The top of a table: least and greatest x and y, metres."""

    x: Pair
    y: Pair


def outside_marks(surface: Surface, x: Pair, y: Pair) -> list[Mark]:
    """Return the border of a rectangle that must not be left, and the table outside of it.

    Args:
        surface: The table.
        x: Least and greatest x of the rectangle, metres; a side at the table's edge gets no border.
        y: The same on y.
    """
    marks = [
        _flat((surface.x[0], x[0]), surface.y, SHEET, CLEAR),
        _flat((x[1], surface.x[1]), surface.y, SHEET, CLEAR),
        _flat(x, (surface.y[0], y[0]), SHEET, CLEAR),
        _flat(x, (y[1], surface.y[1]), SHEET, CLEAR),
    ]
    marks += [_flat((side, side), y, LINE, SOLID) for side in x if side not in surface.x]
    marks += [_flat(x, (side, side), LINE, SOLID) for side in y if side not in surface.y]
    return [mark for mark in marks if min(mark.half_size) > 0.0]


def zone_marks(centre: Pair, half_size: Pair, height: float) -> list[Mark]:
    """Return the border and the body of a box around an obstacle; metres."""
    (x, y), (width, depth) = centre, half_size
    marks = [Mark((x, y, height / 2), (width, depth, height / 2), CLEAR)]
    for sign in (-1.0, 1.0):
        marks.append(Mark((x, y + sign * depth, LINE), (width + LINE, LINE, LINE), SOLID))
        marks.append(Mark((x + sign * width, y, LINE), (LINE, depth, LINE), SOLID))
    return marks


def cylinder_marks(centre: Pair, radius: float, height: float) -> list[Mark]:
    """Return the foot and the body of an upright cylinder; metres."""
    foot, wide = (*centre, SHEET), radius + LINE
    return [
        Mark((*centre, height / 2), (radius, radius, height / 2), CLEAR, Shape.CYLINDER),
        Mark(foot, (wide, wide, SHEET), SOLID, Shape.CYLINDER),
    ]


def lane_mark(x: Pair, y: Pair) -> Mark:
    """Return the strip of the table that a failure set moves over; metres."""
    return _flat(x, y, SHEET / 2, FAINT)


def _flat(x: Pair, y: Pair, thickness: float, opacity: float) -> Mark:
    """A rectangle on the table; of a side without width, a line."""
    line = LINE if opacity == SOLID else 0.0
    return Mark(
        ((x[0] + x[1]) / 2, (y[0] + y[1]) / 2, thickness),
        ((x[1] - x[0]) / 2 + line, (y[1] - y[0]) / 2 + line, thickness),
        opacity,
    )
