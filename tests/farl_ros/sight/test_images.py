"""Messages of a camera to frames: every encoding that drivers send, and what is no frame."""

from array import array

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from sensor_msgs.msg import Image

from farl_ros.sight.images import colour_message, depth_message, frame_of, info_message
from perception.frame import FrameError, Intrinsics

LENS = Intrinsics(4, 3, 5.0, 6.0, 1.5, 1.0)
STAMP = Time(sec=7, nanosec=250_000_000)
COLOUR = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
DEPTH = np.linspace(0.0, 1.1, 12, dtype=np.float32).reshape(3, 4)


def messages():
    return (
        colour_message(COLOUR, STAMP, "eye"),
        depth_message(DEPTH, STAMP, "eye"),
        info_message(LENS, STAMP, "eye"),
    )


def image(encoding, data, step, bigendian=0):
    message = Image(height=3, width=4, encoding=encoding, step=step, is_bigendian=bigendian)
    message.data = array("B", data)
    message.header.stamp = STAMP
    return message


def test_what_the_simulator_sends_is_read_back():
    frame = frame_of(*messages(), 5)
    assert (frame.stamp, frame.number, frame.intrinsics) == (7.25, 5, LENS)
    np.testing.assert_array_equal(frame.colour, COLOUR)
    assert frame.depth == pytest.approx(DEPTH, abs=0.0005)  # whole millimetres


@pytest.mark.parametrize(
    ("encoding", "type_name", "unit", "bigendian"),
    [
        ("16UC1", "<u2", 0.001, 0),
        ("mono16", "<u2", 0.001, 0),
        ("16UC1", ">u2", 0.001, 1),
        ("32FC1", "<f4", 1.0, 0),
    ],
)
def test_depth_is_metres_in_every_encoding(encoding, type_name, unit, bigendian):
    given = np.array([[800, 0, 1, 65535], [2, 3, 4, 5], [6, 7, 8, 9]]).astype(type_name)
    colour, _, info = messages()
    depth = image(encoding, given.tobytes(), 4 * given.itemsize, bigendian)
    frame = frame_of(colour, depth, info, 1)
    assert frame.depth.dtype == np.float32
    assert frame.depth[0].tolist() == pytest.approx([800 * unit, 0.0, unit, 65535 * unit], rel=1e-6)


def test_rgb_is_turned_round_and_padded_rows_are_cut():
    padded = np.zeros((3, 16), np.uint8)
    padded[:, :12] = COLOUR[..., ::-1].reshape(3, 12)
    _, depth, info = messages()
    frame = frame_of(image("rgb8", padded.tobytes(), 16), depth, info, 1)
    np.testing.assert_array_equal(frame.colour, COLOUR)


def test_a_camera_that_was_never_calibrated_has_no_intrinsics():
    colour, depth, info = messages()
    info.k = [0.0] * 9
    assert frame_of(colour, depth, info, 1).intrinsics is None


def swapped(colour, depth, info):
    return depth, colour, info


def infrared(colour, depth, info):
    return image("mono8", bytes(12), 4), depth, info


def disparity(colour, depth, info):
    return colour, image("8UC1", bytes(12), 4), info


def cut(colour, depth, info):
    depth.data = depth.data[:-1]
    return colour, depth, info


def bent(colour, depth, info):
    info.d = [0.1, 0.0, 0.0, 0.0, 0.0]
    return colour, depth, info


def of_another_size(colour, depth, info):
    info.width = 8
    return colour, depth, info


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (swapped, "bgr8 or rgb8, got '16UC1'.*swapped"),
        (infrared, "got 'mono8'.*infrared"),
        (disparity, "16UC1 .*or 32FC1 .*got '8UC1'"),
        (cut, "got 23 bytes in rows of 8"),
        (bent, "without lens distortion"),
        (of_another_size, r"expected intrinsics of \(3, 4\)"),
    ],
)
def test_what_is_no_frame_is_named(damage, says):
    with pytest.raises(FrameError, match=says):
        frame_of(*damage(*messages()), 1)
