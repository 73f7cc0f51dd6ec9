"""The observation from tracks, hand and layout; a scene as a state."""

import math
from dataclasses import replace

import numpy as np
import pytest
from farl_interfaces.msg import State

from farl_ros.conversions import array_of
from farl_ros.environments import make_environment
from farl_ros.sight.errors import SightError
from farl_ros.sight.files import perception_of
from farl_ros.sight.observation import ObservationMaker
from farl_ros.sight.scene_message import state_of
from farl_ros.task_spec import load_task
from perception.detection.detection import Source
from perception.pipeline import Scene
from perception.problems import Problem
from perception.tracking.tracker import Track, TrackState

HAND = np.array((0.31, 0.02, 0.06))
TASKS = ("FrankaFragilePushWall", "FrankaDisturbedPush", "FrankaBoundedSoccer")


def track(name, position, velocity=(0.0, 0.0, 0.0), state=TrackState.VISIBLE, age=0.0):
    return Track(
        name, name, state, np.array(position, float), np.array(velocity, float), np.eye(6) * 1e-6, age,
        Source.COLOUR, 0.9, False,
    )  # fmt: skip


PUCK = track("puck", (0.4, 0.1, 0.02), (0.05, 0.0, 0.0))


def maker(task="FrankaFragilePushWall"):
    return ObservationMaker.of(load_task(task), perception_of(task))


def test_each_field_is_where_the_task_wants_it():
    made = maker().make(HAND, {"puck": PUCK})
    assert made.dtype == np.float32
    assert made.tolist() == pytest.approx([0.31, 0.02, 0.06, 0.4, 0.1, 0.02, 0.05, 0, 0, 0.65, 0, 0.02])


@pytest.mark.parametrize("task", TASKS)
def test_with_perfect_tracks_it_is_what_the_simulator_knows(task):
    spec = load_task(task)
    env = make_environment(spec)
    observation, info = env.reset(seed=3)
    tracks = {
        entry.name: track(
            entry.name,
            info["objects"][entry.name],
            observation[spec.slice_of(entry.position.replace("_position", "_velocity"))],
        )
        for entry in spec.objects
    }
    hand = spec.position(spec.hand, observation).astype(float)
    assert maker(task).make(hand, tracks) == pytest.approx(observation, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda spec: {"objects": [{"name": "cup", "object_class": "cup", "position": "puck_position"}]},
            "'cup'",
        ),
        (lambda spec: {"layout": {**spec["layout"], "randomize": True}}, "no camera sees it"),
        (
            lambda spec: {"observation": [*spec["observation"], {"name": "mood", "size": 1, "unit": "1"}]},
            "nobody sees the observation fields mood",
        ),
    ],
)
def test_what_no_camera_sees_is_named(change, says):
    task = load_task(TASKS[0])
    plain = task.resolved()
    changed = {**plain, **change(plain)}
    if "cup" in says:
        changed["failure"] = {**plain["failure"], "object": "cup"}
    with pytest.raises(SightError, match=says):
        ObservationMaker.of(type(task).model_validate(changed), perception_of(TASKS[0]))


def test_a_task_without_a_perception_file_is_named():
    with pytest.raises(SightError, match="how to see DiscTable; there are those of Franka"):
        perception_of("DiscTable")


def scene(puck=PUCK, problems=Problem.NONE):
    return Scene(7.25, (puck,), problems)


@pytest.mark.parametrize(
    ("puck", "problems", "hand", "validity"),
    [
        (PUCK, Problem.NONE, HAND, State.VALID),
        (replace(PUCK, state=TrackState.PREDICTED, age=0.2), Problem.NONE, HAND, State.VALID),
        (replace(PUCK, state=TrackState.LOST, age=0.9), Problem.NONE, HAND, State.OBJECT_LOST),
        (replace(PUCK, state=TrackState.PREDICTED), Problem.FROZEN, HAND, State.STALE),
        (replace(PUCK, state=TrackState.LOST), Problem.BLACK, HAND, State.STALE | State.OBJECT_LOST),
        (PUCK, Problem.NONE, None, State.STALE),
    ],
)
def test_a_states_validity_says_what_may_be_believed(puck, problems, hand, validity):
    state = state_of(scene(puck, problems), hand, maker(), 7_250_000_000)
    assert state.validity == validity
    (entry,) = state.objects
    assert entry.visible == (puck.state is TrackState.VISIBLE)
    assert entry.age == pytest.approx(puck.age)
    assert (entry.pose.position.x, entry.velocity.linear.x) == (0.4, 0.05)
    assert (state.header.stamp.sec, state.header.stamp.nanosec) == (7, 250_000_000)
    assert math.isnan(array_of(state.observation)[0]) == (hand is None)
