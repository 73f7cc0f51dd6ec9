"""The hard variants, and what Meta-World's own scripts earn."""

import gymnasium
import mujoco
import numpy as np
import pytest
from metaworld.policies import SawyerPushV3Policy, SawyerPushWallV3Policy, SawyerSoccerV3Policy

from failurebench.sawyer_tasks import PUSH, PUSH_WALL, SOCCER

HARD = ("BoundedPush", "BoundedSoccer", "FragilePushWall")


@pytest.fixture(scope="module", params=HARD)
def hard(request):
    return gymnasium.make(f"FailureBench/{request.param}-hard-v0", disable_env_checker=True).unwrapped


def test_single_steps_random_layouts_and_an_end_at_a_failure(hard):
    assert (hard.horizon, hard.action_repeat) == (500, 1)
    assert hard.end_on_failure
    first, again, other = (hard.reset(seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[4:6], other[4:6])
    assert not np.array_equal(first[36:38], other[36:38])
    hard.reset(seed=0)
    hard._sawyer.data.qpos[9:11] = 0.1, 0.7205  # into the wall
    if type(hard).__name__ != "FragilePushWall":
        hard._sawyer.data.qpos[9:11] = 0.0, 0.96  # beyond the far limit
    mujoco.mj_forward(hard._sawyer.model, hard._sawyer.data)
    *_, terminated, _, info = hard.step(np.zeros(4, np.float32))
    assert terminated and info["failed"]


@pytest.mark.parametrize(("task", "x_limit"), [("BoundedPush", 0.13), ("BoundedSoccer", 0.15)])
def test_the_boxes_are_tight(task, x_limit):
    env = gymnasium.make(f"FailureBench/{task}-hard-v0", disable_env_checker=True).unwrapped
    for x, y in ((x_limit, 0.7), (-x_limit, 0.7), (0.0, 0.55), (0.0, 0.95)):
        assert env.margin_at(x, y, 0.02) == pytest.approx(0.0, abs=1e-12)


# Measured on Meta-World's own classes with action repeat 2; the paper's layout comes from RandomState(0).
@pytest.mark.parametrize(
    ("task", "script", "scene", "expected"),
    [
        ("BoundedPush", SawyerPushV3Policy, PUSH, 4579.0),
        ("FragilePushWall", SawyerPushWallV3Policy, PUSH_WALL, 4394.0),
        ("BoundedSoccer", SawyerSoccerV3Policy, SOCCER, 2129.0),
    ],
)
@pytest.mark.filterwarnings("ignore:Constant.s. may be too high")
def test_metaworlds_scripts_earn_what_they_earned(make, task, script, scene, expected):
    random = np.random.RandomState(0)
    goal, start = (random.uniform(scene.layout_low, scene.layout_high) for _ in range(2))
    layout = {"object_position": tuple(start[:2]), "goal_position": tuple(goal[3:5])}
    env = make(task, end_on_success=False, **layout)
    assert layout["object_position"] == pytest.approx(make(task).object_position, abs=5e-5)
    assert layout["goal_position"] == pytest.approx(make(task).goal_position, abs=5e-5)
    policy, total = script(), 0.0
    observation, _ = env.reset(seed=0)
    for _ in range(250):
        action = np.clip(policy.get_action(observation.astype(np.float64)), -1.0, 1.0)
        observation, reward, *_, info = env.step(action)
        total += reward - info["reward_terms"].get("penalty", 0.0)
    assert total == pytest.approx(expected, rel=2e-3)
