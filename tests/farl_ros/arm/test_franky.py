"""Unmodified franky on an emulated FR3 (tests/fci): what the backend makes of targets, and of every fault.

Each fault test prints its row of the fault matrix: ``pytest -s -m "slow or not slow" tests/farl_ros/arm``.
"""

import time

import numpy as np
import pytest

from farl.types import ActionSource
from farl_ros.arm.backend import ArmError, FaultKind
from farl_ros.arm.franky_options import MotionMode
from farl_ros.arm.pose import Pose
from tests.farl_ros.arm.driving import PERIOD, Drive, backend, command_to, first_fault, pose_of
from tests.farl_ros.arm.metronome import measured
from tests.fci.body import CYCLE
from tests.fci.kinematics import READY, hand_frame, link_frames
from tests.fci.process import FciProcess

pytest.importorskip("franky", reason="needs the franky library (requirements/franka.txt)")

STOP = 0.3
"""The project's bound on the time from a fault to standing still [s]."""


@pytest.fixture
def server():
    with FciProcess(10) as process:
        yield process


def stop_time(server: FciProcess, since: float | None = None) -> float:
    """From the fault, or a time, until the end-effector stood still [s]; the arm's own clock measures it."""
    time.sleep(0.6)
    report = server.report() if since is None else server.tell(f"since {since}")
    assert report["speed"] < 2e-3
    return max(0, report["moved_cycle"] - report["broken_cycle"]) * CYCLE


def print_row(fault: str, did: str, stop: str, seen: str, recorded: str, cleared: str) -> None:
    print(f"\n| {fault} | {did} | {stop} | {seen} | {recorded} | {cleared} |")


def test_reports_its_state(server):
    states = []
    server.tell("wrench 1 -2 3 0.5 0.25 -0.125")
    with backend(server, on_state=states.append) as arm:
        time.sleep(1.0)
        count = len(states)
        state = arm.state()
    assert count >= 50  # 50 Hz or better
    assert state.joints.name[0] == "fr3_joint1"
    assert np.allclose(state.joints.position, READY, atol=1e-6)
    expected = link_frames(READY)[7] @ hand_frame()
    position = state.end_effector_pose.position
    assert np.allclose([position.x, position.y, position.z], expected[:3, 3], atol=1e-6)
    # straight down: half a turn about x
    assert abs(state.end_effector_pose.orientation.x) == pytest.approx(1.0, abs=1e-6)
    force, torque = state.external_wrench.force, state.external_wrench.torque
    assert [force.x, force.y, force.z, torque.x, torque.y, torque.z] == [1, -2, 3, 0.5, 0.25, -0.125]
    assert state.header.frame_id == "base"


@pytest.mark.slow
def test_velocity_motions_follow_targets(server):
    def follow():
        with backend(server) as arm:
            drive = Drive(arm, 0.05)
            drive.run(20)
            assert arm.events() == []
            return drive, arm.state().end_effector_twist.linear.y, arm.hold(7)

    drive, speed, resting = measured(follow)
    assert speed == pytest.approx(0.05, abs=0.01)
    # 0.45 m/s2 take 0.11 s to 5 cm/s: the first target is missed by millimetres, the others are met
    assert max(drive.errors) < 0.006
    assert np.mean(drive.errors[5:]) < 0.002
    assert (resting.source, resting.stamp_ns, resting.values.tolist()) == (ActionSource.HOLD, 7, [0, 0, 0])
    print(
        f"\nvelocity, 5 cm/s at 5 Hz: error mean {1e3 * np.mean(drive.errors):.1f} mm, most "
        f"{1e3 * max(drive.errors):.1f} mm; a command takes {1e3 * max(drive.calls):.1f} ms at most"
    )


@pytest.mark.slow
def test_pose_motions_arrive(server):
    with backend(server, MotionMode.POSE) as arm:
        start = pose_of(arm)
        target = Pose(start.position + np.array([0.01, 0.02, -0.01]), start.quaternion)
        arm.command(command_to(target))
        time.sleep(0.05)
        assert np.linalg.norm(pose_of(arm).position - target.position) < 1e-4
        assert arm.events() == []


@pytest.mark.slow
def test_a_spring_pulls_to_the_target_and_lets_go(server):
    with backend(server, MotionMode.IMPEDANCE) as arm:
        start = pose_of(arm)
        target = Pose(start.position + np.array([0.0, 0.02, 0.0]), start.quaternion)
        for _ in range(6):
            arm.command(command_to(target))
            time.sleep(PERIOD)
        assert np.linalg.norm(pose_of(arm).position - target.position) < 0.005
        far = Pose(start.position + np.array([0.0, 0.05, 0.0]), start.quaternion)
        arm.command(command_to(far))
        time.sleep(2.0)  # the dead-man takes the spring's end to where the hand was
        assert arm.events() == []
        assert server.report()["speed"] < 2e-3


@pytest.mark.slow
@pytest.mark.parametrize("how", ["silence", "hold", "stop"])
def test_comes_to_rest(server, how):
    with backend(server) as arm:
        drive = Drive(arm, 0.15)  # as fast as a target may move
        drive.run(6)
        if how == "silence":  # the last command is one period old: the next is due now
            since = time.monotonic()
        else:
            since = time.monotonic()
            arm.hold(0) if how == "hold" else arm.stop()
        rest = stop_time(server, since)
        assert arm.events() == []
        y = pose_of(arm).position[1]
        drive.run(2)  # and it goes on from there
        assert pose_of(arm).position[1] > y + 0.005
    assert rest < STOP
    names = {"silence": "controller silent (from the missed command)", "hold": "hold", "stop": "stop"}
    print_row(
        names[how],
        "ramp to rest" if how != "stop" else "robot's own stop",
        f"{1e3 * rest:.0f} ms",
        "-",
        "none",
        "nothing to clear",
    )


STOPS_ITSELF = [
    ("reflex", FaultKind.REFLEX, True),
    ("motion_limit", FaultKind.MOTION_LIMIT, True),
    ("communication", FaultKind.COMMUNICATION, False),
]


def check_stopped_itself(server, line, kind, automatic):
    with backend(server) as arm:
        Drive(arm, 0.15).run(4)
        server.tell(line)
        fault, seen = first_fault(arm, 2.0)
        stopped = stop_time(server)
        broken = server.report()["broken_seconds"]
        with pytest.raises(ArmError) as refused:
            arm.command(command_to(pose_of(arm)))
        arm.hold(0)  # it stands still: nothing to complain of
        assert arm.events() == []  # one fault is one event
        if not automatic:
            with pytest.raises(ArmError, match="a person must look"):
                arm.recover(automatic=True)
        before = pose_of(arm).position
        arm.recover(automatic=automatic)
        assert np.linalg.norm(pose_of(arm).position - before) < 1e-3  # resumes where it is measured to be
        Drive(arm, 0.05).run(3)
        assert arm.events() == []
        moved = np.linalg.norm(pose_of(arm).position - before)
    assert fault.kind == refused.value.kind == kind
    assert stopped < STOP
    assert seen - broken < STOP
    assert moved > 0.01
    print_row(
        line,
        "robot stopped itself; commands refused",
        f"{1e3 * stopped:.0f} ms",
        f"{1e3 * (seen - broken):.0f} ms",
        kind,
        "by itself, 3 times a minute" if automatic else "by a person",
    )


def test_reflex_is_recovered_from(server):
    check_stopped_itself(server, *STOPS_ITSELF[0])


@pytest.mark.slow
@pytest.mark.parametrize(("line", "kind", "automatic"), STOPS_ITSELF[1:])
def test_stops_itself(server, line, kind, automatic):
    check_stopped_itself(server, line, kind, automatic)


@pytest.mark.slow
def test_automatic_recovery_is_bounded(server):
    with backend(server) as arm:
        for _ in range(3):
            server.tell("reflex")
            assert first_fault(arm, 2.0)[0].kind == FaultKind.REFLEX
            arm.recover(automatic=True)
        server.tell("reflex")
        first_fault(arm, 2.0)
        with pytest.raises(ArmError, match="3 automatic recoveries in 60 s are enough: a person must look"):
            arm.recover(automatic=True)
        arm.recover()
        server.tell("reflex")
        first_fault(arm, 2.0)
        arm.recover(automatic=True)  # a person has looked: the count begins again
    print_row(
        "reflex, 4th in a minute", "automatic recovery refused", "-", "-", FaultKind.REFLEX, "by a person"
    )


@pytest.mark.slow
def test_user_stop(server):
    with backend(server) as arm:
        Drive(arm, 0.15).run(4)
        server.tell("user_stop on")
        fault, seen = first_fault(arm, 2.0)
        stopped = stop_time(server)
        broken = server.report()["broken_seconds"]
        with pytest.raises(ArmError, match="never cleared automatically"):
            arm.recover(automatic=True)
        with pytest.raises(ArmError, match="still pressed: release it") as pressed:
            arm.recover()
        server.tell("user_stop off")
        time.sleep(0.1)
        with pytest.raises(ArmError):  # releasing it is not re-arming
            arm.command(command_to(pose_of(arm)))
        arm.recover()
        Drive(arm, 0.05).run(3)
        assert arm.events() == []
    assert fault.kind == pressed.value.kind == FaultKind.USER_STOP
    assert stopped < STOP
    assert seen - broken < STOP
    print_row(
        "user stop",
        "robot stopped itself; commands refused",
        f"{1e3 * stopped:.0f} ms",
        f"{1e3 * (seen - broken):.0f} ms",
        fault.kind,
        "by a person, after its release",
    )


@pytest.mark.slow
@pytest.mark.parametrize("moving", [True, False], ids=["moving", "idle"])
@pytest.mark.parametrize("line", ["drop", "freeze on"])
def test_lost_robot(server, line, moving):
    with backend(server) as arm:
        Drive(arm, 0.15).run(4 if moving else 1)
        if not moving:
            time.sleep(1.0)
        server.tell(line)
        fault, seen = first_fault(arm, 3.0)
        began = time.monotonic()
        for call in (lambda: arm.command(command_to(pose_of(arm))), lambda: arm.hold(0), arm.stop):
            with pytest.raises(ArmError):
                call()
        assert time.monotonic() - began < 0.1  # nobody waits for a robot that is gone
        broken = server.report()["broken_seconds"]
        stopped = stop_time(server) if line == "drop" and moving else None
        with pytest.raises(ArmError, match="never cleared automatically"):
            arm.recover(automatic=True)
        if line != "drop":
            server.tell("freeze off")
        began = time.monotonic()
        arm.recover()
        connecting = time.monotonic() - began
        Drive(arm, 0.05).run(3)
        assert arm.events() == []
    assert fault.kind == FaultKind.NETWORK
    assert seen - broken < 0.5
    assert stopped is None or stopped < STOP
    what = f"{'robot frozen' if line != 'drop' else 'connection dropped'}, {'moving' if moving else 'idle'}"
    print_row(
        what,
        "commands, hold and stop refused at once",
        "nobody can say" if stopped is None else f"{1e3 * stopped:.0f} ms",
        f"{1e3 * (seen - broken):.0f} ms",
        fault.kind,
        f"by a person: a new connection, {connecting:.1f} s",
    )


@pytest.mark.slow
def test_slow_gripper_does_not_hold_up_the_arm(server):
    server.tell("gripper_delay 0.7")
    with backend(server) as arm:
        for width in (0.03, 0.05, 0.02, 0.06):  # asked for at once: the first, then the newest
            arm.gripper(width)
            time.sleep(0.02)
        drive = Drive(arm, 0.05)
        drive.run(12)
        assert arm.gripper_width == pytest.approx(0.06, abs=1e-3)
        server.tell("gripper_object 0.025")
        arm.gripper(0.0)
        time.sleep(2.0)
        assert arm.gripper_width == pytest.approx(0.025, abs=1e-3)
        assert arm.events() == []
    commands = server.report()["gripper_commands"]
    assert (commands["move"], commands["grasp"]) == (2, 1)
    assert max(drive.calls) < 0.1
    print_row(
        "slow gripper (0.7 s)",
        f"arm goes on; a command takes {1e3 * max(drive.calls):.0f} ms at most",
        "-",
        "-",
        "none",
        "nothing to clear",
    )


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(MotionMode))
def test_leaving_stands_still_first(server, mode):
    with backend(server, mode) as arm:
        Drive(arm, 0.15).run(4)
    report = server.report()
    assert report["speed"] < 2e-3
    assert report["mode"] == "IDLE"  # not cut off: that would be a communication error


@pytest.mark.slow
def test_a_robot_found_in_a_fault_waits_for_a_person(server):
    server.tell("reflex")
    with backend(server) as arm:
        (fault,) = arm.events()
        with pytest.raises(ArmError, match="cartesian_reflex"):
            arm.command(command_to(pose_of(arm)))
        arm.recover()
        Drive(arm, 0.05).run(2)
        assert arm.events() == []
    assert fault.kind == FaultKind.REFLEX
