"""The recording job: the graph of fine-tuning with a person in it; its board; its command."""

import io

import pytest
from rich.console import Console

from farl_ros.commands.common import UsageError
from farl_ros.commands.record import Kind, record, target_of
from farl_ros.graph import GraphError, finetune_graph, graph_from_text
from farl_ros.record_board import RecordBoard, picture
from farl_ros.record_graph import RECORD_ARGUMENTS, record_graph
from farl_ros.task_spec import load_task

ROBOT = {"sim": False, "host": "172.16.0.2", "robot": "fr3"}


def by_name(specs):
    return {spec.name: spec for spec in specs}


@pytest.mark.parametrize("where", [{}, ROBOT])
def test_arm_and_eyes_are_those_of_fine_tuning(where):
    task = "FrankaFragilePushWall"
    recording = by_name(record_graph(task, **where))
    online = by_name(finetune_graph(task, episodes=1, real_time=True, record=False, black_box=False, **where))
    assert set(recording) == (set(online) - {"policy", "finetuner"}) | {"teleop", "session"}
    for name in ("state_estimator", "franka_controller", *(["scene"] if where else [])):
        assert recording[name] == online[name]
    shield = recording["safety_shield"].parameters
    assert (shield["teleop"], shield["role"], "models" in shield) == (True, "off", False)


def test_the_person_sees_real_time_and_no_episode_plays_on():
    nodes = by_name(record_graph("DiscTable", pictures=90))
    timed = ("simulator", "safety_shield", "franka_controller", "episode", "session")
    assert all(nodes[name].parameters["real_time"] is True for name in timed)
    assert nodes["simulator"].parameters["play_on_every"] == 0
    assert nodes["simulator"].parameters["render"] is True
    assert nodes["session"].parameters["pictures_of"] == "camera/color/image_raw"


def test_on_a_robot_pictures_come_from_who_has_the_camera():
    own, driver = ({}, {"frames": "topics"})
    topics = [
        by_name(record_graph("FrankaFragilePushWall", pictures=90, **ROBOT, **frames))["session"].parameters[
            "pictures_of"
        ]
        for frames in (own, driver)
    ]
    assert topics == ["state_estimator/debug_image", "camera/color/image_raw"]


def test_what_cannot_be_is_refused():
    with pytest.raises(GraphError, match="kind 'online': expected one of task, recovery, failure"):
        record_graph("DiscTable", kind="online")
    with pytest.raises(GraphError, match="without host"):
        record_graph("FrankaFragilePushWall", sim=False)


def test_the_launch_arguments_build_the_graph_of_the_defaults():
    texts = {argument.name: argument.default for argument in RECORD_ARGUMENTS}
    assert graph_from_text(record_graph, texts) == record_graph("BoundedPush")


@pytest.mark.parametrize(
    ("task", "kind", "target"),
    [("FrankaFragilePushWall", Kind.TASK, 80), ("FrankaFragilePushWall", Kind.FAILURE, 80),
     ("BoundedPush", Kind.TASK, 40), ("BoundedPush", Kind.RECOVERY, 80)],
)  # fmt: skip
def test_the_target_is_what_a_person_can_do(task, kind, target):
    assert target_of(load_task(task), kind) == target


def test_keys_need_a_terminal():
    with pytest.raises(UsageError, match="needs a terminal"):
        record("DiscTable")


STATUS = {
    "phase": "running", "kind": "recovery", "target": 40, "counts": {"task": 12, "recovery": 7, "failure": 0},
    "episode": 7, "steps": 31, "return": 1.25, "failed": True, "last": "episode_000006", "dropped": 3,
    "said": "failure marked",
}  # fmt: skip


def test_the_board_shows_counts_against_the_target_and_what_is_wrong():
    out = io.StringIO()
    Console(file=out, width=120).print(picture(STATUS, "spacemouse: it is gone", False))
    text = out.getvalue()
    for expected in (
        "7/40",
        "12",
        "episode 7, step 31",
        "FAILURE",
        "it is gone",
        "3 messages",
        "failure marked",
    ):
        assert expected in text, expected
    assert "12/" not in text  # no target for another kind


def test_without_a_terminal_the_board_says_each_thing_once():
    out = io.StringIO()
    with RecordBoard(Console(file=out, force_terminal=False)) as board:
        import json

        for _ in range(3):
            board.take_status(json.dumps(STATUS))
        board.take_device("keyboard: moving", True)
    assert out.getvalue() == "failure marked\n"
