"""Shadow mode on an emulated FR3: moving decisions, faults and resets; the robot is never told to move."""

import numpy as np
import pytest
from farl_interfaces.msg import Action, ArmState, EpisodeEvent
from farl_interfaces.srv import ResetScene
from std_srvs.srv import Trigger

from farl_ros import qos
from farl_ros.arm.franky_options import MotionMode
from farl_ros.graph import NodeSpec
from tests.farl_ros.arm.metronome import counts_when_punctual
from tests.farl_ros.arm.node_driving import TASK, ControlledArm
from tests.fci.process import FciProcess

pytest.importorskip("franky", reason="needs the franky library (requirements/franka.txt)")

pytestmark = pytest.mark.slow

MOVING = {"move", "grasp", "homing"}
"""Commands to arm or hand that move something."""


def assert_never_moved(before, after):
    """By what the robot itself says: no motion was begun, and nothing that it measures has changed."""
    told = MOVING & {*after["commands"], *after["gripper_commands"]}
    changed = [key for key in ("position", "gripper_width", "travelled") if after[key] != before[key]]
    if told or changed:  # however busy the machine was
        pytest.fail(f"in shadow mode: told to {', '.join(told)}; changed: {', '.join(changed)}")
    assert after["cycle"] > before["cycle"] + 1000  # it was there all the time


@pytest.mark.parametrize("motion", list(MotionMode))
@counts_when_punctual
def test_decisions_at_full_speed_move_nothing(motion):
    with FciProcess() as server:
        before = server.report()
        with ControlledArm(server.host, motion=motion, shadow=True) as arm:
            told = []
            arm.probe.create_subscription(Action, "arm_command", told.append, qos.STREAM)
            for way in ((0.15, 0.0, 0.0), (0.0, -0.15, 0.1), (-0.1, 0.1, -0.1)):
                ends = arm.drive(way, 1.2)
            arm.settle(0.6)  # the watchdog, too
            heard = [h.position for h in arm.heard]
        after = server.report()
    assert_never_moved(before, after)
    assert len(told) >= 12
    assert {command.source for command in told} == {Action.HOLD}
    assert not np.any([command.values for command in told])
    assert {end.state.mode for end in ends} == {ArmState.HOLDING}
    assert np.ptp(heard, axis=0).max() == 0.0  # nor does what is measured here


@counts_when_punctual
def test_clearing_a_fault_moves_nothing():
    with FciProcess() as server:
        before = server.report()
        with ControlledArm(server.host, shadow=True) as arm:
            arm.drive((0.15, 0.0, 0.0), 0.6)
            server.tell("reflex")  # cleared by itself
            arm.drive((0.15, 0.0, 0.0), 1.0)
            assert arm.now.state.mode == ArmState.HOLDING
            server.tell("user_stop on")
            arm.drive((0.15, 0.0, 0.0), 0.6)
            assert arm.now.state.mode == ArmState.LATCHED
            server.tell("user_stop off")
            arm.settle(0.1)
            assert arm.rearm().ok
            arm.drive((0.0, 0.15, 0.0), 1.0)
            assert arm.now.state.mode == ArmState.HOLDING
        after = server.report()
    assert_never_moved(before, after)


@counts_when_punctual
def test_a_reset_moves_nothing():
    scene = NodeSpec("scene", "scene", {"task": TASK, "shadow": True})
    with FciProcess() as server:
        server.tell("place 0.45 0.1 0.2")  # far from the start
        before = server.report()
        with ControlledArm(server.host, shadow=True, episodes_only=True, beside=[scene]) as arm:
            events = []
            arm.probe.create_subscription(EpisodeEvent, "scene_event", events.append, qos.EVENTS)
            reset = arm.probe.create_client(ResetScene, "reset_scene")
            assert arm.call(reset, ResetScene.Request(episode=0, seed=1)).ok
            arm.settle(1.5)
            assert arm.call(arm.probe.create_client(Trigger, "scene/ready"), Trigger.Request()).success
            assert arm.spin(lambda: len(events) > 0, 5.0)
        after = server.report()
    assert [event.event for event in events] == [EpisodeEvent.STARTED]
    assert_never_moved(before, after)
