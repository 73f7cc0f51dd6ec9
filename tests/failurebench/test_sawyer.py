"""The lean stepper returns what Meta-World's own class returns."""

import numpy as np
import pytest
from metaworld.env_dict import ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE
from scipy.spatial.transform import Rotation

from failurebench.experts import PushExpert
from failurebench.rotation import quaternion
from failurebench.sawyer import Sawyer

LAYOUTS = [((-0.0125, 0.6892), (0.0090, 0.8424)), ((0.08, 0.61), (-0.05, 0.88))]


def no_watch():
    pass


@pytest.fixture(scope="module")
def sawyer():
    return Sawyer()


@pytest.fixture(scope="module")
def metaworld():
    return ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE["push-v3-goal-observable"](seed=0)


def reset_metaworld(env, start, goal):
    """Put Meta-World's class at a layout: its reset ignores seeds and takes the last random vector."""
    env._freeze_rand_vec = True
    env._partially_observable = False  # otherwise the goal reads as zeros
    env._last_rand_vec = np.array([*start, 0.02, *goal, 0.02])
    observation, _ = env.reset()
    return observation


@pytest.mark.parametrize(("start", "goal"), LAYOUTS)
def test_equals_metaworld(sawyer, metaworld, start, goal):
    expert, random = PushExpert(), np.random.default_rng(1)
    expected = reset_metaworld(metaworld, start, goal)
    sawyer.reset(start, goal)
    np.testing.assert_allclose(sawyer.observation(), expected, rtol=0, atol=1e-12)
    rewards, moved = [], 0.0
    for _ in range(350):
        mean = expert(expected.astype(np.float32))
        # Meta-World computes in the action's type: these float64 numbers, exact in float32, suit both.
        action = np.clip(mean + 0.2 * random.standard_normal(4), -1, 1).astype(np.float32).astype(np.float64)
        expected, reward, _, _, info = metaworld.step(action)
        judgement = sawyer.step(action.tolist(), no_watch)
        np.testing.assert_allclose(sawyer.observation(), expected, rtol=0, atol=1e-12)
        assert judgement.reward == pytest.approx(reward, abs=1e-6)
        assert judgement.success == bool(info["success"])
        assert sum(judgement.terms.values()) == pytest.approx(judgement.reward, abs=1e-12)
        rewards.append(reward)
        moved = max(moved, np.linalg.norm(expected[4:6] - start))
    assert max(rewards) == 10.0  # the script was contact-rich enough to deliver the puck
    assert moved > 0.1


def test_goal_is_never_hidden(sawyer):
    sawyer.reset(*LAYOUTS[0])
    assert sawyer.observation()[36:] == pytest.approx([0.0090, 0.8424, 0.02], abs=1e-3)


def test_hand_starts_where_metaworld_puts_it(sawyer):
    sawyer.reset(*LAYOUTS[0])
    assert sawyer.observation()[:3] == pytest.approx([0.0046, 0.6014, 0.1951], abs=1e-4)


def test_drawn_layouts_lie_in_metaworlds_ranges(sawyer):
    random = np.random.default_rng(0)
    for _ in range(200):
        start, goal = sawyer.draw_layout(random)
        assert -0.1 <= start[0] <= 0.1 and 0.6 <= start[1] <= 0.7
        assert -0.1 <= goal[0] <= 0.1 and 0.8 <= goal[1] <= 0.9
        assert np.hypot(start[0] - goal[0], start[1] - goal[1]) >= 0.15


@pytest.mark.parametrize("angle", [0.0, 0.1, 2.0, np.pi, 4.0, 6.0])
@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.6, 0.0, 0.8), (-0.6, 0.64, 0.48)])
def test_quaternion_follows_scipy(axis, angle):
    matrix = Rotation.from_rotvec(np.array(axis) * angle).as_matrix()
    expected = Rotation.from_matrix(matrix).as_quat()
    np.testing.assert_allclose(quaternion(matrix.ravel().tolist()), expected, rtol=0, atol=1e-15)
