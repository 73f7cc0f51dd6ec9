"""The parts of a task file: action, observation, objects, workspace, reward, failure predicate and layout."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from farl_ros.strict_model import StrictModel

Point2 = Annotated[tuple[float, float], Field(strict=False)]
Point3 = Annotated[tuple[float, float, float], Field(strict=False)]
Name = Annotated[str, Field(min_length=1)]


class FailureKind(StrEnum):
    """The failure predicates that a task file can choose from."""

    OBJECT_OUTSIDE = "object_outside"
    OBJECT_BEYOND = "object_beyond"


class RewardSource(StrEnum):
    """Who computes the reward."""

    SIMULATOR = "simulator"


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
    """Who computes the reward, and the names of the terms that add up to it."""

    source: Annotated[RewardSource, Field(strict=False)]
    terms: Annotated[tuple[Name, ...], Field(strict=False)]


class ObjectOutside(StrictModel):
    """Failure: ``|x| > x_limit`` or ``y < y_limit`` of an object's position [m]."""

    kind: Literal[FailureKind.OBJECT_OUTSIDE]
    object: Name
    x_limit: float = Field(ge=0.0)
    y_limit: float

    def description(self) -> str:
        """The failure set in one line."""
        return f"{self.object} at |x| > {self.x_limit:g} m or y < {self.y_limit:g} m"

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
        return f"{self.object} at |x| or |y| > {self.limit:g} m"

    def environment_kwargs(self) -> dict[str, float]:
        """The limit, as the environment calls it."""
        return {"limit": self.limit}

    def boundary(self, reach: float) -> list[tuple[float, float]]:
        """Corner points x, y [m] of the failure set's border; closed, so that ``reach`` does not matter."""
        a = self.limit
        return [(-a, -a), (a, -a), (a, a), (-a, a), (-a, -a)]


class Foresight(StrictModel):
    """What the shield must foresee [agent steps].

    ``horizon`` is H; ``lead`` the least warning that leaves the recovery policy time to act. Both follow from
    how recoverable the task's failures are (docs/experiments.md).
    """

    horizon: PositiveInt
    lead: PositiveInt

    @model_validator(mode="after")
    def _warns_in_time(self) -> Self:
        if self.lead > self.horizon:
            raise ValueError(
                f"lead {self.lead} must not exceed horizon {self.horizon}: nothing is seen so early"
            )
        return self


class Layout(StrictModel):
    """The scene at reset [m]; ``jitter`` is the half-width of the uniform jitter on the object's x and y."""

    object_position: Point2
    goal_position: Point2
    jitter: float = Field(ge=0.0)
    randomize: bool
