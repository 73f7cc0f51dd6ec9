"""``sensor_msgs`` images and camera information to perception's frames, and back; without cv_bridge."""

from __future__ import annotations

from array import array

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image

from farl_ros.conversions import NANOSECONDS, stamp_ns
from perception.frame import Colour, Depth, Frame, FrameError, Intrinsics

_STRAIGHT = 1e-3
"""Greatest distortion coefficient that moves no pixel by more than a fraction of one."""
_DEPTH = {"16UC1": (np.dtype("u2"), 1e-3), "mono16": (np.dtype("u2"), 1e-3), "32FC1": (np.dtype("f4"), 1.0)}
"""Encodings of depth: type of a pixel, metres of its unit (REP 118)."""


def frame_of(colour: Image, depth: Image, info: CameraInfo, number: int) -> Frame:
    """Put the messages of one moment together; the stamp is that of the colour image.

    Args:
        colour: bgr8 or rgb8.
        depth: 16UC1 (millimetres) or 32FC1 (metres), aligned to colour.
        info: Of the colour camera, without distortion.
        number: Counts the frames.

    Raises:
        FrameError: They are no frame: wrong encodings, swapped topics, sizes that do not fit.
    """
    return Frame(
        _colour(colour), _depth(depth), _intrinsics(info), stamp_ns(colour.header.stamp) / NANOSECONDS, number
    )


def _colour(image: Image) -> Colour:
    if image.encoding not in ("bgr8", "rgb8"):
        raise FrameError(
            f"expected colour in bgr8 or rgb8, got {image.encoding!r}; "
            "are the topics of colour and depth swapped, or is it an infrared stream?"
        )
    picture = _rows(image, np.dtype("u1"), 3).reshape(image.height, image.width, 3)
    return picture if image.encoding == "bgr8" else np.ascontiguousarray(picture[..., ::-1])


def _depth(image: Image) -> Depth:
    if image.encoding not in _DEPTH:
        raise FrameError(
            f"expected depth in 16UC1 (millimetres) or 32FC1 (metres), got {image.encoding!r}; "
            "are the topics of colour and depth swapped?"
        )
    kind, unit = _DEPTH[image.encoding]
    rows = _rows(image, kind.newbyteorder(">" if image.is_bigendian else "<"), 1)
    return np.multiply(rows, np.float32(unit), dtype=np.float32)


def _rows(image: Image, kind: np.dtype, channels: int) -> NDArray:
    """The pixels (H, W * channels), without what pads the rows."""
    used = image.width * channels * kind.itemsize
    if image.step < used or len(image.data) != image.step * image.height:
        raise FrameError(
            f"expected {image.height} rows of at least {used} bytes ({image.encoding}), "
            f"got {len(image.data)} bytes in rows of {image.step}"
        )
    rows = np.frombuffer(image.data, np.uint8).reshape(image.height, image.step)[:, :used]
    return np.ascontiguousarray(rows).view(kind)


def _intrinsics(info: CameraInfo) -> Intrinsics | None:
    """None where the camera was never calibrated: the matrix of zeros that drivers send then."""
    if any(abs(coefficient) > _STRAIGHT for coefficient in info.d):
        raise FrameError(
            f"expected a colour stream without lens distortion, as a D435 gives, got coefficients "
            f"{list(info.d)}: positions would be wrong"
        )
    fx, fy, cx, cy = info.k[0], info.k[4], info.k[2], info.k[5]
    if fx == 0.0 and fy == 0.0:
        return None
    return Intrinsics(info.width, info.height, fx, fy, cx, cy)


def colour_message(colour: Colour, stamp: Time, frame_id: str) -> Image:
    """A colour picture (H, W, 3), blue first, as bgr8."""
    return _message(colour.tobytes(), colour.shape[:2], "bgr8", 3, stamp, frame_id)


def depth_message(depth: Depth, stamp: Time, frame_id: str) -> Image:
    """A depth picture (H, W), metres, as 16UC1: whole millimetres, 0 where nothing was measured."""
    millimetres = np.clip(np.rint(depth * 1e3), 0, 65535).astype("<u2")
    return _message(millimetres.tobytes(), depth.shape, "16UC1", 2, stamp, frame_id)


def _message(
    data: bytes, size: tuple[int, ...], encoding: str, pixel: int, stamp: Time, frame_id: str
) -> Image:
    message = Image(height=size[0], width=size[1], encoding=encoding, step=size[1] * pixel)
    # An array is taken as it is; bytes would be looked at one by one.
    message.data = array("B", data)
    message.header.stamp, message.header.frame_id = stamp, frame_id
    return message


def info_message(intrinsics: Intrinsics, stamp: Time, frame_id: str) -> CameraInfo:
    """The camera information of a picture without distortion."""
    one = intrinsics
    message = CameraInfo(height=one.height, width=one.width, distortion_model="plumb_bob", d=[0.0] * 5)
    message.k = one.matrix.ravel().tolist()
    message.r = np.eye(3).ravel().tolist()
    message.p = [one.fx, 0.0, one.cx, 0.0, 0.0, one.fy, one.cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    message.header.stamp, message.header.frame_id = stamp, frame_id
    return message
