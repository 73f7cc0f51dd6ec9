"""A folder with the pictures of a calibration: NNN.png with NNN.json beside it (pose and camera)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError

from perception.calibration.hand_eye import CalibrationError
from perception.frame import Colour, Intrinsics, Transform
from perception.strict_model import StrictModel, problems

_Row = Annotated[tuple[float, float, float, float], Field(strict=False)]
_ORTHOGONAL = 1e-3


class _Camera(StrictModel):
    serial: str
    width: PositiveInt
    height: PositiveInt
    fx: PositiveFloat
    fy: PositiveFloat
    cx: float
    cy: float


class _Beside(StrictModel):
    base_from_hand: Annotated[tuple[_Row, _Row, _Row, _Row], Field(strict=False)]
    camera: _Camera


@dataclass(frozen=True)
class Picture:
    """One picture of a board.

    Attributes:
        colour: (H, W, 3), blue first.
        intrinsics: Of the camera.
        base_from_hand: (4, 4) measured by the arm.
        serial: Of the camera.
    """

    colour: Colour
    intrinsics: Intrinsics
    base_from_hand: Transform
    serial: str


def write_picture(folder: Path, number: int, picture: Picture) -> None:
    """Write one picture and what belongs to it."""
    folder.mkdir(parents=True, exist_ok=True)
    lens = picture.intrinsics
    camera = {"serial": picture.serial} | {name: getattr(lens, name) for name in Intrinsics.__slots__}
    beside = {"base_from_hand": picture.base_from_hand.tolist(), "camera": camera}
    cv2.imwrite(str(folder / f"{number:03d}.png"), picture.colour)
    (folder / f"{number:03d}.json").write_text(json.dumps(beside, indent=1) + "\n", encoding="utf-8")


def read_pictures(folder: Path) -> Iterator[Picture]:
    """Read a folder, in order.

    Raises:
        CalibrationError: It holds no pictures, or one of them cannot be used.
    """
    files = sorted(folder.glob("*.png"))
    if not files:
        raise CalibrationError(f"{folder}: expected pictures NNN.png, each with its NNN.json; found none")
    for file in files:
        beside = file.with_suffix(".json")
        try:
            given = _Beside.model_validate(json.loads(beside.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            told = problems(error) if isinstance(error, ValidationError) else str(error)
            raise CalibrationError(f"{beside}: cannot be used: {told}") from error
        colour = cv2.imread(str(file), cv2.IMREAD_COLOR)
        camera = given.camera
        if colour is None or colour.shape != (camera.height, camera.width, 3):
            raise CalibrationError(f"{file}: expected a picture of {camera.width}x{camera.height} pixels")
        pose = np.array(given.base_from_hand)
        if (
            np.abs(pose[:3, :3] @ pose[:3, :3].T - np.eye(3)).max() > _ORTHOGONAL
            or np.linalg.det(pose[:3, :3]) < 0.0
            or pose[3].tolist() != [0.0, 0.0, 0.0, 1.0]
        ):
            raise CalibrationError(f"{beside}: base_from_hand is no rigid motion: {pose.tolist()}")
        lens = Intrinsics(camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy)
        yield Picture(np.asarray(colour, np.uint8), lens, pose, camera.serial)
