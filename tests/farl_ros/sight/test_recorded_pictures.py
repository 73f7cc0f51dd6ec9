"""Pictures out of recordings: whole and compressed, of whoever recorded them."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from farl_ros.sight.errors import SightError
from farl_ros.sight.recorded_pictures import recorded_pictures

STORE = get_typestore(Stores.ROS2_JAZZY)
TYPES = STORE.types
TIME = TYPES["builtin_interfaces/msg/Time"]
HEADER = TYPES["std_msgs/msg/Header"](TIME(0, 0), "camera")
IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"


def picture(number):
    colour = np.full((24, 32, 3), (200, 100, 10 * number), np.uint8)
    colour[4:10, 5:9] = (0, 0, 255)
    return colour


def image(colour, encoding="bgr8", padding=0):
    given = colour if encoding == "bgr8" else colour[..., ::-1]
    rows = np.pad(given.reshape(24, 96), ((0, 0), (0, padding)))
    return TYPES[IMAGE](HEADER, 24, 32, encoding, 0, 96 + padding, rows.ravel())


def jpeg(colour):
    data = cv2.imencode(".png", colour)[1].ravel()
    return TYPES[COMPRESSED](HEADER, "png", data)


@pytest.fixture
def bag(tmp_path):
    def write(messages, topic="/farl/camera/color/image_raw", kind=IMAGE):
        folder = tmp_path / "bag"
        with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
            connection = writer.add_connection(topic, kind, typestore=STORE)
            for stamp, message in enumerate(messages):
                writer.write(connection, stamp, STORE.serialize_cdr(message, kind))
        return folder

    return write


@pytest.mark.parametrize("encoding", ["bgr8", "rgb8"])
def test_raw_pictures_come_back_in_any_order_of_colours_and_with_padded_rows(bag, encoding):
    folder = bag([image(picture(number), encoding, padding=8) for number in range(3)])
    found = list(recorded_pictures(folder, every=1))
    assert len(found) == 3
    for number, colour in enumerate(found):
        np.testing.assert_array_equal(colour, picture(number))


def test_compressed_pictures_and_every_other_one(bag):
    topic = "camera/color/image_raw/compressed"
    folder = bag([jpeg(picture(number)) for number in range(5)], topic, COMPRESSED)
    found = list(recorded_pictures(folder, every=2))
    assert len(found) == 3
    np.testing.assert_array_equal(found[2], picture(4))


def test_what_is_no_recording_is_named(bag, tmp_path):
    with pytest.raises(SightError, match=r"ends with camera/color/image_raw; topics in it: /other"):
        list(recorded_pictures(bag([image(picture(0))], "/other"), 1))
    with pytest.raises(SightError, match="expected a bag or a librealsense recording"):
        list(recorded_pictures(tmp_path / "nowhere", 1))


def test_pictures_of_another_kind_are_named(bag):
    folder = bag([image(picture(0), "mono8")])
    with pytest.raises(SightError, match="expected pictures in bgr8 or rgb8, got 'mono8'"):
        list(recorded_pictures(folder, 1))


def test_a_recording_without_pictures_is_named(bag):
    with pytest.raises(SightError, match="no pictures in it"):
        list(recorded_pictures(bag([]), 1))


def test_training_needs_no_ros():
    program = (
        "import sys; sys.modules['rclpy'] = None; "
        "import farl_ros.commands.perception, farl_ros.sight.recorded_pictures, farl_ros.twin_scenes"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
