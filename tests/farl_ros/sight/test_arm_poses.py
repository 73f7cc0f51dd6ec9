"""The hand's pose at the moment of a picture."""

import numpy as np
import pytest

from farl_ros.arm.pose import Pose
from farl_ros.sight.arm_poses import ArmPoses

LEVEL = (0.0, 0.0, 0.0, 1.0)
TURNED = (0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5))  # 90 degrees about z


def poses(reach=0, *given):
    made = ArmPoses(reach)
    for stamp, position, quaternion in given:
        made.add(stamp, Pose(np.array(position), np.array(quaternion)))
    return made


def test_between_two_poses_it_is_straight_between_them():
    arm = poses(0, (100, (0.0, 0.0, 0.0), LEVEL), (200, (0.4, 0.0, 0.2), TURNED))
    at = arm.at(150)
    assert at[:3, 3] == pytest.approx((0.2, 0.0, 0.1))
    # 45 degrees about z, by hand
    assert at[:3, :3] == pytest.approx(
        np.array(((0.70711, -0.70711, 0), (0.70711, 0.70711, 0), (0, 0, 1))), abs=1e-5
    )
    assert arm.at(200)[:3, :3] == pytest.approx(np.array(((0, -1, 0), (1, 0, 0), (0, 0, 1))), abs=1e-12)


def test_the_other_sign_of_a_quaternion_turns_no_other_way():
    arm = poses(0, (0, (0, 0, 0), LEVEL), (10, (0, 0, 0), (-0.0, -0.0, -0.0, -1.0)))
    assert arm.at(5)[:3, :3] == pytest.approx(np.eye(3))


def test_a_pose_counts_for_a_moment_before_and_after_it():
    arm = poses(50, (100, (1.0, 2.0, 3.0), LEVEL))
    assert all(arm.at(stamp)[:3, 3].tolist() == [1.0, 2.0, 3.0] for stamp in (50, 100, 150))
    assert arm.at(151) is None and arm.at(49) is None


def test_without_a_pose_nobody_knows_and_old_ones_change_nothing():
    assert poses().at(0) is None
    arm = poses(0, (100, (1.0, 0.0, 0.0), LEVEL), (90, (9.0, 0.0, 0.0), LEVEL), (100, (9.0, 0.0, 0.0), LEVEL))
    assert arm.at(100)[0, 3] == 1.0 and arm.at(90) is None
