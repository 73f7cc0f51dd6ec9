"""One task's perception, one file: ``config/perception/<task>.yaml`` as a frozen, validated spec."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from perception.strict_model import StrictModel, nearest, problems, read_yaml

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Byte = Annotated[int, Field(ge=0, le=255)]
Hue = Annotated[int, Field(ge=0, le=179)]
Bytes = Annotated[tuple[Byte, Byte], Field(strict=False)]
Point = Annotated[tuple[float, float, float], Field(strict=False)]
Name = Annotated[str, Field(min_length=1)]


Kind = TypeVar("Kind", bound=StrictModel)


class SpecError(ValueError):
    """A perception or camera file is missing or wrong; the message names the file and what to change."""


class EllipsoidSpec(StrictModel):
    """A ball, flattened or stretched along the base's axes [m]."""

    kind: Literal["ellipsoid"]
    half_axes: Annotated[tuple[PositiveFloat, PositiveFloat, PositiveFloat], Field(strict=False)]


class CylinderSpec(StrictModel):
    """An upright cylinder [m]."""

    kind: Literal["cylinder"]
    radius: PositiveFloat
    half_height: PositiveFloat


class ColourSpec(StrictModel):
    """A box in OpenCV's HSV space: hue 0 to 179 (first above last: through red), the others 0 to 255."""

    hue: Annotated[tuple[Hue, Hue], Field(strict=False)]
    saturation: Bytes
    value: Bytes
    least_area: PositiveInt

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name in ("saturation", "value"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}: {low} must not exceed {high}")
        return self


class ClassSpec(StrictModel):
    """A class of objects: size, the point that the task means [m from the shape's centre], colour if any."""

    shape: Annotated[EllipsoidSpec | CylinderSpec, Field(discriminator="kind")]
    origin: Point
    colour: ColourSpec | None


class ObjectSpec(StrictModel):
    """An object to track."""

    name: Name
    object_class: Name


class BoundsSpec(StrictModel):
    """Where objects can be [m, base frame]."""

    lower: Point
    upper: Point

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for axis, low, high in zip("xyz", self.lower, self.upper, strict=True):
            if low > high:
                raise ValueError(f"{axis}: lower {low} must not exceed upper {high}")
        return self


class DetectorSpec(StrictModel):
    """Who detects, and what is believed."""

    kind: Literal["colour", "yolo", "fused"]
    model: Name | None
    least_score: Share
    overlap: Share
    runtime: Literal["onnxruntime", "openvino"]
    threads: PositiveInt
    colour_share: Share
    yolo_alone: Share
    colour_alone: Share

    @model_validator(mode="after")
    def _has_a_model(self) -> Self:
        if self.kind != "colour" and self.model is None:
            raise ValueError(f"a detector of kind {self.kind!r} needs a model; got none")
        return self


class TrackingSpec(StrictModel):
    """How tracks live; the fields are those of ``TrackLimits``."""

    acceleration: PositiveFloat
    gate: PositiveFloat
    jump: PositiveFloat
    lost_after: PositiveFloat
    confirm: PositiveInt
    distinct: Share


class LocatingSpec(StrictModel):
    """What of a detection is believed; the fields are those of ``LiftLimits``."""

    least_pixels: PositiveInt
    least_depth_share: Share
    least_visible: Share
    greatest_visible: Annotated[float, Field(ge=1.0)]
    deviation: PositiveFloat


class PerceptionSpec(StrictModel):
    """One task's perception; the YAML files explain every key."""

    task: Name
    objects: Annotated[tuple[ObjectSpec, ...], Field(strict=False, min_length=1)]
    classes: dict[Name, ClassSpec]
    bounds: BoundsSpec
    table_height: float
    detector: DetectorSpec
    locating: LocatingSpec
    tracking: TrackingSpec

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [one.name for one in self.objects]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"objects: {', '.join(twice)} stands there twice; names must differ")
        for one in self.objects:
            if one.object_class not in self.classes:
                near = f"; did you mean {nearest(one.object_class, self.classes)!r}?" if self.classes else ""
                raise ValueError(
                    f"objects: {one.name} is of class {one.object_class!r}, not in classes{near}"
                )
        if self.detector.kind == "colour":
            plain = [name for name, one in self.classes.items() if one.colour is None]
            if plain:
                raise ValueError(f"classes: {', '.join(plain)} must have a colour where colour alone detects")
        return self


def load_perception(file: Path) -> PerceptionSpec:
    """Read a task's perception.

    Raises:
        SpecError: The file is missing or wrong.
    """
    return read_spec(file, PerceptionSpec)


def read_spec(file: Path, kind: type[Kind]) -> Kind:
    """Read a file as a spec of some kind.

    Raises:
        SpecError: The file is missing or wrong.
    """
    try:
        return kind.model_validate(read_yaml(file))
    except ValidationError as error:
        raise SpecError(f"{file}:\n  {problems(error)}") from error
    except ValueError as error:
        raise SpecError(str(error)) from error
