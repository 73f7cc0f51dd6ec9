"""The task files of the Franka's table, and their failure predicates."""

import inspect

import gymnasium
import numpy as np
import pytest

import failurebench  # noqa: F401 - registers the environments
from farl_ros.task_spec import TaskError, load_task, parse_task

FRANKA = ("FrankaFragilePushWall", "FrankaDisturbedPush", "FrankaBoundedSoccer")


@pytest.mark.parametrize("task", FRANKA)
def test_the_file_states_the_environments_own_defaults(task):
    spec = load_task(task)
    env = gymnasium.make(spec.environment, disable_env_checker=True, **spec.environment_kwargs()).unwrapped
    assert env.observation_space.shape == (spec.observation_size,)
    assert env.action_space.shape == (spec.action_size,)
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(type(env).__init__).parameters.items()
    }
    for name, value in spec.environment_kwargs().items():
        assert defaults[name] == value, name
    assert env.panda.reach.lower == spec.workspace.lower
    assert env.panda.reach.upper == spec.workspace.upper
    assert {entry.scale for entry in spec.action} == {env.panda.reach.step}
    assert spec.layout.hand_position == env.HOME
    assert spec.failure.rules() == env.rules
    _, info = env.reset(seed=0)
    assert list(info["objects"]) == [entry.name for entry in spec.objects]
    *_, info = env.step(env.action_space.sample())
    assert tuple(info["reward_terms"]) == spec.reward.terms


@pytest.mark.parametrize(
    ("task", "description"),
    [
        ("FrankaFragilePushWall", "puck's rim at the wall, x 0.488 to 0.512 m, y -0.2 to 0 m"),
        ("FrankaBoundedSoccer", "ball outside the field, x 0.29 to 0.71 m, y -0.18 to 0.18 m"),
        ("FrankaDisturbedPush", "puck or hand within 0.04 m of the axis of the flower, 0.05 m high"),
    ],
)
def test_a_failure_set_is_described_and_drawn(task, description):
    spec = load_task(task)
    assert spec.failure.description() == description
    border = spec.failure.boundary(1.0)
    assert border[0] == pytest.approx(border[-1])
    assert spec.traced_object == spec.objects[0].name


def test_the_border_of_the_field_has_its_corners():
    border = np.array(load_task("FrankaBoundedSoccer").failure.boundary(9.0))
    np.testing.assert_allclose(border[:3], [(0.29, -0.18), (0.71, -0.18), (0.71, 0.18)])


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"hand_position": [0.31, 0.0, 0.3]}, "hand_position.*out of the workspace"),
        ({"hand_position": None}, "needs a failure that an observation shows.*hand_position None"),
    ],
)
def test_a_robots_task_without_a_start_that_it_can_reach_is_refused(layout, message):
    content = load_task(FRANKA[0]).resolved()
    content["layout"] |= layout
    with pytest.raises(TaskError, match=message):
        parse_task(content, "wrong.yaml")


def test_a_task_that_only_a_simulator_can_judge_cannot_claim_otherwise():
    content = load_task("DiscTable").resolved()
    assert "hand_position" not in content["layout"]  # the hash of such a task stays what it was
    content["reward"]["source"] = "observation"
    with pytest.raises(TaskError, match=r"needs a failure that an observation shows.*got '"):
        parse_task(content, "wrong.yaml")


def test_a_lane_the_wrong_way_round_is_told():
    content = load_task("FrankaDisturbedPush").resolved()
    content["failure"]["lane"] = [0.6, 0.5]
    with pytest.raises(TaskError, match=r"lane: expected the least x first, got \(0\.6, 0\.5\); swap them"):
        parse_task(content, "wrong.yaml")
