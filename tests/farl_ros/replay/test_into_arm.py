"""A replay on an arm goes the recorded way slowly, begins where the recording began, and stops at a fault."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farl_ros.bag_writer import BagError
from farl_ros.graph import GraphError
from farl_ros.replay.into_arm import (
    APPROACH_S,
    FIRST_WORD_S,
    SETTLE_PERIODS,
    ArmPlan,
    ArmReplay,
    Heard,
    Phase,
)
from farl_ros.replay.recorded import load_recorded
from farl_ros.replay.slowed import slowed, ways
from farl_ros.replay_graph import replay_graph
from farl_ros.task_spec import load_task

RATE = 5.0


@given(st.integers(1, 30), st.floats(0.05, 1.0), st.integers(0, 1000))
def test_slow_motion_goes_the_same_way_in_small_steps(steps, scale, seed):
    actions = np.random.default_rng(seed).uniform(-1, 1, (steps, 3)).astype(np.float32)
    slow = slowed(actions, scale, np.array([True, True, False]))
    assert len(slow) == math.ceil(steps / scale - 1e-9)
    np.testing.assert_allclose(slow[:, :2].sum(axis=0), actions[:, :2].sum(axis=0), atol=1e-4)
    assert np.abs(slow[:, :2]).max() <= scale * np.abs(actions[:, :2]).max() + 1e-6
    assert set(slow[:, 2]) == set(actions[:, 2])


def test_a_quarter_of_the_speed_is_four_quarters_of_each_action():
    actions = np.array([[1.0, -0.4], [0.0, 0.8]], np.float32)
    slow = slowed(actions, 0.25, np.array([True, False]))
    np.testing.assert_allclose(slow[:, 0], [0.25] * 4 + [0.0] * 4)
    np.testing.assert_allclose(slow[:, 1], [-0.4] * 4 + [0.8] * 4, rtol=1e-6)
    np.testing.assert_array_equal(slowed(actions, 1.0, np.array([True, True])), actions)


@pytest.mark.parametrize("scale", [0.0, -0.5, 1.01, float("nan")])
def test_no_arm_goes_faster_than_recorded_or_backwards(scale, demonstrate):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        slowed(np.zeros((3, 2), np.float32), scale, np.array([True, True]))
    recorded = load_recorded(demonstrate("FrankaDisturbedPush", steps=3))
    with pytest.raises(BagError, match="above 0 and at most 1"):
        ArmPlan.of(recorded, recorded.window(None, None), scale)


def test_only_a_gripper_is_held():
    assert ways(load_task("FrankaFragilePushWall")).all()
    assert ways(load_task("BoundedPush")).tolist() == [True, True, True, False]


class Arm:
    """Goes exactly where it is told, 1 / RATE later."""

    def __init__(self, plan: ArmPlan, at: tuple[float, float, float]) -> None:
        self.plan, self.at, self.now = plan, np.array(at), 0.0
        self.replay = ArmReplay(plan, 0.0)
        self.fault, self.silent_since = "", None

    def tick(self) -> np.ndarray | None:
        self.now += 1 / RATE
        age = 0.0 if self.silent_since is None else self.now - self.silent_since
        action = self.replay.next(Heard(tuple(self.at.tolist()), age, self.fault), self.now)
        if action is not None:
            way = self.plan.way
            self.at += [action[d] * s for d, s in zip(way.dimensions, way.scale, strict=True)]
        return action


@pytest.fixture
def plan(demonstrate) -> ArmPlan:
    recorded = load_recorded(demonstrate("FrankaDisturbedPush", steps=10))
    return ArmPlan.of(recorded, recorded.window(2, 7), 0.25)


def test_it_goes_to_the_recorded_start_and_then_the_recorded_way(plan, demonstrate):
    recorded = load_recorded(demonstrate("FrankaDisturbedPush", steps=10, name="again"))
    hand = recorded.spec.position(recorded.spec.hand, recorded.observations)
    np.testing.assert_allclose(plan.way.start, hand[2], atol=1e-6)
    arm = Arm(plan, (0.35, 0.02, 0.10))
    biggest = 0.0
    while arm.replay.phase == Phase.APPROACH:
        action = arm.tick()
        biggest = max(biggest, float(np.abs(action).max()))
    assert biggest <= 0.25
    assert plan.way.left(tuple(arm.at.tolist())) <= 0.005
    for _ in range(SETTLE_PERIODS - 1):
        assert not arm.tick().any()
    begin = arm.at.copy()
    played = [arm.tick() for _ in range(len(plan.actions))]
    np.testing.assert_array_equal(np.stack(played), plan.actions)
    assert len(played) == 24
    asked = recorded.actions[2:8].sum(axis=0)
    moved = [asked[d] * s for d, s in zip(plan.way.dimensions, plan.way.scale, strict=True)]
    np.testing.assert_allclose(arm.at - begin, moved, atol=1e-5)
    assert arm.tick() is None
    assert arm.replay.phase == Phase.DONE
    assert "24 actions; the hand was at most" in arm.replay.message


@pytest.mark.parametrize("ticks", [0, 30, 200])
def test_the_first_fault_ends_it_for_good(plan, ticks):
    arm = Arm(plan, (0.35, 0.02, 0.10))
    for _ in range(ticks):
        if arm.replay.phase == Phase.PLAY and arm.replay.step > 3:
            break
        arm.tick()
    arm.fault = "reflex: a contact"
    assert arm.tick() is None
    arm.fault = ""
    assert arm.tick() is None
    assert arm.replay.phase == Phase.FAILED
    assert "stopped at the first fault" in arm.replay.message and "a contact" in arm.replay.message


def test_a_silent_arm_and_one_that_does_not_arrive_end_it(plan):
    arm = Arm(plan, (0.35, 0.02, 0.10))
    arm.tick()
    arm.silent_since = arm.now
    while arm.tick() is not None:
        assert arm.now < 5.0
    assert "no arm_state for 2 s" in arm.replay.message
    stuck = ArmReplay(plan, 0.0)
    assert stuck.next(Heard((0.35, 0.02, 0.10), 0.0, ""), 0.0) is not None
    assert stuck.next(Heard((0.35, 0.02, 0.10), 0.0, ""), APPROACH_S - 1.0) is not None
    assert stuck.next(Heard((0.35, 0.02, 0.10), 0.0, ""), APPROACH_S + 1.0) is None
    assert "the arm is still 0." in stuck.message


def test_an_arm_that_only_answers_is_asked_first(plan):
    replay = ArmReplay(plan, 0.0)
    assert not replay.next(Heard(None, math.inf, ""), 0.1).any()
    assert not replay.next(Heard(None, math.inf, ""), FIRST_WORD_S - 0.1).any()  # its controller starts late
    assert replay.next(Heard(None, math.inf, ""), FIRST_WORD_S + 0.1) is None
    assert f"no arm_state for {FIRST_WORD_S:g} s" in replay.message


def test_the_time_for_the_way_counts_from_the_first_word(plan):
    replay = ArmReplay(plan, 0.0)
    replay.next(Heard(None, math.inf, ""), 20.0)
    there = Heard((0.35, 0.02, 0.10), 0.0, "")
    assert replay.next(there, 20.2) is not None
    assert replay.next(there, 20.0 + APPROACH_S) is not None
    assert replay.next(there, 20.4 + APPROACH_S) is None


class TestGraph:
    ARM: ClassVar = {
        "bag": "b",
        "into": "arm",
        "task": "FrankaDisturbedPush",
        "host": "h",
        "move_the_arm": True,
    }

    def test_on_an_arm_the_controller_is_armed(self):
        controller, replay = replay_graph(**self.ARM)
        assert controller.name == "franka_controller"
        wanted = {"real_time": True, "episodes_only": True, "automatic_recovery": False, "backend": "franky"}
        assert wanted.items() <= controller.parameters.items()
        assert (replay.parameters["speed"], replay.parameters["into"]) == (0.25, 2)

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"move_the_arm": False}, "without move_the_arm"),
            ({"host": ""}, "without host"),
            ({"task": ""}, "without task"),
            ({"speed": "0"}, "at most 1"),
            ({"speed": "1.5"}, "at most 1"),
            ({"speed": "fast"}, "expected a number"),
            ({"into": "robot"}, "expected one of sim, shield, arm"),
            ({"bag": ""}, "bag is empty"),
        ],
    )
    def test_what_is_missing_is_named(self, change, expected):
        with pytest.raises(GraphError, match=expected):
            replay_graph(**{**self.ARM, **change})

    def test_elsewhere_one_node_is_enough(self):
        (node,) = replay_graph("b")
        assert (node.executable, node.parameters["speed"], node.parameters["move_the_arm"]) == (
            "replay",
            0.0,
            False,
        )


def test_farl_replay_asks_before_anything_moves(farl, capsys, demonstrate, monkeypatch):
    bag = demonstrate("FrankaDisturbedPush", steps=3)
    started = []
    monkeypatch.setattr("farl_ros.processes.run_processes", lambda specs: started.append(specs) or 0)
    arm = ("replay", bag, "--into", "arm", "--backend", "fake")
    monkeypatch.setattr("typer.prompt", lambda text: "yes")
    assert farl(*arm) == 2
    assert "nothing has moved" in capsys.readouterr().out and not started
    assert farl(*arm, "--speed", "2", "--yes-move-the-arm") == 2 and not started
    monkeypatch.setattr("typer.prompt", lambda text: "move the arm")
    assert farl(*arm) == 0
    (specs,) = started
    assert [spec.name for spec in specs] == ["franka_controller", "replay"]
    assert (specs[1].parameters["speed"], specs[1].parameters["to_step"]) == (0.25, 2)
