"""Resets on a robot: what the arm is told, what the person is told, and every way in which it ends."""

import pytest
from farl_interfaces.msg import Action, ArmState, EpisodeEvent
from farl_interfaces.srv import ResetScene
from std_srvs.srv import Trigger

from farl_ros.nodes.common import NodeError
from farl_ros.nodes.scene import instruction
from farl_ros.task_spec import load_task

TASK = "FrankaDisturbedPush"
START = (0.31, 0.0, 0.06)


@pytest.fixture
def scene(bench):
    def make(**parameters):
        b = bench(("scene", {"task": TASK, **parameters}))
        b.events, b.actions = b.listen(EpisodeEvent, "scene_event"), b.listen(Action, "scene_action")
        b.arm = b.publisher(ArmState, "arm_state")
        return b

    return make


def arm_at(b, position, mode=ArmState.HOLDING, fault=""):
    state = ArmState(mode=mode, fault=fault)
    at = state.end_effector_pose.position
    at.x, at.y, at.z = position
    b.arm.publish(state)
    b.settle(0.02)


def reset(b, episode=3):
    answer = b.call(ResetScene, "reset_scene", episode=episode, seed=1)
    assert answer.ok


def ready(b):
    return b.call(Trigger, "scene/ready")


def told(b):
    return [(event.event, event.episode, event.operator_note) for event in b.events]


def test_first_the_arm_then_the_person_then_the_episode(scene):
    b = scene()
    assert ready(b).message == "no reset is under way: nobody waits for this"
    reset(b)
    b.spin(lambda: len(b.actions) >= 1)
    assert list(b.actions[0].values) == [0.0] * 3  # it has not said yet where it is
    arm_at(b, (0.5, 0.1, 0.03))
    b.spin(lambda: any(any(action.values) for action in b.actions))
    assert list(b.actions[-1].values) == [0.0, 0.0, 0.25]  # up
    assert b.actions[-1].source == Action.REPLAY
    assert "still on its way" in ready(b).message
    assert told(b) == []
    arm_at(b, START)
    b.spin(lambda: "put the puck" in b.nodes["scene"]._said)
    count = len(b.actions)
    b.settle(0.5)
    assert len(b.actions) == count
    answer = ready(b)
    assert (answer.success, answer.message) == (True, "episode 3 begins")
    b.spin(lambda: len(b.events) == 1)
    assert told(b) == [(EpisodeEvent.STARTED, 3, "")]
    assert not ready(b).success


def test_the_person_is_told_what_to_do_and_where():
    said = instruction(load_task(TASK))
    assert "put the puck at x = 0.370, y = 0.000 m (within 0.015 m)" in said
    assert "its goal at x = 0.670, y = 0.000 m, the flower out of its way" in said
    assert "farl ready" in said and "/scene/ready std_srvs/srv/Trigger" in said


def test_it_is_said_again_and_again(scene):
    b = scene(shadow=True, remind_every=0.25)
    said, log = [], b.nodes["scene"].get_logger()
    b.nodes["scene"].get_logger = lambda: type("Log", (), {"info": said.append, "error": log.error})
    reset(b)
    b.spin(lambda: len(said) >= 3, 5.0)
    assert len(set(said)) == 1


@pytest.mark.parametrize(
    ("parameters", "position", "note"),
    [
        ({"reset_limit": 0.4}, START, "nobody called scene/ready within 0.4 s"),
        ({"move_limit": 0.4}, (0.5, 0.0, 0.06), "after 0.4 s the arm is still 0.190 m from its start"),
        ({}, None, "no arm_state for 2 s: is franka_controller running?"),
    ],
)
def test_a_reset_that_does_not_come_about_is_told(scene, parameters, position, note):
    b = scene(**parameters)
    reset(b)
    if position is not None:
        arm_at(b, position)
    b.spin(lambda: len(b.events) == 1, 5.0)
    assert told(b) == [(EpisodeEvent.ABORTED, 3, note)]
    assert "no reset is under way" in ready(b).message


def test_a_latched_arm_waits_for_a_person_and_is_not_moved(scene):
    b = scene()
    reset(b)
    arm_at(b, (0.5, 0.0, 0.06), ArmState.LATCHED, "user_stop: the button")
    b.spin(lambda: "the arm is latched (user_stop: the button)" in b.nodes["scene"]._said)
    b.settle(0.25)
    count = len(b.actions)
    b.settle(0.5)
    assert len(b.actions) == count
    assert "farl rearm" in ready(b).message
    arm_at(b, (0.5, 0.0, 0.06))  # somebody re-armed it
    b.spin(lambda: len(b.actions) > count)


def test_nobody_who_re_arms_it_is_told(scene):
    b = scene(reset_limit=0.5)
    reset(b)
    arm_at(b, START, ArmState.LATCHED, "reflex: bang")
    b.spin(lambda: len(b.events) == 1, 5.0)
    assert "latched (reflex: bang), and nobody re-armed it within 0.5 s" in told(b)[0][2]


def test_another_reset_ends_the_first(scene):
    b = scene(shadow=True)
    reset(b, 3)
    reset(b, 4)
    assert ready(b).success
    b.spin(lambda: len(b.events) == 2)
    assert told(b) == [
        (EpisodeEvent.ABORTED, 3, "another reset was asked for"),
        (EpisodeEvent.STARTED, 4, ""),
    ]


def test_in_shadow_the_arm_is_not_even_asked(scene):
    b = scene(shadow=True)
    reset(b)
    arm_at(b, (0.6, 0.2, 0.03))
    b.settle(0.5)
    assert b.actions == []
    assert ready(b).success


def test_a_task_without_a_robot_has_no_scene(bench, task):
    with pytest.raises(NodeError, match=r"DiscTable: layout\.hand_position is missing"):
        bench(("scene", {"task": task}))
