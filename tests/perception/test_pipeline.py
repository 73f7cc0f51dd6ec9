"""From frames to scenes: positions, states, and every kind of bad input."""

import numpy as np
import pytest

from perception.calibration.hand_eye import Mount
from perception.camera_spec import Mounting
from perception.cameras.camera import CameraState, Reading
from perception.detection.colour import ColourDetector, ColourRange
from perception.frame import Frame, Intrinsics
from perception.geometry import Bounds, LiftLimits, ObjectModel, Rejection
from perception.pipeline import Perception, Stage
from perception.problems import Problem, StreamCheck, StreamLimits
from perception.shapes import Cylinder, Ellipsoid
from perception.tracking.tracker import TrackedObject, Tracker, TrackLimits, TrackState
from perception.transforms import invert
from tests.perception.board_renderer import pose
from tests.perception.raycast import CAMERA, INTRINSICS, ball, looking, noisy, puck, render

PERIOD = 1.0 / 30.0
DELAY = 0.02
PUCK = np.array((0.5, 0.1, 0.02))
BALL = np.array((0.6, -0.15, 0.03))
COLOURS = {
    "ball": ColourRange((172, 8), (120, 255), (60, 255), 40),
    "puck": ColourRange((105, 130), (120, 255), (60, 255), 40),
}
MODELS = {"ball": ObjectModel(Ellipsoid((0.03,) * 3)), "puck": ObjectModel(Cylinder(0.035, 0.02))}
LIMITS = LiftLimits(Bounds((0.2, -0.4, -0.02), (0.9, 0.4, 0.3)))


class World:
    """Puck and ball in front of a camera, and the pipeline that watches them."""

    def __init__(self, mounting=None):
        self.random = np.random.default_rng(0)
        mounting = mounting or Mounting(Mount.BESIDE_ROBOT, CAMERA, INTRINSICS)
        objects = [TrackedObject("puck", "puck"), TrackedObject("ball", "ball")]
        self.perception = Perception(
            ColourDetector(COLOURS),
            MODELS,
            Tracker(objects, TrackLimits()),
            StreamCheck(StreamLimits()),
            LIMITS,
            mounting,
            table_tolerance=0.02,
        )
        self.number = 0
        self.rendered = {}
        self.solids = [puck(PUCK), ball(BALL)]

    @property
    def now(self):
        return self.number * PERIOD

    def frame(self, change=lambda colour, depth: (colour, depth), intrinsics=INTRINSICS, camera=CAMERA):
        self.number += 1
        key = (*map(id, self.solids), camera.tobytes())
        if key not in self.rendered:
            self.rendered[key] = (render(self.solids, camera), self.solids)
        colour, depth = noisy(*self.rendered[key][0], self.random)
        return Frame(*change(colour, depth), intrinsics, self.now, self.number)

    def show(self, frame=None, base_from_hand=None, **arguments):
        frame = frame or self.frame(**arguments)
        reading = Reading(CameraState.STREAMING, frame)
        return self.perception.process(reading, self.now + DELAY, base_from_hand)

    def settle(self):
        for _ in range(4):
            scene = self.show()
        assert [track.state for track in scene.tracks] == [TrackState.VISIBLE] * 2
        return scene


@pytest.fixture
def world():
    return World()


def states(scene):
    return {track.name: track.state for track in scene.tracks}


def test_warming_up_is_forgotten():
    world = World()
    world.perception.warm_up(480, 640)
    scene = world.show()
    assert scene.problems is Problem.NONE and scene.missed == 0
    assert {track.state for track in scene.tracks} == {TrackState.LOST}


def test_objects_are_where_they_are_and_the_stamp_is_the_frames(world):
    scene = world.settle()
    found = {track.name: track.position for track in scene.tracks}
    assert found["puck"] == pytest.approx(PUCK, abs=0.004)
    assert found["ball"] == pytest.approx(BALL, abs=0.004)
    assert scene.stamp == world.now
    assert scene.problems is Problem.NONE and scene.missed == 0
    assert set(scene.latency) == set(Stage) and all(seconds >= 0.0 for seconds in scene.latency.values())
    assert {one.object_class for one in scene.detections} == {"puck", "ball"}


def scaled(factor):
    return lambda colour, depth: (colour, depth * np.float32(factor))


def plain(value):
    return lambda colour, depth: (np.full_like(colour, value), depth)


BAD = {
    "millimetres read as metres": ({"change": scaled(1000.0)}, Problem.DEPTH_UNIT),
    "metres read as millimetres": ({"change": scaled(0.001)}, Problem.DEPTH_UNIT),
    "a depth scale 5 % off": ({"change": scaled(1.05)}, Problem.TABLE_MISPLACED),
    "the camera was moved by 5 cm": (
        {"camera": looking((1.15, 0.0, 0.67), (0.5, 0.0, 0.05))},
        Problem.TABLE_MISPLACED,
    ),
    "the camera looks away": (
        {"camera": looking((1.15, 0.0, 0.62), (2.5, 0.0, 0.0))},
        Problem.TABLE_MISPLACED,
    ),
    "infrared instead of colour": (
        {"change": lambda colour, depth: (np.repeat(colour[..., :1], 3, 2), depth)},
        Problem.COLOURLESS,
    ),
    "black": ({"change": plain((4, 3, 5))}, Problem.BLACK),
    "no depth": ({"change": scaled(0.0)}, Problem.DEPTH_EMPTY),
    "no intrinsics": ({"intrinsics": None}, Problem.NO_INTRINSICS),
    "another camera": (
        {"intrinsics": Intrinsics(320, 240, 330.0, 330.0, 159.5, 119.5)},
        Problem.WRONG_CAMERA,
    ),
}


@pytest.mark.parametrize("arguments, problem", BAD.values(), ids=BAD.keys())
def test_bad_frames_are_named_and_move_nothing(world, arguments, problem):
    before = world.settle()
    for _ in range(3):
        scene = world.show(**arguments)
        assert scene.problems == problem
        assert problem.name.lower().replace("_", " ") in scene.detail
        assert set(states(scene).values()) == {TrackState.PREDICTED}
        assert [t.name for t in scene.tracks] == [t.name for t in before.tracks]
        for track, was in zip(scene.tracks, before.tracks, strict=True):
            assert track.position == pytest.approx(was.position, abs=0.02)
            assert track.age > 0.0
    # long enough of it, and the objects are lost; good frames bring them back
    world.number += 15
    scene = world.show(**arguments)
    assert set(states(scene).values()) == {TrackState.LOST}
    world.settle()


def test_a_frozen_stream_is_noticed(world):
    world.settle()
    still = world.frame()
    problems = []
    for _ in range(6):
        world.number += 1
        copy = Frame(still.colour, still.depth, INTRINSICS, world.now, world.number)
        problems.append(world.show(copy).problems)
    assert problems[-1] == Problem.FROZEN


def test_a_clock_jump_forgets_the_tracks_and_goes_on(world):
    world.settle()
    world.number -= 3
    scene = world.show()
    assert scene.problems == Problem.CLOCK_JUMP
    assert set(states(scene).values()) == {TrackState.LOST}
    world.settle()


def test_an_old_frame_moves_nothing(world):
    world.settle()
    frame = world.frame()
    scene = world.perception.process(Reading(CameraState.STREAMING, frame), world.now + 0.6)
    assert scene.problems == Problem.STALE and set(states(scene).values()) == {TrackState.LOST}


@pytest.mark.parametrize(
    "state, problem",
    [
        (CameraState.WAITING, Problem.NO_FRAME),
        (CameraState.ENDED, Problem.NO_FRAME),
        (CameraState.UNPLUGGED, Problem.UNPLUGGED),
        (CameraState.MALFORMED, Problem.MALFORMED),
    ],
)
def test_without_frames_objects_are_predicted_then_lost(world, state, problem):
    world.settle()
    reading = Reading(state, detail="check the cable")
    scene = world.perception.process(reading, world.now + 0.1)
    assert scene.problems == problem and scene.detail == "check the cable"
    assert set(states(scene).values()) == {TrackState.PREDICTED}
    assert scene.stamp == world.now + 0.1
    scene = world.perception.process(reading, world.now + 0.6)
    assert set(states(scene).values()) == {TrackState.LOST}
    world.number += 18
    world.settle()


def test_an_object_out_of_view_is_predicted_then_lost_and_the_other_is_not(world):
    world.settle()
    world.solids = [ball(BALL)]
    scene = world.show()
    assert states(scene) == {"puck": TrackState.PREDICTED, "ball": TrackState.VISIBLE}
    for _ in range(16):
        scene = world.show()
    assert states(scene) == {"puck": TrackState.LOST, "ball": TrackState.VISIBLE}


def test_a_same_coloured_distractor_does_not_take_the_track(world):
    world.settle()
    world.solids = [puck(PUCK), puck((0.45, -0.2, 0.02)), ball(BALL)]
    for _ in range(10):
        scene = world.show()
    (track, _) = scene.tracks
    assert track.state is TrackState.VISIBLE
    assert track.position == pytest.approx(PUCK, abs=0.004)
    assert len(scene.detections) == 3


def test_a_distractor_alone_from_the_start_is_ambiguous_beside_the_object(world):
    world.solids = [puck(PUCK), puck((0.45, -0.2, 0.02)), ball(BALL)]
    for _ in range(4):
        scene = world.show()
    assert scene.tracks[0].state is TrackState.LOST and scene.tracks[0].ambiguous


def test_a_thing_of_another_size_or_outside_is_rejected_with_the_reason(world):
    world.solids = [puck((0.5, 0.1, 0.05), 0.07, 0.05), ball((0.1, 0.0, 0.03))]
    scene = world.show()
    reasons = {one.object_class: why for one, why in scene.rejected}
    assert reasons == {"puck": Rejection.TOO_LARGE, "ball": Rejection.OUT_OF_BOUNDS}
    assert set(states(scene).values()) == {TrackState.LOST}


def test_frames_that_were_never_read_are_counted(world):
    world.settle()
    world.number += 4
    assert world.show().missed == 4
    assert world.show().missed == 0


def test_a_camera_on_the_hand_goes_with_it_and_needs_its_pose():
    hand_from_camera = pose((0.0, 0.0, 0.7), (0.05, 0.0, 0.02))
    world = World(Mounting(Mount.ON_HAND, hand_from_camera, INTRINSICS))
    for x in (1.15, 1.12, 1.09, 1.06):
        camera = looking((x, 0.0, 0.62), (0.5, 0.0, 0.0))
        scene = world.show(camera=camera, base_from_hand=camera @ invert(hand_from_camera))
    assert scene.tracks[0].position == pytest.approx(PUCK, abs=0.005)
    scene = world.show()
    assert scene.problems == Problem.NO_ARM_POSE
    assert set(states(scene).values()) == {TrackState.PREDICTED}
