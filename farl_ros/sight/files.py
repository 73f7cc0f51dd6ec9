"""Which files say how a task is seen, and by which camera."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from farl_ros.paths import share_folder
from farl_ros.sight.errors import SightError
from perception.calibration.hand_eye import CalibrationError
from perception.camera_spec import CalibratedMounting, CameraSpec, Mounting, load_camera, mounting_of
from perception.spec import PerceptionSpec, SpecError, load_perception

TWIN, ROBOT = "franka_twin", "d435"
"""Cameras of the simulated tables and of the robot, where none is named."""


def perception_of(task: str) -> PerceptionSpec:
    """The perception file of a task: the one in ``config/perception`` that names it.

    Raises:
        SightError: There is none, or it is wrong.
    """
    folder = share_folder() / "config" / "perception"
    try:
        specs = {spec.task: spec for spec in map(load_perception, sorted(folder.glob("*.yaml")))}
    except SpecError as error:
        raise SightError(str(error)) from error
    if task not in specs:
        raise SightError(
            f"no file in {folder} says how to see {task}; there are those of {', '.join(specs) or 'no task'}"
        )
    return specs[task]


def camera_file(name: str) -> Path:
    """A camera's file, by name or path.

    Raises:
        SightError: There is none.
    """
    folder = share_folder() / "config" / "cameras"
    path = Path(name) if Path(name).suffix in (".yaml", ".yml") else folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml") if "." not in file.stem))
        raise SightError(f"no camera {name!r}: expected one of {known}, or a camera's YAML file")
    return path


def camera_of(name: str) -> CameraSpec:
    """A camera, by name or path.

    Raises:
        SightError: There is none, or its file is wrong.
    """
    try:
        return load_camera(camera_file(name))
    except SpecError as error:
        raise SightError(str(error)) from error


def calibration_file(name: str) -> Path | None:
    """Where a camera's calibration is looked for, by name or path; None where it is mounted as measured.

    Raises:
        SightError: There is no such camera, or its file is wrong.
    """
    mounting = camera_of(name).mounting
    return camera_file(name).parent / mounting.file if isinstance(mounting, CalibratedMounting) else None


def mounted(name: str) -> tuple[CameraSpec, Mounting]:
    """A camera and where it is, by name or path.

    Raises:
        SightError: There is none, or its calibration is missing, old, bad or of another camera.
    """
    file, spec = camera_file(name), camera_of(name)
    try:
        return spec, mounting_of(spec, file.parent, datetime.now(UTC))
    except (CalibrationError, SpecError) as error:
        raise SightError(f"camera {spec.name}: {error}; see: farl perception calibrate --help") from error


def detectors() -> Path:
    """The folder in which the detectors' model folders lie."""
    return share_folder() / "models" / "perception"
