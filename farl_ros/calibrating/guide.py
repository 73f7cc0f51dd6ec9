"""Leads a person through a calibration, or repeats it from recorded pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from farl_ros.calibrating.pictures import Picture, read_pictures, write_picture
from farl_ros.calibrating.session import Session, Verdict
from farl_ros.sight.devices import Frames, open_camera
from farl_ros.sight.files import camera_file, camera_of
from perception.calibration.board import Board
from perception.calibration.hand_eye import CalibrationError, Mount
from perception.camera_spec import CalibratedMounting
from perception.cameras.camera import Camera
from perception.cameras.realsense import RealSenseCamera

WAIT_S = 2.0
"""For a frame of the camera [s]."""


@dataclass(frozen=True)
class Asked:
    """What the command line asks for; its help explains each."""

    camera: str
    on_hand: bool
    folder: Path | None
    record: Path
    pictures: int
    square: float
    marker: float
    out: Path | None


def guide(asked: Asked, console: Console) -> bool:
    """Take or read pictures, solve, write the file; returns whether the calibration passed.

    Raises:
        CalibrationError: It cannot be made.
        CameraError: There is no camera.
        SightError: The camera's file is missing or wrong.
    """
    file = _target(asked)
    session = Session(
        Board(square=asked.square, marker=asked.marker),
        Mount.ON_HAND if asked.on_hand else Mount.BESIDE_ROBOT,
    )
    taken = _live(asked, console) if asked.folder is None else read_pictures(asked.folder)
    serial = ""
    for number, picture in enumerate(taken):
        view = session.add(picture.colour, picture.intrinsics, picture.base_from_hand)
        serial = picture.serial
        found = "board not found" if view is None else f"board found, {view.error:.2f} px"
        console.print(f"picture {number}: {found}; {len(session.views)} so far")
        if len(session.views) >= asked.pictures and asked.folder is None:
            break
    verdict = session.finish(file, serial, datetime.now(UTC))
    _tell(verdict, file, console)
    return verdict.passed


def _target(asked: Asked) -> Path:
    """The file that the camera reads its calibration from."""
    if asked.out is not None:
        return asked.out
    mounting = camera_of(asked.camera).mounting
    if not isinstance(mounting, CalibratedMounting):
        raise CalibrationError(
            f"camera {asked.camera!r} needs no calibration: its file says where it is; give --out for one"
        )
    return camera_file(asked.camera).parent / mounting.file


def _live(asked: Asked, console: Console) -> Iterator[Picture]:
    """Pictures that a person takes, one after each press of a key; all are kept in a folder."""
    if any(asked.record.glob("*.png")):
        raise CalibrationError(
            f"{asked.record} holds pictures already: use them (--folder), or name another folder (--record)"
        )
    from farl_ros.calibrating.arm import ArmListener  # needs ROS; recorded pictures do not

    camera = open_camera(camera_of(asked.camera), Frames.REALSENSE, None)
    with camera, ArmListener() as arm:
        number = 0
        while console.input("move the hand, let it stand, then Enter (q: enough) ").strip().lower() != "q":
            try:
                picture = _take(camera, arm.pose())
            except CalibrationError as error:
                console.print(str(error))
                continue
            write_picture(asked.record, number, picture)
            number += 1
            yield picture


def _take(camera: Camera, base_from_hand: np.ndarray) -> Picture:
    camera.read(WAIT_S)  # what was taken before the hand stood
    reading = camera.read(WAIT_S)
    if reading.frame is None or reading.frame.intrinsics is None:
        raise CalibrationError(f"no picture: {reading.detail or 'the camera tells no intrinsics'}")
    serial = camera.serial if isinstance(camera, RealSenseCamera) and camera.serial is not None else ""
    return Picture(reading.frame.colour, reading.frame.intrinsics, base_from_hand, serial)


def _tell(verdict: Verdict, file: Path, console: Console) -> None:
    table = Table("method", "translation rms [mm]", "greatest [mm]", "rotation rms [deg]")
    for method, of in verdict.hand_eye.residuals.items():
        chosen = " (chosen)" if method is verdict.hand_eye.method else ""
        table.add_row(
            f"{method.value}{chosen}",
            f"{1e3 * of.translation_rms:.2f}",
            f"{1e3 * of.translation_max:.2f}",
            f"{np.degrees(of.rotation_rms):.3f}",
        )
    console.print(table)
    lens = verdict.lens
    console.print(
        f"lens: {lens.error:.2f} px with the camera's own intrinsics, {lens.own_error:.2f} px with fitted "
        f"ones, {'passed' if lens.passed else 'FAILED'}"
    )
    samples = verdict.residuals.samples
    console.print(
        f"{'passed' if verdict.passed else 'FAILED: it will be refused'}, {samples} pictures; in {file}"
    )
