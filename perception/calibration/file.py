"""The calibration file: written with all that is needed to judge it, read only if it may be believed."""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError
from ruamel.yaml import YAML

from perception.calibration.board import Board
from perception.calibration.hand_eye import CalibrationError, HandEye, Mount
from perception.calibration.lens import LensCheck
from perception.frame import Intrinsics, Transform
from perception.strict_model import StrictModel, problems, read_yaml

Triple = Annotated[tuple[float, float, float], Field(strict=False)]
_FOCAL_TOLERANCE = 0.005
"""Relative difference between the camera's intrinsics now and then; factory values do not change."""


class _Camera(StrictModel):
    serial: str
    width: PositiveInt
    height: PositiveInt
    fx: PositiveFloat
    fy: PositiveFloat
    cx: float
    cy: float


class _Pose(StrictModel):
    translation: Triple
    rotation_vector: Triple


class _Residuals(StrictModel):
    # A solver without an answer has infinite residuals, written as null.
    translation_rms_mm: float | None
    translation_max_mm: float | None
    rotation_rms_deg: float | None


class _Lens(StrictModel):
    error_px: float
    own_error_px: float
    focal_ratio: float
    views: PositiveInt
    passed: bool


class _Board(StrictModel):
    columns: PositiveInt
    rows: PositiveInt
    square: PositiveFloat
    marker: PositiveFloat
    dictionary: str


class _File(StrictModel):
    format: Literal[1]
    created: str
    mount: Literal["on_hand", "beside_robot"]
    camera: _Camera
    transform: _Pose
    method: str
    samples: PositiveInt
    residuals: dict[str, _Residuals]
    lens: _Lens
    board: _Board
    passed: bool
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A calibration that may be used.

    Attributes:
        mount: Where the camera is fixed.
        transform: (4, 4) hand_from_camera or base_from_camera.
        intrinsics: Of the camera when it was calibrated.
        serial: Of the camera.
        created: When.
        translation_rms: Its held-out residual, metres.
    """

    mount: Mount
    transform: Transform
    intrinsics: Intrinsics
    serial: str
    created: datetime
    translation_rms: float


def save_calibration(
    path: Path,
    result: HandEye,
    lens: LensCheck,
    intrinsics: Intrinsics,
    serial: str,
    board: Board,
    created: datetime,
) -> None:
    """Write a result, also one that has failed: the file says so, and is refused later."""
    turn = np.asarray(cv2.Rodrigues(result.transform[:3, :3])[0], float).ravel()
    content: dict[str, object] = {
        "format": 1,
        "created": created.astimezone(UTC).isoformat(timespec="seconds"),
        "mount": result.mount.value,
        "camera": {"serial": serial} | {name: getattr(intrinsics, name) for name in Intrinsics.__slots__},
        "transform": {"translation": result.transform[:3, 3].tolist(), "rotation_vector": turn.tolist()},
        "method": result.method.value,
        "samples": result.residuals[result.method].samples,
        "residuals": {
            method.value: {
                "translation_rms_mm": _finite(1e3 * of.translation_rms),
                "translation_max_mm": _finite(1e3 * of.translation_max),
                "rotation_rms_deg": _finite(float(np.degrees(of.rotation_rms))),
            }
            for method, of in result.residuals.items()
        },
        "lens": {
            "error_px": lens.error,
            "own_error_px": lens.own_error,
            "focal_ratio": lens.focal_ratio,
            "views": lens.views,
            "passed": lens.passed,
        },
        "board": {name: getattr(board, name) for name in Board.__slots__},
        "passed": result.passed and lens.passed,
    }
    content["sha256"] = _digest(content)
    text = io.StringIO()
    kind = "hand_from_camera" if result.mount is Mount.ON_HAND else "base_from_camera"
    text.write(
        f"# Camera calibration. transform: {kind}, metres and radians (rotation vector). Residuals: how far\n"
        "# the board appears to move, each sample judged by a calibration from all others. Do not edit: the\n"
        "# digest at the end is checked.\n"
    )
    YAML().dump(content, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(text.getvalue(), encoding="utf-8")
    os.replace(partial, path)


def load_calibration(path: Path, now: datetime, oldest: timedelta, serial: str | None = None) -> Calibration:
    """Read a calibration that may be used.

    Args:
        path: The file.
        now: To judge its age.
        oldest: Greatest age.
        serial: Of the camera at hand; None where it has none.

    Raises:
        CalibrationError: It is missing, broken, edited, of another camera, too old, or has failed.
    """
    if not path.is_file():
        raise CalibrationError(f"no calibration {path}: calibrate the camera first")
    try:
        content = read_yaml(path)
        file = _File.model_validate(content)
    except ValidationError as error:
        raise CalibrationError(f"{path}: no calibration file:\n  {problems(error)}") from error
    except ValueError as error:
        raise CalibrationError(str(error)) from error
    if _digest({key: value for key, value in content.items() if key != "sha256"}) != file.sha256:
        raise CalibrationError(f"{path}: was changed after it was written: calibrate again")
    best = file.residuals[file.method]
    if not file.passed or best.translation_rms_mm is None:
        raise CalibrationError(
            f"{path}: has failed with a residual of {best.translation_rms_mm} mm and {best.rotation_rms_deg} "
            f"degrees, lens check {'passed' if file.lens.passed else 'failed'}: calibrate again"
        )
    if serial is not None and serial != file.camera.serial:
        raise CalibrationError(
            f"{path}: is of camera {file.camera.serial}, but camera {serial} is in use: calibrate this one"
        )
    created = datetime.fromisoformat(file.created)
    age = now - created
    if age > oldest or age < -timedelta(days=1):
        raise CalibrationError(
            f"{path}: is from {created:%Y-%m-%d}, {age.days} days old; at most {oldest.days} are allowed: "
            "check that the camera has not moved, and calibrate again"
        )
    transform = np.eye(4)
    transform[:3, :3] = cv2.Rodrigues(np.array(file.transform.rotation_vector))[0]
    transform[:3, 3] = file.transform.translation
    camera = file.camera
    intrinsics = Intrinsics(camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy)
    return Calibration(
        Mount(file.mount), transform, intrinsics, camera.serial, created, 1e-3 * best.translation_rms_mm
    )


def same_lens(one: Intrinsics, other: Intrinsics) -> bool:
    """Whether two intrinsics are those of one camera at one resolution."""
    if (one.width, one.height) != (other.width, other.height):
        return False
    focal = np.allclose((one.fx, one.fy), (other.fx, other.fy), rtol=_FOCAL_TOLERANCE, atol=0.0)
    return bool(focal and np.allclose((one.cx, one.cy), (other.cx, other.cy), atol=_FOCAL_TOLERANCE * one.fx))


def _finite(number: float) -> float | None:
    return number if np.isfinite(number) else None


def _digest(content: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
