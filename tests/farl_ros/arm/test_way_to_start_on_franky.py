"""The way to the start, driven by the controller on an emulated FR3; and what becomes of it in a fault."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from farl_interfaces.msg import ArmState, EpisodeEvent
from farl_interfaces.srv import ResetScene
from std_srvs.srv import Trigger

from farl_ros import qos
from farl_ros.arm.franky_options import MotionMode
from farl_ros.arm.robots import load_robot
from farl_ros.graph import NodeSpec
from farl_ros.task_spec import load_task
from tests.farl_ros.arm.metronome import counts_when_punctual
from tests.farl_ros.arm.node_driving import TASK, WAY_PER_SECOND, ControlledArm
from tests.fci.process import FciProcess

pytest.importorskip("franky", reason="needs the franky library (requirements/franka.txt)")

pytestmark = pytest.mark.slow

START = load_task(TASK).layout.hand_position
FROM = (0.36, 0.04, 0.10)
TOLERANCE, SHARE = 0.005, 0.25
FASTEST = math.sqrt(2.0) * SHARE * WAY_PER_SECOND
"""Of its targets: at most a quarter of the greatest step in each direction, and two at a time [m/s]."""
CAP = load_robot("fr3").control.speed.translation
"""Of the hand, which is faster than its targets while it makes up for being behind [m/s]."""
LIMIT = 40.0


class Reset:
    """A reset under way: what the scene said of it, and the person.

    Attributes:
        arm: The controller's.
        events: Those of the scene.
    """

    def __init__(self, arm: ControlledArm) -> None:
        self.arm = arm
        self.events: list[EpisodeEvent] = []
        arm.probe.create_subscription(EpisodeEvent, "scene_event", self.events.append, qos.EVENTS)
        self._reset = arm.probe.create_client(ResetScene, "reset_scene")
        self._ready = arm.probe.create_client(Trigger, "scene/ready")
        assert arm.call(self._reset, ResetScene.Request(episode=0, seed=1)).ok

    @property
    def said(self) -> str:
        return self.arm.nodes["scene"]._said

    def left(self) -> float:
        return math.dist(self.arm.now.position, START)

    def ready(self) -> Trigger.Response:
        return self.arm.call(self._ready, Trigger.Request())

    def under_way(self) -> None:
        """Wait until the hand is halfway up."""
        assert self.arm.spin(lambda: self.arm.now.position[2] > FROM[2] + 0.025, LIMIT)
        assert self.arm.now.state.mode == ArmState.MOVING

    def arrives(self) -> None:
        assert self.arm.spin(lambda: self.said.startswith("put the puck"), LIMIT), self.said
        self.arm.settle(0.8)
        assert self.left() <= TOLERANCE
        assert self.ready().success
        assert self.arm.spin(lambda: len(self.events) > 0, 5.0)
        assert [event.event for event in self.events] == [EpisodeEvent.STARTED]


def speed_of(state: ArmState) -> tuple[float, float, float]:
    linear = state.end_effector_twist.linear
    return linear.x, linear.y, linear.z


@contextmanager
def reset(motion: MotionMode = MotionMode.VELOCITY) -> Iterator[tuple[FciProcess, Reset]]:
    scene = NodeSpec("scene", "scene", {"task": TASK})
    with FciProcess() as server:
        server.tell("place {} {} {}".format(*FROM))
        with ControlledArm(server.host, motion=motion, episodes_only=True, beside=[scene]) as arm:
            yield server, Reset(arm)


@pytest.mark.parametrize("motion", list(MotionMode))
@counts_when_punctual
def test_it_ends_at_the_start_slowly_and_from_above(motion):
    with reset(motion) as (server, under_way):
        under_way.arrives()
        path = [heard.position for heard in under_way.arm.heard]
        speeds = [math.hypot(*speed_of(heard.state)) for heard in under_way.arm.heard]
        report = server.report()
    print(
        f"\nway to the start, {motion}: {1e3 * math.dist(report['position'], START):.1f} mm beside it, "
        f"{1e3 * report['fastest']:.0f} mm/s at most, {1e3 * report['travelled']:.0f} mm long"
    )
    assert math.dist(report["position"], START) <= TOLERANCE  # where the robot itself says that it is
    assert report["speed"] < 2e-3
    assert report["fastest"] < CAP
    assert np.median([speed for speed in speeds if speed > 0.005]) < 1.05 * FASTEST
    # Up, across, down; it does not swing.
    straight = (0.15 - FROM[2]) + math.dist(FROM[:2], START[:2]) + (0.15 - START[2])
    assert straight - 0.03 < report["travelled"] < 1.1 * straight
    low = [p for p in path if p[2] < 0.13 and math.dist(p[:2], START[:2]) > TOLERANCE]
    assert max(math.dist(p[:2], FROM[:2]) for p in low) < TOLERANCE  # nothing on the table is swept away


@counts_when_punctual
def test_after_the_user_stop_it_goes_on_once_a_person_has_re_armed():
    with reset() as (server, under_way):
        arm = under_way.arm
        under_way.under_way()
        server.tell("user_stop on")
        assert arm.spin(lambda: arm.now.state.mode == ArmState.LATCHED, 2.0)
        assert arm.spin(lambda: under_way.said.startswith("the arm is latched (user_stop: "), 2.0)
        arm.settle(1.0)
        stood = server.report()
        assert stood["speed"] == 0.0
        assert stood["travelled"] < 0.04 and under_way.events == []
        assert "farl rearm" in under_way.ready().message
        assert "release it" in arm.rearm().message
        server.tell("user_stop off")
        arm.settle(0.5)
        assert server.report()["position"] == stood["position"]  # its release moves nothing
        assert arm.now.state.mode == ArmState.LATCHED
        assert arm.rearm().ok
        under_way.arrives()
        assert server.report()["fastest"] < CAP


@counts_when_punctual
def test_after_a_reflex_it_goes_on_by_itself_and_after_the_fourth_it_waits_for_a_person():
    with reset() as (server, under_way):
        arm = under_way.arm
        under_way.under_way()
        for _ in range(3):
            server.tell("reflex")
            arm.settle(0.1)
            before = arm.now.position
            assert arm.spin(lambda before=before: math.dist(arm.now.position, before) > 0.003, 2.0)
            assert arm.now.state.mode == ArmState.MOVING
        server.tell("reflex")
        assert arm.spin(lambda: arm.now.state.mode == ArmState.LATCHED, 2.0)
        arm.settle(1.0)
        assert server.report()["speed"] == 0.0
        assert under_way.said.startswith("the arm is latched (reflex: ")
        assert under_way.events == []
        assert arm.rearm().ok
        under_way.arrives()
        assert server.report()["fastest"] < CAP


@counts_when_punctual
def test_a_robot_that_is_lost_on_the_way_is_found_again_by_a_person():
    with reset() as (server, under_way):
        arm = under_way.arm
        under_way.under_way()
        server.tell("drop")
        assert arm.spin(lambda: under_way.said.startswith("the arm is latched (network: "), 3.0)
        assert arm.rearm().ok
        under_way.arrives()
