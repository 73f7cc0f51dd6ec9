import numpy as np
import pytest

from perception.cameras.camera import CameraState
from perception.cameras.recorded import RecordedCamera
from perception.cameras.simulated import SimulatedCamera, StereoNoise
from perception.frame import Frame, FrameError, Intrinsics

INTRINSICS = Intrinsics(4, 3, 10.0, 10.0, 1.5, 1.0)
COLOUR = np.zeros((3, 4, 3), np.uint8)
DEPTH = np.ones((3, 4), np.float32)


@pytest.mark.parametrize(
    "colour, depth, said",
    [
        (DEPTH, COLOUR, "swapped"),
        (COLOUR, (1000 * DEPTH).astype(np.uint16), "multiply raw depth by its unit"),
        (COLOUR, np.ones((2, 4), np.float32), "alignment of depth to colour"),
        (COLOUR[..., 0], DEPTH, r"\(3, 4\) of uint8"),
    ],
)
def test_arrays_that_are_no_frame_are_refused_with_what_came(colour, depth, said):
    with pytest.raises(FrameError, match=said):
        Frame(colour, depth, INTRINSICS, 0.0, 1)


def test_intrinsics_of_another_size_and_uncalibrated_ones_are_refused():
    with pytest.raises(FrameError, match="got those of"):
        Frame(COLOUR, DEPTH, Intrinsics(8, 6, 10.0, 10.0, 3.5, 2.5), 0.0, 1)
    with pytest.raises(FrameError, match="never calibrated"):
        Intrinsics(4, 3, 0.0, 0.0, 0.0, 0.0)


def test_field_of_view_gives_the_focal_length():
    # the D435's colour camera: 42.5 degrees over 480 pixels; 240 / tan(21.25 deg) = 617.2
    intrinsics = Intrinsics.from_field_of_view(640, 480, 42.5)
    assert intrinsics.fy == pytest.approx(617.16, abs=0.05)
    assert (intrinsics.cx, intrinsics.cy) == (319.5, 239.5)


def frames(*stamps):
    return [Frame(COLOUR, DEPTH, INTRINSICS, stamp, n) for n, stamp in enumerate(stamps)]


def test_a_recorded_camera_gives_every_frame_once_and_then_ends():
    with RecordedCamera(frames(0.0, 0.1, 0.2)) as camera:
        assert [camera.read(0.0).frame.number for _ in range(3)] == [0, 1, 2]
        assert [camera.read(0.0).state for _ in range(2)] == [CameraState.ENDED] * 2


def test_a_recorded_camera_with_a_clock_gives_the_newest_frame_only():
    now = [0.0]
    with RecordedCamera(frames(0.1, 0.2, 0.3, 0.4), clock=lambda: now[0]) as camera:
        assert camera.read(0.0).state is CameraState.WAITING
        now[0] = 0.35
        assert camera.read(0.0).frame.number == 2
        assert camera.read(0.0).state is CameraState.WAITING
        now[0] = 9.0
        assert camera.read(0.0).frame.number == 3
        assert camera.read(0.0).state is CameraState.ENDED


def test_a_recording_with_swapped_streams_is_reported_as_malformed():
    swapped = (Frame(DEPTH, COLOUR, INTRINSICS, 0.0, n) for n in range(2))
    with RecordedCamera(swapped) as camera:
        reading = camera.read(0.0)
    assert reading.state is CameraState.MALFORMED and "swapped" in reading.detail


def test_a_simulated_camera_gives_a_frame_for_each_moment_of_its_world():
    now = [1.0]
    camera = SimulatedCamera(lambda: (COLOUR, DEPTH), INTRINSICS, clock=lambda: now[0])
    with camera:
        first = camera.read(0.0).frame
        assert (first.stamp, first.number) == (1.0, 1)
        assert camera.read(0.0).state is CameraState.WAITING
        now[0] = 1.2
        assert camera.read(0.0).frame.stamp == 1.2


def test_a_renderer_that_gives_the_wrong_arrays_is_reported():
    with SimulatedCamera(lambda: (DEPTH, COLOUR), INTRINSICS, clock=lambda: 0.0) as camera:
        assert camera.read(0.0).state is CameraState.MALFORMED


def test_stereo_noise_grows_with_the_distance_squared_and_leaves_holes():
    noise = StereoNoise(disparity=0.08, focal=385.0, baseline=0.05, holes=0.05)
    random = np.random.default_rng(0)
    spread = []
    for distance in (1.0, 2.0):
        depth = noise.on_depth(np.full((300, 400), distance, np.float32), random)
        assert np.mean(depth == 0.0) == pytest.approx(0.05, abs=0.005)
        spread.append(np.std(depth[depth > 0.0]))
    # by hand: 1 m squared * 0.08 px / (385 px * 0.05 m) = 4.16 mm, four times that at 2 m
    assert spread == pytest.approx([0.00416, 0.01662], rel=0.05)
