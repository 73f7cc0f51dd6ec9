"""Colour pictures out of recordings: bags with a camera's topic, and librealsense's own files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.typesys import Stores, get_typestore

from farl_ros.sight.errors import SightError
from farl_ros.sight.topics import COLOUR
from perception.cameras.camera import CameraError, CameraState
from perception.cameras.realsense import RealSenseCamera
from perception.frame import Colour

_PATIENCE = 2.0
"""A recording that gives no frame for so long is over [s]."""


def recorded_pictures(path: Path, every: int) -> Iterator[Colour]:
    """Yield pictures (H, W, 3), blue first.

    Args:
        path: A bag (its folder) with ``camera/color/image_raw``, compressed or not, under any namespace; or a
            file that librealsense has recorded (``.db3``).
        every: Neighbouring pictures hardly differ: only every so many-th is given.

    Raises:
        SightError: There are no pictures in it.
    """
    found = _of_librealsense(path) if path.is_file() and path.suffix == ".db3" else _of_bag(path)
    nothing = True
    for picture in islice(found, 0, None, every):
        nothing = False
        yield picture
    if nothing:
        raise SightError(f"{path}: no pictures in it; record it with a camera")


def _of_librealsense(path: Path) -> Iterator[Colour]:
    try:
        with RealSenseCamera(file=path) as camera:
            while True:
                reading = camera.read(_PATIENCE)
                if reading.frame is not None:
                    yield reading.frame.colour
                elif reading.state is not CameraState.MALFORMED:
                    return
    except CameraError as error:
        raise SightError(str(error)) from error


def _of_bag(path: Path) -> Iterator[Colour]:
    try:
        with AnyReader([path], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
            wanted = [c for c in reader.connections if c.topic.removesuffix("/compressed").endswith(COLOUR)]
            if not wanted:
                topics = ", ".join(sorted({c.topic for c in reader.connections})) or "none"
                raise SightError(f"{path}: expected a topic that ends with {COLOUR}; topics in it: {topics}")
            for connection, _, payload in reader.messages(wanted):
                yield _picture(reader.deserialize(payload, connection.msgtype), path)
    except (AnyReaderError, OSError) as error:
        raise SightError(f"{path}: expected a bag or a librealsense recording (.db3): {error}") from error


def _picture(message: Any, path: Path) -> Colour:  # noqa: ANN401 - rosbags makes the types as it runs
    """A ``sensor_msgs`` ``Image`` or ``CompressedImage``."""
    if not hasattr(message, "encoding"):
        picture = cv2.imdecode(np.asarray(message.data, np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            raise SightError(f"{path}: a {message.format} picture is damaged")
        return np.asarray(picture, np.uint8)
    if message.encoding not in ("bgr8", "rgb8"):
        raise SightError(f"{path}: expected pictures in bgr8 or rgb8, got {message.encoding!r}")
    rows = np.asarray(message.data, np.uint8).reshape(message.height, message.step)
    picture = rows[:, : 3 * message.width].reshape(message.height, message.width, 3)
    return np.ascontiguousarray(picture if message.encoding == "bgr8" else picture[..., ::-1])
