"""Velocities towards targets, how long they last, and the poses and calls under them."""

import math
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farl_ros.arm.pose import Pose
from farl_ros.arm.robots import Reach, load_robot
from farl_ros.arm.worker import Worker

pytest.importorskip("franky", reason="needs the franky library (requirements/franka.txt)")
from farl_ros.arm.franky_motions import hold_time, velocity_to

DOWN = np.array([1.0, 0.0, 0.0, 0.0])
SPEED = Reach(translation=0.15, rotation=0.5)
small = st.floats(-0.1, 0.1)


def test_up_to_5_hz_a_velocity_reaches_its_target_in_one_period():
    here = Pose.facing_down([0.4, 0.0, 0.2], 0.0)
    target = Pose.facing_down([0.41, 0.0, 0.18], 0.05)
    last = Pose.facing_down([0.405, 0.0, 0.19], 0.02)  # wherever the last one was
    for before in (here, last):
        linear, angular = velocity_to(target, before, here, 0.2, SPEED)
        assert linear == pytest.approx([0.05, 0.0, -0.1])
        assert angular == pytest.approx([0.0, 0.0, 0.25], abs=1e-4)  # yaw is about the base's z


def test_at_50_hz_what_the_arm_is_behind_is_made_up_for_slowly():
    here = Pose.facing_down([0.4, 0.0, 0.2], 0.0)
    last = Pose.facing_down([0.404, 0.0, 0.2], 0.01)
    target = Pose.facing_down([0.405, 0.0, 0.2], 0.012)
    linear, angular = velocity_to(target, last, here, 0.02, SPEED)
    # 1 mm in 20 ms, and 5 times 4 mm a second: 0.05 + 0.02; all of it at once would be 0.25 m/s
    assert linear == pytest.approx([0.07, 0.0, 0.0])
    assert angular == pytest.approx([0.0, 0.0, 0.1 + 0.05])


@given(st.tuples(small, small, small), st.floats(-3.0, 3.0), st.sampled_from([0.0, 0.02, 0.15]))
def test_no_velocity_is_above_its_cap(step, yaw, cap):
    here = Pose.facing_down([0.4, 0.0, 0.2], 0.0)
    target = Pose.facing_down(here.position + step, yaw)
    linear, angular = velocity_to(target, here, here, 0.02, Reach(translation=cap, rotation=cap))
    assert math.hypot(*linear) <= cap + 1e-12
    assert math.hypot(*angular) <= cap + 1e-12


@pytest.mark.parametrize(
    ("speed", "rate", "hold"),
    [
        (0.0, 5.0, 0.3),  # one and a half periods
        # 0.1 m/s at 0.2 x 9 m/s2, begun and ended with 0.1 x 4500 m/s3: 55.6 + 4 ms of the 300 in all
        (0.1, 5.0, 0.3 - 0.0596),
        (0.15, 5.0, 0.22),  # never less than 1.1 periods
        (0.15, 20.0, 0.075),  # one and a half periods again: with 87 ms of ramp it rests in good time
        (0.15, 50.0, 0.03),
        (0.1, 2.0, 0.75 - 0.0596),  # the dead-man itself is longer than 300 ms
    ],
)
def test_the_dead_man_leaves_time_for_the_ramp(speed, rate, hold):
    robot = load_robot("fr3")
    assert robot.watchdog.dead_man == 1.5
    assert hold_time(speed, 0.0, 1.0 / rate, robot) == pytest.approx(hold, abs=1e-4)


@pytest.mark.parametrize(
    ("position", "quaternion"),
    [
        ([0.4, 0.0], DOWN),
        ([0.4, 0.0, math.nan], DOWN),
        ([0.4, 0.0, 0.2], [0.0, 0.0, 0.0, 0.0]),  # the identity for franky
        ([0.4, 0.0, 0.2], [0.0, 0.0, 0.0, 2.0]),
        ([0.4, 0.0, 0.2], [math.inf, 0.0, 0.0, 0.0]),
    ],
)
def test_a_pose_that_is_none_is_refused(position, quaternion):
    with pytest.raises(ValueError, match="expected"):
        Pose(np.array(position), np.array(quaternion))


def test_a_call_that_hangs_is_given_up():
    worker, gate = Worker("test"), threading.Event()
    assert worker.call(lambda: 7, 1.0) == 7
    with pytest.raises(ZeroDivisionError):
        worker.call(lambda: 1 // 0, 1.0)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        worker.call(gate.wait, 0.05)
    assert time.monotonic() - began < 0.5
    gate.set()
    assert worker.call(lambda: 8, 1.0) == 8
    worker.end()
