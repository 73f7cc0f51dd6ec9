"""The parts of a task file: action, observation, objects, workspace, reward, failure predicate and layout."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from failurebench.vase import Vase
from farl_ros.outlines import circle, rectangle
from perception.strict_model import StrictModel

Point2 = Annotated[tuple[float, float], Field(strict=False)]
HalfSize = Annotated[tuple[PositiveFloat, PositiveFloat], Field(strict=False)]
Point3 = Annotated[tuple[float, float, float], Field(strict=False)]
Name = Annotated[str, Field(min_length=1)]


class FailureKind(StrEnum):
    """The failure predicates that a task file can choose from."""

    OBJECT_OUTSIDE = "object_outside"
    OBJECT_BEYOND = "object_beyond"
    OBJECT_NEAR_BOX = "object_near_box"
    ARM_NEAR_SOLID = "arm_near_solid"
    OBJECT_TOUCHES_WALL = "object_touches_wall"
    OBJECT_OFF_FIELD = "object_off_field"
    OBSTACLE_TOUCHED = "obstacle_touched"


class RewardSource(StrEnum):
    """Who computes the reward."""

    SIMULATOR = "simulator"  # with what only it knows
    OBSERVATION = "observation"  # whoever has the observation: simulator and robot, by the same rules


class ActionField(StrictModel):
    """One action dimension; ``scale`` (in ``unit`` per agent step) is what the action 1.0 stands for."""

    name: Name
    scale: PositiveFloat
    unit: Name


class ObservationField(StrictModel):
    """``size`` entries of the observation vector that belong together."""

    name: Name
    size: PositiveInt
    unit: Name


class TrackedObject(StrictModel):
    """An object to track: its name, its class for the detector, the observation field of its position [m]."""

    name: Name
    object_class: Name
    position: Name


class Workspace(StrictModel):
    """The box that the hand never leaves [m]."""

    lower: Point3
    upper: Point3

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if any(low > high for low, high in zip(self.lower, self.upper, strict=True)):
            raise ValueError(f"lower {self.lower} must not exceed upper {self.upper} on any axis")
        return self


class Reward(StrictModel):
    """Who computes the reward, the names of the terms that add up to it, and what a failure costs.

    ``failure_penalty`` is what the reward loses in each simulator step with a failure.
    """

    source: Annotated[RewardSource, Field(strict=False)]
    terms: Annotated[tuple[Name, ...], Field(strict=False)]
    failure_penalty: float = Field(default=0.0, ge=0.0)


class ObjectOutside(StrictModel):
    """Failure: ``|x| >= x_limit`` or ``y <= y_limit`` of an object's position [m]."""

    kind: Literal[FailureKind.OBJECT_OUTSIDE]
    object: Name
    x_limit: float = Field(ge=0.0)
    y_limit: float

    def description(self) -> str:
        """The failure set in one line."""
        return f"{self.object} at |x| >= {self.x_limit:g} m or y <= {self.y_limit:g} m"

    def environment_kwargs(self) -> dict[str, float]:
        """The limits, as the environment calls them."""
        return {"x_limit": self.x_limit, "y_limit": self.y_limit}

    def boundary(self, reach: float) -> list[tuple[float, float]]:
        """Corner points x, y [m] of the failure set's border, drawn up to y = ``reach`` where it is open."""
        left, right, near = -self.x_limit, self.x_limit, self.y_limit
        return [(left, reach), (left, near), (right, near), (right, reach)]


class ObjectBeyond(StrictModel):
    """Failure: ``|x| > limit`` or ``|y| > limit`` of an object's position [m]."""

    kind: Literal[FailureKind.OBJECT_BEYOND]
    object: Name
    limit: float = Field(ge=0.0)

    def description(self) -> str:
        """The failure set in one line."""
        return f"{self.object} at |x| or |y| >= {self.limit:g} m"

    def environment_kwargs(self) -> dict[str, float]:
        """The limit, as the environment calls it."""
        return {"limit": self.limit}

    def boundary(self, reach: float) -> list[tuple[float, float]]:
        """Corner points x, y [m] of the failure set's border; closed, so that ``reach`` does not matter."""
        return rectangle((0.0, 0.0), (self.limit, self.limit))


class ObjectNearBox(StrictModel):
    """Failure: the rim of a round object of ``radius`` touches a box around an obstacle, seen from above [m].

    With ``true_contact`` it is the contact with the obstacle itself; the box only shows where that stands.
    """

    kind: Literal[FailureKind.OBJECT_NEAR_BOX]
    object: Name
    centre: Point2
    half_size: HalfSize
    radius: float = Field(ge=0.0)
    true_contact: bool

    def description(self) -> str:
        """The failure set in one line."""
        if self.true_contact:
            return f"{self.object} in contact with the obstacle"
        (x, y), (width, depth) = self.centre, self.half_size
        return f"{self.object}'s rim at |x - {x:g}| <= {width:g} m and |y - {y:g}| <= {depth:g} m"

    def environment_kwargs(self) -> dict[str, Any]:
        """The box, as the environment calls it."""
        return {
            "box_centre": self.centre,
            "box_half_size": self.half_size,
            "object_radius": self.radius,
            "true_contact": self.true_contact,
        }

    def boundary(self, reach: float) -> list[tuple[float, float]]:
        """Points x, y [m] around the failure set of the object's centre: the box, widened by the radius.

        Closed, so that ``reach`` does not matter.
        """
        (x, y), (width, depth), arc = self.centre, self.half_size, range(0, 91, 15)
        corners = [(1, 1, 0), (-1, 1, 90), (-1, -1, 180), (1, -1, 270)]
        points = [
            (
                x + side * width + self.radius * math.cos(math.radians(start + angle)),
                y + end * depth + self.radius * math.sin(math.radians(start + angle)),
            )
            for side, end, start in corners
            for angle in arc
        ]
        return [*points, points[0]]


class ArmNearSolid(StrictModel):
    """Failure: forearm, hand or a finger touches a fragile solid of revolution that stands on the table.

    ``profile`` is its outline from the foot upwards: pairs of radius and height [m]. It has no waist.
    """

    kind: Literal[FailureKind.ARM_NEAR_SOLID]
    axis: Point2
    profile: Annotated[tuple[Point2, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _convex(self) -> Self:
        Vase(self.axis, self.profile)
        return self

    def description(self) -> str:
        """The failure set in one line."""
        (x, y), (_, height) = self.axis, self.profile[-1]
        return (
            f"arm in the solid of revolution at x = {x:g} m, y = {y:g} m, "
            f"radius up to {self._largest_radius:g} m, {height:g} m high"
        )

    def environment_kwargs(self) -> dict[str, Any]:
        """The solid, as the environment calls it."""
        return {"vase_axis": self.axis, "vase_profile": self.profile}

    def boundary(self, reach: float) -> list[tuple[float, float]]:
        """Points x, y [m] around the solid where it is widest; closed, so that ``reach`` does not matter."""
        return circle(self.axis, self._largest_radius)

    @property
    def _largest_radius(self) -> float:
        return max(radius for radius, _ in self.profile)


class Foresight(StrictModel):
    """What the shield must foresee [agent steps].

    ``horizon`` is the longest look-ahead to consider: H itself is chosen among shorter ones too, on held-out
    demonstrations (``farl.selection``). ``lead`` is the least warning that leaves the recovery policy time to
    act. Both follow from how recoverable the task's failures are (docs/experiments.md).
    ``false_alarm_budget`` is the largest share of the steps of harmless held-out episodes that may be
    flagged:
    more where a needless recovery costs nothing; None for the offline phase's own.
    """

    horizon: PositiveInt
    lead: PositiveInt
    false_alarm_budget: float | None = Field(default=None, gt=0.0, lt=1.0)

    @model_validator(mode="after")
    def _warns_in_time(self) -> Self:
        if self.lead > self.horizon:
            raise ValueError(
                f"lead {self.lead} must not exceed horizon {self.horizon}: nothing is seen so early"
            )
        return self


class Offline(StrictModel):
    """Settings of the offline phase that differ from its own, which are made for thousands of demonstrations.

    ``world_model_updates`` and ``world_model_rate`` are gradient steps and Adam step size of the world model;
    one that is left out stays as it is. ``resolution`` is, for each observation field that is named, what the
    sensor that the policy will see with resolves, in the field's unit: the networks do not read an entry that
    varies less (standard deviation) in the demonstrations.
    """

    world_model_updates: PositiveInt | None = None
    world_model_rate: PositiveFloat | None = None
    resolution: dict[Name, PositiveFloat] | None = None


class Online(StrictModel):
    """Settings of the online phase that differ from the preset's, which are made for a million steps.

    See ``farl.presets.PPOSettings`` for what they mean; one that is left out stays as it is.
    """

    rollout_steps: PositiveInt | None = None
    epochs: PositiveInt | None = None
    minibatch: PositiveInt | None = None
    policy_rate: PositiveFloat | None = None
    value_only_updates: int | None = Field(default=None, ge=0)
    initial_log_std: float | None = None


class Layout(StrictModel):
    """The scene at reset [m]; ``jitter`` is the half-width of the uniform jitter on the object's x and y.

    ``hand_position`` is where a robot's hand starts, in the robot's base frame; None for a task without one.
    """

    hand_position: Point3 | None = None
    object_position: Point2
    goal_position: Point2
    jitter: float = Field(ge=0.0)
    randomize: bool
