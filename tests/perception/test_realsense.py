"""The real librealsense, driven through a device in memory."""

import time

import numpy as np
import pytest

from perception.cameras.camera import CameraError, CameraState
from perception.cameras.realsense import RealSenseCamera
from perception.problems import Problem, StreamCheck, StreamLimits
from tests.perception.software_device import SoftwareD435, depth_of, grey


def camera_of(device, **arguments):
    return RealSenseCamera(serial=device.serial, context=lambda: device.context, **arguments)


def test_a_pushed_frame_arrives_whole_with_stamp_metres_and_colour_intrinsics():
    device = SoftwareD435()
    with camera_of(device) as camera:
        for n in range(1, 4):
            device.push(grey(100 + n), depth_of(800), 1000.0 + n / 30)
            reading = camera.read(1.0)
        frame = reading.frame
        assert reading.state is CameraState.STREAMING
        assert frame.number == 3
        assert frame.stamp == pytest.approx(1000.1, abs=1e-6)
        assert np.array_equal(frame.colour, grey(103))
        assert frame.intrinsics.fx == 615.0 and frame.intrinsics.cx == 322.0
        # 0.8 m everywhere that the depth camera's wider picture covers: all of the colour picture
        assert np.median(frame.depth) == pytest.approx(0.8, abs=1e-6)
        assert np.mean(frame.depth > 0.0) > 0.95
        assert camera.read(0.02).state is CameraState.WAITING


def test_a_slow_reader_gets_the_newest_frame():
    device = SoftwareD435()
    with camera_of(device) as camera:
        device.push(grey(), depth_of(800), 1000.0)
        assert camera.read(1.0).frame.number == 1
        for n in range(2, 7):
            device.push(grey(n), depth_of(800), 1000.0 + n / 30)
            time.sleep(0.01)
        assert camera.read(1.0).frame.number == 6
        assert camera.read(0.02).state is CameraState.WAITING


def test_a_recording_plays_back_what_was_recorded(tmp_path):
    device, path = SoftwareD435(), tmp_path / "take.db3"
    with camera_of(device, record=path) as camera:
        for n in range(1, 11):
            device.push(grey(10 * n), depth_of(700 + n), 1000.0 + n / 30)
            assert camera.read(1.0).state is CameraState.STREAMING
    levels, depths = [], []
    with RealSenseCamera(file=path) as camera:
        while (reading := camera.read(1.0)).state is CameraState.STREAMING:
            levels.append(int(reading.frame.colour[0, 0, 0]))
            depths.append(float(np.median(reading.frame.depth)))
    assert reading.state is CameraState.ENDED
    assert levels == [10 * n for n in range(1, 11)]
    assert depths == pytest.approx([0.7 + n / 1000 for n in range(1, 11)], abs=1e-5)


def test_no_camera_is_said_at_once():
    begin = time.monotonic()
    with pytest.raises(CameraError, match=r"expected RealSense camera 123, found .*check cable"):
        RealSenseCamera(serial="123").__enter__()
    assert time.monotonic() - begin < 2.0


def test_the_only_device_needs_no_serial_number_and_another_one_is_named():
    device = SoftwareD435(serial="A1")
    with RealSenseCamera(context=lambda: device.context) as camera:
        assert camera.serial == "A1"
    with pytest.raises(CameraError, match="expected RealSense camera B2, found A1: name one"):
        RealSenseCamera(serial="B2", context=lambda: device.context).__enter__()


def test_a_missing_recording_is_named(tmp_path):
    with pytest.raises(CameraError, match=r"no recording .*gone\.db3"):
        RealSenseCamera(file=tmp_path / "gone.db3").__enter__()


def test_unplugging_is_reported_and_plugging_in_again_goes_on():
    device = SoftwareD435()
    with camera_of(device) as camera:
        device.push(grey(), depth_of(800), 1000.0)
        assert camera.read(1.0).state is CameraState.STREAMING
        device.unplug()
        for _ in range(3):
            gone = camera.read(0.02)
            assert gone.state is CameraState.UNPLUGGED
            assert "SIM000001" in gone.detail
        device.plug()
        deadline = time.monotonic() + 3.0
        while (reading := camera.read(0.05)).state is not CameraState.STREAMING:
            assert time.monotonic() < deadline, reading
            device.push(grey(), depth_of(800), 1001.0)


def test_a_device_that_is_listed_but_silent_is_started_anew():
    device, now = SoftwareD435(), [0.0]
    with camera_of(device, steady=lambda: now[0]) as camera:
        now[0] = 3.0
        assert camera.read(0.01).state is CameraState.WAITING
        device.push(grey(), depth_of(800), 1000.0)  # to a pipeline that is closed
        assert camera.read(0.05).state is CameraState.WAITING
        device.push(grey(), depth_of(800), 1000.1)
        assert camera.read(1.0).state is CameraState.STREAMING


def test_a_wrong_depth_unit_is_noticed():
    device = SoftwareD435(depth_unit=0.0001)  # says tenths of a millimetre, means millimetres
    with camera_of(device) as camera:
        device.push(grey(), depth_of(800), 1000.0)
        frame = camera.read(1.0).frame
    assert StreamCheck(StreamLimits()).check(frame, 1000.0) == Problem.DEPTH_UNIT


def test_a_device_without_intrinsics_gives_frames_without_intrinsics():
    device = SoftwareD435(colour_focal=0.0)
    with camera_of(device) as camera:
        device.push(grey(), depth_of(800), 1000.0)
        reading = camera.read(1.0)
    assert reading.state is CameraState.STREAMING and reading.frame.intrinsics is None


def test_a_bent_lens_is_reported():
    device = SoftwareD435(bend=-0.05)
    with camera_of(device) as camera:
        device.push(grey(), depth_of(800), 1000.0)
        reading = camera.read(1.0)
    assert reading.state is CameraState.MALFORMED and "without lens distortion" in reading.detail


def test_a_devices_own_clock_is_mapped_by_the_least_delay():
    device, wall = SoftwareD435(), [0.0]
    device.domain = device.rs.timestamp_domain.hardware_clock
    stamps = []
    with camera_of(device, wall=lambda: wall[0]) as camera:
        # taken at 7.0, 7.1, 7.2 of the device; read after 30, 10 and 50 ms by a host that is 5000 s ahead
        for taken, delay in ((7.0, 0.03), (7.1, 0.01), (7.2, 0.05)):
            device.push(grey(), depth_of(800), taken)
            wall[0] = 5000.0 + taken + delay
            stamps.append(camera.read(1.0).frame.stamp)
    assert stamps == pytest.approx([5007.03, 5007.11, 5007.21])
