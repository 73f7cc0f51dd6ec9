"""Cameras that the node opens itself: a RealSense device, or a recording of one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from farl_ros.sight.errors import SightError
from perception.camera_spec import CameraSpec
from perception.cameras.camera import Camera
from perception.cameras.realsense import RealSenseCamera, Streams


class Frames(StrEnum):
    """Where frames come from."""

    TOPICS = "topics"  # a driver of its own, or the simulator
    REALSENSE = "realsense"
    RECORDING = "recording"


def open_camera(spec: CameraSpec, frames: Frames, recording: Path | None) -> Camera:
    """Make the camera, which is opened on entering.

    Raises:
        SightError: A recording was asked for, but none is given, or the other way round.
    """
    streams = Streams(spec.streams.width, spec.streams.height, spec.streams.rate)
    if (recording is None) == (frames is Frames.RECORDING):
        raise SightError(
            f"frames from {frames.value!r} with the recording {str(recording or '')!r}: "
            "'recording' needs one, and nothing else does"
        )
    return RealSenseCamera(streams, serial=spec.serial, file=recording)
