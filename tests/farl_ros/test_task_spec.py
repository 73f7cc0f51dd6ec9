"""The task files, and what is said to those who write a wrong one."""

import inspect
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

import failurebench  # noqa: F401 - registers the environments
from farl_ros.task_spec import TaskError, TaskSpec, load_task, parse_task

TASKS = ("BoundedPush", "BoundedSoccer", "FragilePushWall", "ObstructedPush", "DiscTable")


def make(spec: TaskSpec, **changes):
    arguments = spec.environment_kwargs() | changes
    return gymnasium.make(spec.environment, disable_env_checker=True, **arguments).unwrapped


def changed(task: str, **changes) -> dict:
    return load_task(task).resolved() | changes


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("BoundedPush", "BoundedPush"),
        ("boundedpush", "BoundedPush"),
        ("bounded_push", "BoundedPush"),
        ("DISC_TABLE", "DiscTable"),
    ],
)
def test_a_task_is_found_by_its_name_or_its_file_in_any_case(asked, name):
    assert load_task(asked).name == name


def test_a_task_is_loaded_from_a_path(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(load_task("DiscTable").resolved_yaml().replace("limit: 0.45", "limit: 0.3"))
    assert load_task(path).environment_kwargs()["limit"] == 0.3


def test_an_unknown_task_names_the_nearest_and_all():
    with pytest.raises(
        TaskError, match=r"'BounedPush'; did you mean 'BoundedPush'\? Available: BoundedPush, .*DiscTable"
    ):
        load_task("BounedPush")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TaskError, match=r"nowhere\.yaml: cannot be read \(No such file"):
        load_task(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("task", "observation", "action"),
    [*((task, 39, 4) for task in TASKS[:4]), ("DiscTable", 10, 2)],
)
def test_sizes(task, observation, action):
    spec = load_task(task)
    assert (spec.observation_size, spec.action_size) == (observation, action)


def test_bounded_push_layout_is_meta_worlds():
    spec = load_task("BoundedPush")
    assert spec.slice_of("gripper_opening") == slice(3, 4)
    assert spec.slice_of("puck_position") == slice(4, 7)
    assert spec.slice_of("puck_quaternion") == slice(7, 11)
    assert spec.slice_of("previous_puck_position") == slice(22, 25)
    assert spec.slice_of("goal_position") == slice(36, 39)
    assert spec.control_rate_hz == 40.0


@pytest.mark.parametrize("task", TASKS)
def test_the_file_states_the_environments_own_defaults(task):
    """The paper's geometry stands in one place more than it must: they may not drift apart."""
    spec = load_task(task)
    environment = type(make(spec))
    defaults = {name: p.default for name, p in inspect.signature(environment).parameters.items()}
    if "x_limit" in defaults:  # None there stands for what the subclass states
        defaults["x_limit"] = environment.X_LIMIT
    assert spec.environment_kwargs() == {name: defaults[name] for name in spec.environment_kwargs()}
    assert {"horizon", "success_hold", "action_repeat", "end_on_success", "randomize"} <= set(
        spec.environment_kwargs()
    )


@pytest.mark.parametrize("task", TASKS)
def test_observation_fields_are_where_the_simulator_puts_them(task):
    spec = load_task(task)
    environment = make(spec)
    observation, info = environment.reset(seed=3)
    for _ in range(20):
        observation, _, _, _, info = environment.step(environment.action_space.sample())
    for tracked in spec.objects:
        np.testing.assert_allclose(
            spec.position(tracked.name, observation), info["objects"][tracked.name], atol=1e-6
        )
    np.testing.assert_allclose(
        spec.position(spec.goal, observation)[:2], spec.layout.goal_position, atol=1e-6
    )
    assert tuple(info["reward_terms"]) == spec.reward.terms


@pytest.mark.parametrize("task", TASKS)
def test_action_scale_is_the_hands_displacement_in_one_agent_step(task):
    spec = load_task(task)
    environment = make(spec)
    observation, _ = environment.reset(seed=0)
    path = []
    for _ in range(16):
        path.append(spec.position(spec.hand, observation))
        observation, *_ = environment.step(np.array([1.0, *[0.0] * (spec.action_size - 1)], np.float32))
    speed = np.diff(path[8:], axis=0)[:, 0].mean()  # the hand lags at first
    assert speed == pytest.approx(spec.action[0].scale, rel=0.03)
    assert spec.action[0].unit == "m"


def test_evaluation_runs_to_the_horizon():
    spec = load_task("DiscTable")
    assert spec.environment_kwargs()["end_on_success"] is True
    assert spec.environment_kwargs(evaluation=True)["end_on_success"] is False


def test_a_limit_of_zero_is_a_limit():
    content = changed(
        "BoundedPush", failure={"kind": "object_outside", "object": "puck", "x_limit": 0.0, "y_limit": 0.0}
    )
    spec = parse_task(content, "zero.yaml")
    assert spec.environment_kwargs()["x_limit"] == 0.0
    environment = make(spec)
    environment.reset(seed=0)
    *_, info = environment.step(np.zeros(4, np.float32))
    assert info["failed"]  # the puck starts at x = -0.0125: outside of a box without width


def test_positions_of_a_flat_task_have_z_zero():
    spec = load_task("DiscTable")
    rows = np.arange(20, dtype=np.float32).reshape(2, 10)
    assert spec.position("puck", rows).tolist() == [[2.0, 3.0, 0.0], [12.0, 13.0, 0.0]]


NAN = float("nan")
LAYOUT = {"object_position": [0.0, 0.0], "goal_position": [0.1, 0.1], "jitter": 0.0, "randomize": False}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizn": 3}, "unknown key 'horizn'; the nearest valid key is 'horizon'"),
        (
            {"layout": {**LAYOUT, "jiter": 0.1}},
            "layout: unknown key 'jiter'; the nearest valid key is 'jitter'",
        ),
        (
            {"failure": {"kind": "object_beyond", "object": "puck", "limits": 0.4}},
            "unknown key 'limits'; the nearest valid key is 'limit'",
        ),
        (
            {"failure": {"kind": "object_outsde", "object": "puck"}},
            "failure: unknown kind 'object_outsde'; the nearest is 'object_outside'",
        ),
        (
            {"failure": {"kind": "object_beyond", "object": "pucks", "limit": 0.4}},
            "failure.object: no object 'pucks'; the nearest is 'puck'",
        ),
        (
            {"failure": {"kind": "object_beyond", "object": "puck", "limit": -0.1}},
            "failure.object_beyond.limit: ",
        ),
        (
            {"failure": {"kind": "object_near_box", "object": "puck", "centre": [0.0, 0.0]}},
            "failure.object_near_box.half_size: Field required",
        ),
        (
            {"failure": {"kind": "arm_near_solid", "axis": [0.3, 0.7], "profile": [[0.1, 0.0], [0.1, -0.2]]}},
            "failure.arm_near_solid: expected heights that rise",
        ),
        (
            {"failure": {"kind": "arm_near_solid", "axis": [0, 1], "profile": [[1, 0]], "object": "puck"}},
            "unknown key 'object'",
        ),
        (
            {"reward": {"source": "simulator", "terms": ["goal"], "failure_penalty": 5.0}},
            "reward.failure_penalty: 5 given, but environments with a failure of kind 'object_beyond'",
        ),
        (
            {"reward": {"source": "simulator", "terms": ["goal"], "failure_penalty": -1.0}},
            "reward.failure_penalty: Input should be greater than or equal to 0; got -1.0",
        ),
        ({"horizon": "100"}, "horizon: Input should be a valid integer; got '100'"),
        ({"horizon": True}, "horizon: Input should be a valid integer; got True"),
        ({"horizon": 0}, "horizon: Input should be greater than 0; got 0"),
        ({"control_rate_hz": NAN}, "control_rate_hz: Input should be a finite number; got nan"),
        ({"control_rate_hz": "40"}, "control_rate_hz: Input should be a valid number; got '40'"),
        (
            {"hand": "fingr_position"},
            "hand: no observation field 'fingr_position'; the nearest is 'finger_position'",
        ),
        (
            {"objects": [{"name": "puck", "object_class": "puck", "position": "goal_positions"}]},
            "objects.puck.position: no observation field 'goal_positions'; the nearest is 'goal_position'",
        ),
        ({"workspace": {"lower": [0.0, 0.0, 0.1], "upper": [1.0, 1.0, 0.0]}}, "must not exceed upper"),
        ({"layout": {**LAYOUT, "goal_position": [0.1]}}, "layout.goal_position.1: Field required"),
        (
            {"reward": {"source": "simulater", "terms": []}},
            "reward.source: Input should be 'simulator' or 'observation'; got 'simulater'",
        ),
        (
            {"action": [{"name": "dx", "scale": 1.0, "unit": "m"}] * 2},
            "action: the name 'dx' stands there twice",
        ),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong_in_it(changes, message):
    with pytest.raises(TaskError) as caught:
        parse_task(changed("DiscTable", **changes), "config/tasks/wrong.yaml")
    assert str(caught.value).startswith("config/tasks/wrong.yaml:")
    assert message in str(caught.value)


def test_every_problem_of_a_file_is_told_at_once():
    with pytest.raises(TaskError) as caught:
        parse_task(changed("DiscTable", horizon=0, success_hold=0), "wrong.yaml")
    assert "horizon" in str(caught.value)
    assert "success_hold" in str(caught.value)


def test_a_position_field_must_have_two_or_three_entries():
    with pytest.raises(TaskError, match="goal: 'gripper_opening' has 1 entries; a position has 2 or 3"):
        parse_task(changed("BoundedPush", goal="gripper_opening"), "wrong.yaml")


@pytest.mark.parametrize("content", [None, [1, 2], "BoundedPush"])
def test_a_file_that_holds_something_else_is_an_error(content):
    with pytest.raises(TaskError, match=r"other\.yaml"):
        parse_task(content, "other.yaml")


def test_a_key_that_stands_there_twice_is_an_error(tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text(load_task("DiscTable").resolved_yaml() + "\nhorizon: 5\n")
    with pytest.raises(TaskError, match=r"twice\.yaml: not valid YAML: .*(?s:.*)horizon"):
        load_task(path)


def test_one_unreadable_file_hides_no_other(tmp_path, monkeypatch):
    tasks = tmp_path / "config" / "tasks"
    tasks.mkdir(parents=True)
    (tasks / "a_broken.yaml").write_text("name: [unclosed")
    (tasks / "good.yaml").write_text(load_task("DiscTable").resolved_yaml())
    monkeypatch.setattr("farl_ros.task_spec.share_folder", lambda: tmp_path)
    assert load_task("DiscTable").name == "DiscTable"
    with pytest.raises(TaskError, match=r"a_broken\.yaml: not valid YAML"):
        load_task("a_broken")


@pytest.mark.parametrize("task", TASKS)
def test_the_resolved_yaml_is_the_same_task(task):
    spec = load_task(task)
    again = parse_task(YAML(typ="safe", pure=True).load(spec.resolved_yaml()), "resolved")
    assert again == spec
    assert again.sha256 == spec.sha256


def test_the_hash_depends_on_content_and_on_nothing_else():
    content = load_task("DiscTable").resolved()
    turned = dict(reversed(content.items()))
    assert parse_task(turned, "turned").sha256 == parse_task(content, "straight").sha256
    assert parse_task(content | {"horizon": 99}, "other").sha256 != parse_task(content, "straight").sha256


def test_a_spec_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        load_task("DiscTable").horizon = 5


def test_every_key_is_explained_in_the_shipped_files():
    """Each top-level key has a comment on its line or in the block above it."""
    for path in (Path(__file__).parents[2] / "config" / "tasks").glob("*.yaml"):
        explained = False
        for line in path.read_text().splitlines():
            if line.startswith("#"):
                explained = True
            elif line and not line.startswith((" ", "-")):
                assert explained or "#" in line, f"{path.name}: {line}"
                explained = False


def test_the_failure_border_is_open_at_the_far_side_or_closed():
    spec = load_task("BoundedPush")
    x, y = spec.failure.x_limit, spec.failure.y_limit
    assert spec.failure.boundary(1.0) == [(-x, 1.0), (-x, y), (x, y), (x, 1.0)]
    border = load_task("DiscTable").failure.boundary(9.0)
    assert border[0] == border[-1]
    assert max(abs(v) for point in border for v in point) == 0.45


def test_the_border_around_an_obstacle_is_closed_and_a_radius_away():
    spec = load_task("FragilePushWall")
    border = np.array(spec.failure.boundary(9.0))
    assert (border[0] == border[-1]).all()
    # Half-extents 0.12 and 0.06 about (0.10, 0.75), widened by the puck's radius 0.02.
    np.testing.assert_allclose(border.min(axis=0), [-0.04, 0.67], atol=1e-12)
    np.testing.assert_allclose(border.max(axis=0), [0.24, 0.83], atol=1e-12)
    environment = make(spec)
    assert all(abs(environment.margin_at(x, y, 0.02)) < 1e-9 for x, y in border)


def test_the_contact_variant_is_said_and_made():
    failure = load_task("FragilePushWall").failure.model_dump() | {"true_contact": True}
    spec = parse_task(changed("FragilePushWall", failure=failure), "contact.yaml")
    assert spec.failure.description() == "puck in contact with the obstacle"
    _, info = make(spec).reset(seed=0)
    assert info["margin"] == pytest.approx(0.74 - 0.6446 - 0.02, abs=1e-5)  # the wall's front, not the box's


@pytest.mark.parametrize("penalty", [0.0, 2.0])
def test_the_penalty_reaches_the_environment(penalty):
    reward = load_task("FragilePushWall").reward.model_dump() | {"failure_penalty": penalty}
    content = changed("FragilePushWall", reward=reward, layout={**LAYOUT, "object_position": [0.1, 0.72]})
    environment = make(parse_task(content, "penalty.yaml"))
    environment.reset(seed=0)
    *_, info = environment.step(np.zeros(4, np.float32))
    assert info["reward_terms"]["penalty"] == -2 * penalty  # two simulator steps


def test_the_border_of_the_solid_is_its_widest_circle():
    spec = load_task("ObstructedPush")
    border = np.array(spec.failure.boundary(9.0))
    np.testing.assert_allclose(border[0], border[-1], atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(border - [0.325, 0.715], axis=1), 0.155)
    environment = make(spec)
    assert all(abs(environment.margin_at(x, y, 0.08)) < 1e-9 for x, y in border)
    assert spec.failure.description() == (
        "arm in the solid of revolution at x = 0.325 m, y = 0.715 m, radius up to 0.155 m, 0.36 m high"
    )


def test_a_failure_of_the_arm_names_no_object():
    assert load_task("ObstructedPush").traced_object == "puck"
    assert load_task("BoundedSoccer").traced_object == "ball"


def test_the_solid_of_the_file_reaches_the_environment():
    failure = {"kind": "arm_near_solid", "axis": [0.0, 0.6], "profile": [[0.05, 0.0], [0.04, 0.1]]}
    spec = parse_task(changed("ObstructedPush", failure=failure), "below_the_hand.yaml")
    _, info = make(spec).reset(seed=0)
    assert 0.05 < info["margin"] < 0.1  # the fingers, 0.18 m above the table, are above the solid


def test_the_resolution_is_that_of_the_fields_that_are_named():
    spec = load_task("FrankaFragilePushWall")
    assert spec.resolution == (0.0,) * 3 + (0.001,) * 3 + (0.01,) * 3 + (0.0,) * 3
    assert load_task("BoundedPush").resolution == ()
    content = {**spec.resolved(), "offline": {"resolution": {"pug_position": 0.1}}}
    with pytest.raises(ValueError, match=r"offline\.resolution: no observation field 'pug_position'"):
        TaskSpec.model_validate(content)
