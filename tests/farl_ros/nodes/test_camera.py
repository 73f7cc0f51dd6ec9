"""The estimator behind a camera: frames as messages become states, and every kind of bad input is said."""

from __future__ import annotations

import time
from functools import cache

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from farl_interfaces.msg import ArmState, State
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from sensor_msgs.msg import CameraInfo, Image

from farl_ros import qos
from farl_ros.conversions import array_of, stamp_ns, time_of
from farl_ros.nodes.common import NodeError
from farl_ros.paths import share_folder
from farl_ros.sight.files import mounted
from farl_ros.sight.images import colour_message, depth_message, info_message
from farl_ros.sight.topics import COLOUR, DEPTH, INFO
from tests.perception.raycast import noisy, puck, render

TASK = "FrankaFragilePushWall"
PUCK = (0.42, 0.05, 0.02)
HAND = (0.31, 0.01, 0.06)
SEEN = {"task": TASK, "source": "camera", "real_time": True, "without_episodes": True}


@cache
def picture(hidden: bool = False):
    """The twin's camera sees a puck on the table, or the table alone."""
    _, mounting = mounted("franka_twin")
    return render(
        [] if hidden else [puck(PUCK)], mounting.transform, mounting.intrinsics
    ), mounting.intrinsics


class Eye:
    """Plays a driver: publishes frames, and the arm's poses."""

    def __init__(self, bench):
        self.bench = bench
        self.states = bench.listen(State, "state")
        publisher = bench.probe.create_publisher
        topics = ((Image, COLOUR), (Image, DEPTH), (CameraInfo, INFO))
        self.publishers = [publisher(kind, topic, qos.FRAMES) for kind, topic in topics]
        self.arm = bench.publisher(ArmState, "arm_state")
        self.random = np.random.default_rng(0)
        bench.spin(lambda: all(p.get_subscription_count() == 1 for p in self.publishers))

    def now(self) -> int:
        return self.bench.probe.get_clock().now().nanoseconds

    def show(self, hidden=False, change=lambda *messages: messages, stamp=None, still=False):
        """Publish one frame and the arm's pose then; wait for the state that it becomes."""
        stamp = self.now() if stamp is None else stamp
        (colour, depth), lens = picture(hidden)
        if not still:
            colour, depth = noisy(colour, depth, self.random)
        arm = ArmState()
        arm.header.stamp = time_of(stamp)
        at = arm.end_effector_pose.position
        at.x, at.y, at.z = HAND
        self.arm.publish(arm)
        messages = (
            colour_message(colour, time_of(stamp), "eye"),
            depth_message(depth, time_of(stamp), "eye"),
            info_message(lens, time_of(stamp), "eye"),
        )
        before = len(self.states)
        for publisher, message in zip(self.publishers, change(*messages), strict=True):
            publisher.publish(message)
        self.bench.spin(lambda: len(self.states) > before)
        return self.states[-1]

    def settle(self):
        """Show frames until the puck is found and the arm is heard."""
        for _ in range(20):
            if self.show().validity == State.VALID:
                return
        raise AssertionError(f"not found: {self.states[-1]}")

    def until(self, wanted, **arguments):
        """Show frames until a state is as wanted."""
        for _ in range(40):
            state = self.show(**arguments)
            if wanted(state):
                return state
        raise AssertionError(f"did not happen: {state}")


@pytest.fixture
def eye(bench):
    return Eye(bench(("state_estimator", SEEN)))


def test_a_frame_becomes_a_state_with_its_stamp(eye):
    eye.settle()
    stamp = eye.now()
    state = eye.show(stamp=stamp)
    assert stamp_ns(state.header.stamp) == stamp
    assert (state.task, state.validity) == (TASK, State.VALID)
    observation = array_of(state.observation)
    assert observation[:3] == pytest.approx(HAND, abs=1e-6)
    assert observation[3:6] == pytest.approx(PUCK, abs=0.003)
    assert observation[9:] == pytest.approx((0.65, 0.0, 0.02))
    assert state.objects[0].visible and state.objects[0].age == 0.0


def test_a_hidden_object_is_predicted_and_then_lost_and_its_place_stays_finite(eye):
    eye.settle()
    state = eye.show(hidden=True)
    assert (state.validity, state.objects[0].visible) == (State.VALID, False)
    begun = time.monotonic()
    lost = eye.until(lambda state: state.validity & State.OBJECT_LOST, hidden=True)
    assert time.monotonic() - begun > 0.3  # lost_after is 0.5 s
    assert lost.objects[0].age > 0.5 and np.isfinite(array_of(lost.observation)).all()
    eye.settle()  # and it is found again


def swapped(colour, depth, info):
    return depth, colour, info


def infrared(colour, depth, info):
    colour.encoding, colour.step, colour.data = "mono8", 640, colour.data[: 640 * 480]
    return colour, depth, info


def black(colour, depth, info):
    colour.data = type(colour.data)("B", bytes(len(colour.data)))
    return colour, depth, info


def uncalibrated(colour, depth, info):
    info.k = [0.0] * 9
    return colour, depth, info


def in_metres(colour, depth, info):
    """A driver that sends millimetres and calls them metres."""
    millimetres = np.frombuffer(depth.data, "<u2").astype("<f4")
    depth.encoding, depth.step = "32FC1", 2560
    depth.data = type(depth.data)("B", millimetres.tobytes())
    return colour, depth, info


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (swapped, "swapped"),
        (infrared, "infrared"),
        (black, "black"),
        (uncalibrated, "no intrinsics"),
        (in_metres, "depth unit"),
    ],
)
def test_what_cannot_be_believed_moves_nothing_and_is_said(eye, damage, says):
    told = eye.bench.listen(DiagnosticArray, "diagnostics")
    eye.settle()
    state = eye.show(change=damage)
    assert state.validity & State.STALE and not state.objects[0].visible
    position = state.objects[0].pose.position
    assert (position.x, position.y) == pytest.approx(PUCK[:2], abs=0.003)

    def complaint():
        return any(s.level == DiagnosticStatus.ERROR and says in s.message for m in told for s in m.status)

    for _ in range(60):
        eye.show(change=damage)
        if complaint():
            return
    raise AssertionError([s.message for m in told for s in m.status])


def test_an_old_frame_and_one_that_came_before_are_stale(eye):
    eye.settle()
    newest = stamp_ns(eye.states[-1].header.stamp)
    assert eye.show(stamp=newest).validity & State.STALE  # the same moment again
    assert eye.show(stamp=newest - 2_000_000_000).validity & State.STALE
    assert eye.show(stamp=eye.now() + 10**9).validity & State.STALE  # of the future


def test_a_stream_that_freezes_is_stale(bench, tmp_path):
    file = tmp_path / "camera.yaml"
    text = (share_folder() / "config" / "cameras" / "franka_twin.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("frozen_frames: null", "frozen_frames: 5"), encoding="utf-8")
    eye = Eye(bench(("state_estimator", {**SEEN, "camera": str(file)})))
    eye.settle()
    validities = [eye.show(still=True).validity for _ in range(5)]
    assert validities[3] == State.VALID and validities[4] & State.STALE


def test_silence_is_told_at_the_control_rate(eye):
    eye.settle()
    before = len(eye.states)
    eye.bench.spin(lambda: len(eye.states) >= before + 4)
    blind = eye.states[before:]
    assert all(state.validity & State.STALE for state in blind)
    stamps = [stamp_ns(state.header.stamp) for state in blind]
    assert np.mean(np.diff(stamps)) == pytest.approx(0.2e9, rel=0.3)
    assert blind[-1].validity & State.OBJECT_LOST
    assert array_of(blind[-1].observation)[3:6] == pytest.approx(PUCK, abs=0.01)  # predicted: it drifts


def test_without_an_arm_the_hand_is_unknown(eye):
    eye.arm = eye.bench.publisher(ArmState, "somewhere_else")
    state = eye.show()
    assert state.validity & State.STALE and state.validity & State.NOT_FINITE
    assert np.isnan(array_of(state.observation)[:3]).all()


def test_a_picture_is_drawn_for_who_looks_and_seldom(eye):
    pictures = []
    eye.bench.probe.create_subscription(Image, "state_estimator/debug_image", pictures.append, qos.FRAMES)
    eye.settle()
    begun = time.monotonic()
    while time.monotonic() - begun < 1.5:
        eye.show()
    assert 1 <= len(pictures) <= 1 + 2.0 * (time.monotonic() - begun)
    drawn = np.frombuffer(pictures[-1].data, np.uint8).reshape(480, 640, 3)
    assert pictures[-1].encoding == "bgr8"
    assert np.count_nonzero((drawn == (255, 200, 0)).all(axis=2)) > 50  # the box of a detection by colour


def test_reports_have_rate_age_and_latency_of_each_stage(eye):
    told = eye.bench.listen(DiagnosticArray, "diagnostics")
    end = time.monotonic() + 10.0
    while len(told) < 2 and time.monotonic() < end:
        eye.show()
    (status,) = told[-1].status
    names = {entry.key for entry in status.values}
    assert status.name == "state_estimator: camera"
    assert {"frames_per_second", "frame_age_ms", "missed_frames", "puck_age_s", "puck_sd_mm"} <= names
    assert {
        f"{s}_p{p}_ms" for s in ("check", "detect", "locate", "track", "whole") for p in (50, 99)
    } <= names


def test_configure_loads_and_activate_publishes(bench):
    b = bench(("state_estimator", {**SEEN, "autostart": False}))
    states = b.listen(State, "state")

    def change(transition):
        request = Transition(id=transition)
        return b.call(ChangeState, "state_estimator/change_state", transition=request).success

    def label():
        return b.call(GetState, "state_estimator/get_state").current_state.label

    assert label() == "unconfigured"
    assert change(Transition.TRANSITION_CONFIGURE) and label() == "inactive"
    b.settle(0.5)
    assert states == []
    assert change(Transition.TRANSITION_ACTIVATE) and label() == "active"
    b.spin(lambda: len(states) >= 2)  # blind ones: nobody shows anything
    assert change(Transition.TRANSITION_DEACTIVATE) and label() == "inactive"
    count = len(states)
    b.settle(0.5)
    assert len(states) == count
    assert change(Transition.TRANSITION_ACTIVATE)
    assert len(Eye(b).states) >= 0
    b.spin(lambda: len(states) > count)
    assert change(Transition.TRANSITION_DEACTIVATE) and change(Transition.TRANSITION_CLEANUP)
    assert label() == "unconfigured"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"camera": "d453"}, "no camera 'd453': expected one of d435, franka_twin"),
        ({"camera": "d435"}, "no calibration .*calibrate"),
        ({"frames": "films"}, "'films'; expected one of topics, realsense, recording"),
        ({"frames": "recording"}, "'recording' needs one"),
        ({"frames": "recording", "recording": "none.db3"}, "no recording none.db3"),
        ({"frames": "realsense", "real_time": False}, "in lock-step"),
        ({"debug_rate": -1.0}, "debug_rate"),
    ],
)
def test_what_cannot_be_is_refused_with_one_sentence(bench, given, says):
    with pytest.raises(NodeError, match=says):
        bench(("state_estimator", {**SEEN, **given}))
