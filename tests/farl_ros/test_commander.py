"""Commands are prepared through the chain, counted, and started anew where the arm is."""

import numpy as np
import pytest

from farl.failsafe import Condition
from farl_ros.arm.command_chain import ChainSettings, Stage
from farl_ros.arm.commander import Commander
from farl_ros.arm.pose import Pose
from farl_ros.arm.punctuality import Punctuality
from farl_ros.arm.robots import load_robot
from farl_ros.task_fields import ActionField, Workspace

HERE = Pose.facing_down([0.4, 0.0, 0.2], 0.0)


@pytest.fixture
def commander() -> Commander:
    action = tuple(
        ActionField(name=name, scale=scale, unit=unit)
        for name, scale, unit in (("hand_dx", 0.01, "m"), ("hand_dy", 0.01, "m"), ("gripper", 1.0, "1"))
    )
    box = Workspace(lower=(0.2, -0.3, 0.1), upper=(0.6, 0.3, 0.5))
    return Commander(3, ChainSettings.of(action, box, 5.0, load_robot("panda").control))


def action(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_targets_follow_the_last_commanded_pose_and_restart_at_the_measured_one(commander):
    for count in (1, 2):  # the arm has not moved at all: the second target is farther all the same
        prepared = commander.prepare(action(1.0, 0.0, -0.5), HERE)
        assert prepared.target.position == pytest.approx([0.4 + 0.01 * count, 0.0, 0.2])
        assert (prepared.gripper, prepared.condition) == (-0.5, Condition.NONE)
    commander.restart()
    assert commander.prepare(action(0.0, 0.0, 0.0), HERE).target.position == pytest.approx([0.4, 0.0, 0.2])


def test_what_is_clipped_is_counted(commander):
    hit = commander.prepare(action(3.0, 0.0, 0.0), HERE)
    assert hit.condition == Condition.LIMIT_HIT and hit.values.tolist() == [1.0, 0.0, 0.0]
    for _ in range(6):  # a blocked arm: the leash of 3 cm holds the target back
        hit = commander.prepare(action(1.0, 0.0, 0.0), HERE)
    assert hit.target.position[0] == pytest.approx(0.43)
    assert commander.prepare(action(float("nan"), 0.0, 0.0), HERE).condition == Condition.NOT_FINITE
    assert commander.clippings[Stage.CLIP] == 1 and commander.clippings[Stage.FINITE] == 1
    assert commander.clippings[Stage.LEASH] == 4


def test_without_a_measured_pose_nothing_is_commanded(commander):
    prepared = commander.prepare(action(1.0, 0.0, 0.0), None)
    assert prepared.condition == Condition.STALE_STATE and prepared.target is None
    assert not prepared.values.any() and "no measured pose" in prepared.message


def test_punctuality():
    clock = Punctuality(0.2, late=1.5)
    for now in (0.0, 0.2, 0.45, 0.76):  # intervals of .2, .25 and .31 s: the last is later than 1.5 periods
        clock.tick(now)
    report = clock.report()
    assert (report["intervals"], report["overruns"]) == (3, 1)
    assert report["longest_interval_s"] == pytest.approx(0.31)
    assert report["jitter_s"] == pytest.approx(((0.05**2 + 0.11**2) / 3) ** 0.5)
    clock.tick(0.96)
    clock.pause()
    clock.tick(9.0)  # after a pause, the time since the last command says nothing
    assert clock.report()["intervals"] == 1
    assert clock.report() == {"intervals": 0, "overruns": 0, "longest_interval_s": 0, "jitter_s": 0}
