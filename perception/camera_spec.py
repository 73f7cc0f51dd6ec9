"""One camera, one file: ``config/cameras/<camera>.yaml`` as a frozen, validated ``CameraSpec``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt

from perception.calibration.file import load_calibration
from perception.calibration.hand_eye import Mount
from perception.frame import Intrinsics, Transform
from perception.spec import Byte, Name, Point, Share, SpecError, read_spec
from perception.strict_model import StrictModel


class StreamsSpec(StrictModel):
    """Size [px] and rate [Hz] of both streams."""

    width: PositiveInt
    height: PositiveInt
    rate: PositiveInt


class KnownMounting(StrictModel):
    """A camera whose place is known by construction: a simulated one, beside the robot, square pixels.

    Position [m], image right and image up in the base frame; vertical field of view [degrees].
    """

    kind: Literal["known"]
    position: Point
    right: Point
    up: Point
    field_of_view: Annotated[float, Field(gt=0.0, lt=180.0)]


class CalibratedMounting(StrictModel):
    """A camera that was calibrated: the file, seen from this one's folder, and its greatest age [days]."""

    kind: Literal["calibrated"]
    file: Name
    oldest: PositiveInt


class FrameLimitsSpec(StrictModel):
    """Which frames are believed; the fields are those of ``StreamLimits``, and the table's tolerance [m]."""

    dark: Byte
    least_depth_share: Share
    nearest: PositiveFloat
    farthest: PositiveFloat
    frozen_frames: Annotated[int, Field(ge=2)] | None
    oldest: PositiveFloat
    future: Annotated[float, Field(ge=0.0)]
    table_tolerance: PositiveFloat


class CameraSpec(StrictModel):
    """What driver and perception must know of a camera; the YAML files explain every key."""

    name: Name
    serial: Name | None
    streams: StreamsSpec
    mounting: Annotated[KnownMounting | CalibratedMounting, Field(discriminator="kind")]
    limits: FrameLimitsSpec


@dataclass(frozen=True, slots=True, eq=False)
class Mounting:
    """Where a camera is, and which camera it is.

    Attributes:
        mount: Beside the robot or on its hand.
        transform: (4, 4) base_from_camera or hand_from_camera.
        intrinsics: Of the camera that was calibrated; a frame with others is not from it.
    """

    mount: Mount
    transform: Transform
    intrinsics: Intrinsics

    def base_from_camera(self, base_from_hand: Transform | None) -> Transform | None:
        """Return where the camera is now (4, 4); None if that depends on an arm pose that is not known."""
        if self.mount is Mount.BESIDE_ROBOT:
            return self.transform
        return None if base_from_hand is None else base_from_hand @ self.transform


def load_camera(file: Path) -> CameraSpec:
    """Read a camera's file.

    Raises:
        SpecError: The file is missing or wrong.
    """
    return read_spec(file, CameraSpec)


def mounting_of(spec: CameraSpec, folder: Path, now: datetime) -> Mounting:
    """Find out where a camera is.

    Args:
        spec: The camera.
        folder: Of its file, from where a calibration's path is meant.
        now: To judge the calibration's age.

    Raises:
        CalibrationError: The calibration is missing, old, bad, or of another camera.
    """
    given = spec.mounting
    if isinstance(given, CalibratedMounting):
        found = load_calibration(folder / given.file, now, timedelta(days=given.oldest), spec.serial)
        return Mounting(found.mount, found.transform, found.intrinsics)
    right, up = (_unit(np.array(axis)) for axis in (given.right, given.up))
    if abs(float(right @ up)) > 0.01:
        raise SpecError(
            f"{spec.name}: right and up must be at right angles, got {given.right} and {given.up}"
        )
    transform = np.eye(4)
    # Optical axes: x right, y down, z into the picture.
    transform[:3, :3] = np.stack((right, -up, np.cross(right, -up)), axis=1)
    transform[:3, 3] = given.position
    streams = spec.streams
    lens = Intrinsics.from_field_of_view(streams.width, streams.height, given.field_of_view)
    return Mounting(Mount.BESIDE_ROBOT, transform, lens)


def _unit(axis: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return axis / np.linalg.norm(axis)
