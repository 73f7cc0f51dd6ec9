"""The failure predicates of the tasks on the Franka's table, in the robot's base frame."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import PositiveFloat, model_validator

from failurebench.franka.field import Field
from failurebench.franka.flower import Flower
from failurebench.franka.rules import FieldRules, FlowerRules, WallRules
from failurebench.obstacle_box import ObstacleBox
from farl_ros.outlines import circle, rectangle
from farl_ros.task_fields import FailureKind, HalfSize, Name, Point2
from perception.strict_model import StrictModel


class ObjectTouchesWall(StrictModel):
    """Failure: the rim of a round object of ``radius`` touches an upright wall, a box seen from above [m]."""

    kind: Literal[FailureKind.OBJECT_TOUCHES_WALL]
    object: Name
    centre: Point2
    half_size: HalfSize
    radius: PositiveFloat

    def description(self) -> str:
        """The failure set in one line."""
        return f"{self.object}'s rim at the wall, {_extent(self.centre, self.half_size)}"

    def environment_kwargs(self) -> dict[str, Any]:
        """The wall, as the environment calls it."""
        return {
            "box_centre": self.centre,
            "box_half_size": self.half_size,
            "object_radius": self.radius,
        }

    def rules(self) -> WallRules:
        """What counts, from positions alone."""
        return WallRules(ObstacleBox(self.centre, self.half_size, self.radius))

    def boundary(self, reach: float) -> list[tuple[float, float]]:
        """Corner points x, y [m] of the wall; closed, so that ``reach`` does not matter."""
        return rectangle(self.centre, self.half_size)


class ObjectOffField(StrictModel):
    """Failure: the centre of an object is outside a rectangular field [m]."""

    kind: Literal[FailureKind.OBJECT_OFF_FIELD]
    object: Name
    centre: Point2
    half_size: HalfSize

    def description(self) -> str:
        """The failure set in one line."""
        return f"{self.object} outside the field, {_extent(self.centre, self.half_size)}"

    def environment_kwargs(self) -> dict[str, Any]:
        """The field, as the environment calls it."""
        return {"field_centre": self.centre, "field_half_size": self.half_size}

    def rules(self) -> FieldRules:
        """What counts, from positions alone."""
        return FieldRules(Field(self.centre, self.half_size))

    def boundary(self, reach: float) -> list[tuple[float, float]]:
        """Corner points x, y [m] of the field; closed, so that ``reach`` does not matter."""
        return rectangle(self.centre, self.half_size)


class ObstacleTouched(StrictModel):
    """Failure: the object or the hand touches a moving obstacle, an upright cylinder on the table [m].

    ``lane`` holds the least and greatest x of the places that it is moved to.
    """

    kind: Literal[FailureKind.OBSTACLE_TOUCHED]
    object: Name
    obstacle: Name
    radius: PositiveFloat
    height: PositiveFloat
    lane: Point2

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lane[0] > self.lane[1]:
            raise ValueError(f"lane: expected the least x first, got {self.lane}; swap them")
        return self

    def description(self) -> str:
        """The failure set in one line."""
        return (
            f"{self.object} or hand within {self.radius:g} m of the axis of the {self.obstacle}, "
            f"{self.height:g} m high"
        )

    def environment_kwargs(self) -> dict[str, Any]:
        """The obstacle, as the environment calls it."""
        return {"flower_radius": self.radius, "flower_height": self.height, "lane": self.lane}

    def rules(self) -> FlowerRules:
        """What counts, from positions alone."""
        return FlowerRules(Flower(self.radius, self.height))

    def boundary(self, reach: float) -> list[tuple[float, float]]:
        """Points x, y [m] around the obstacle in the middle of its lane; ``reach`` does not matter."""
        return circle((sum(self.lane) / 2, 0.0), self.radius)


def _extent(centre: tuple[float, float], half_size: tuple[float, float]) -> str:
    (x, y), (a, b) = centre, half_size
    return f"x {x - a:g} to {x + a:g} m, y {y - b:g} to {y + b:g} m"
