"""The lean stepper returns what Meta-World's own class returns."""

from functools import cache

import mujoco
import numpy as np
import pytest
from metaworld.env_dict import ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE
from scipy.spatial.transform import Rotation

from failurebench.experts import PushExpert, PushWallExpert, SoccerExpert
from failurebench.rotation import quaternion
from failurebench.sawyer import Sawyer
from failurebench.sawyer_tasks import PUSH, PUSH_WALL, SOCCER

FIXED = ((-0.0125, 0.6892), (0.0090, 0.8424))
TASKS = {
    "push-v3": (PUSH, PushExpert),
    "push-wall-v3": (PUSH_WALL, PushWallExpert),
    "soccer-v3": (SOCCER, SoccerExpert),
}
CASES = [
    ("push-v3", *FIXED),
    ("push-v3", (0.08, 0.61), (-0.05, 0.88)),
    ("push-wall-v3", (-0.0062, 0.6446), (0.0045, 0.8712)),
    ("push-wall-v3", (0.04, 0.61), (-0.03, 0.89)),
    ("soccer-v3", *FIXED),
    ("soccer-v3", (0.06, 0.68), (-0.05, 0.88)),
]


@cache
def sawyer_of(name):
    return Sawyer(TASKS[name][0])


@cache
def metaworld_of(name):
    return ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE[f"{name}-goal-observable"](seed=0)


@pytest.fixture
def sawyer():
    return sawyer_of("push-v3")


def reset_metaworld(env, start, goal):
    """Put Meta-World's class at a layout: its reset ignores seeds and takes the last random vector."""
    env._freeze_rand_vec = True
    env._partially_observable = False  # otherwise the goal reads as zeros
    low = env._random_reset_space.low
    env._last_rand_vec = np.array([*start, low[2], *goal, low[5]])
    observation, _ = env.reset()
    return observation


def draw(name, random):
    return sawyer_of(name).draw_layout(random)


def noisy(mean, random):
    # Meta-World computes in the action's type: these float64 numbers, exact in float32, suit both.
    return np.clip(mean + 0.2 * random.standard_normal(4), -1, 1).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize(("name", "start", "goal"), CASES)
def test_equals_metaworld(name, start, goal):
    sawyer, metaworld = sawyer_of(name), metaworld_of(name)
    expert, random = TASKS[name][1](), np.random.default_rng(1)
    expected = reset_metaworld(metaworld, start, goal)
    sawyer.reset(start, goal)
    np.testing.assert_allclose(sawyer.observation(), expected, rtol=0, atol=1e-12)
    rewards, moved = [], 0.0
    for step in range(350):
        action = noisy(expert(expected.astype(np.float32)), random)
        expected, reward, _, _, info = metaworld.step(action)
        if step == 150:
            # Through another episode and back: nothing may stay behind, not even a displaced goal.
            saved = sawyer.save()
            sawyer.reset((0.03, 0.6), (-0.04, 0.9))
            sawyer.step([1.0, 0.0, -1.0, 1.0])
            sawyer.load(saved)
        judgement = sawyer.step(action.tolist())
        np.testing.assert_allclose(sawyer.observation(), expected, rtol=0, atol=1e-12)
        assert judgement.reward == pytest.approx(reward, abs=1e-6)
        assert judgement.success == bool(info["success"])
        assert sum(judgement.terms.values()) == pytest.approx(judgement.reward, abs=1e-12)
        rewards.append(reward)
        moved = max(moved, np.linalg.norm(expected[4:6] - start))
    assert max(rewards) == 10.0  # the script was contact-rich enough to deliver the object
    assert moved > 0.1


@pytest.mark.parametrize("name", TASKS)
def test_a_loaded_state_continues_bit_for_bit(name):
    sawyer, random = sawyer_of(name), np.random.default_rng(5)
    actions = random.uniform(-1, 1, (60, 4)).tolist()
    sawyer.reset((0.0, 0.65), (0.05, 0.86))
    # Onto the object, so that contacts are active at the moment that is saved.
    for _ in range(25):
        sawyer.step([0.0, 0.3, -1.0, 0.2])
    saved = sawyer.save()

    def go_on():
        return [[*sawyer.observation(), sawyer.step(action).reward] for action in actions]

    expected = go_on()
    sawyer.reset((-0.04, 0.62), (0.0, 0.9))
    sawyer.load(saved)
    assert go_on() == expected


@pytest.mark.parametrize("name", TASKS)
def test_the_shortened_first_physics_step_is_mujocos_own(name, monkeypatch):
    sawyer = sawyer_of(name)

    def play():
        expert, random, states = TASKS[name][1](), np.random.default_rng(2), []
        sawyer.reset((0.01, 0.64), (0.0, 0.87))
        for _ in range(120):
            sawyer.step(noisy(expert(np.float32(sawyer.observation())), random).tolist())
            states.append(sawyer.save())
        return np.array(states)

    shortened = play()
    monkeypatch.setattr(sawyer, "_first_substep", lambda: mujoco.mj_step(sawyer.model, sawyer.data))
    np.testing.assert_array_equal(shortened, play())
    assert np.ptp(shortened[:, 9:12]) > 0.05  # the object was moved


def test_the_soccer_goal_stands_at_the_goal_and_moves_with_a_loaded_state():
    sawyer = sawyer_of("soccer-v3")
    frame = sawyer.data.body("goal_whole").xpos
    sawyer.reset((0.0, 0.65), (0.05, 0.86))
    saved = sawyer.save()
    assert frame.tolist() == [0.05, 0.86, 0.0]
    sawyer.reset((0.0, 0.65), (-0.05, 0.82))
    assert frame.tolist() == [-0.05, 0.82, 0.0]
    sawyer.load(saved)
    assert frame.tolist() == [0.05, 0.86, 0.0]


def test_goal_is_never_hidden(sawyer):
    sawyer.reset(*FIXED)
    assert sawyer.observation()[36:] == pytest.approx([0.0090, 0.8424, 0.02], abs=1e-3)


def test_hand_starts_where_metaworld_puts_it(sawyer):
    sawyer.reset(*FIXED)
    assert sawyer.observation()[:3] == pytest.approx([0.0046, 0.6014, 0.1951], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "objects", "goals"),
    [
        ("push-v3", ((-0.1, 0.1), (0.6, 0.7)), ((-0.1, 0.1), (0.8, 0.9))),
        ("push-wall-v3", ((-0.05, 0.05), (0.6, 0.65)), ((-0.05, 0.05), (0.85, 0.9))),
        ("soccer-v3", ((-0.1, 0.1), (0.6, 0.7)), ((-0.1, 0.1), (0.8, 0.9))),
    ],
)
def test_drawn_layouts_fill_metaworlds_ranges(name, objects, goals):
    random = np.random.default_rng(0)
    drawn = np.array([np.r_[start[:2], goal[:2]] for start, goal in map(draw, [name] * 300, [random] * 300)])
    low, high = np.array([*objects, *goals]).T
    assert (drawn >= low).all() and (drawn <= high).all()
    assert (np.ptp(drawn, axis=0) > 0.8 * (high - low)).all()
    assert np.hypot(*(drawn[:, :2] - drawn[:, 2:]).T).min() >= 0.15


@pytest.mark.parametrize("angle", [0.0, 0.1, 2.0, np.pi, 4.0, 6.0])
@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.6, 0.0, 0.8), (-0.6, 0.64, 0.48)])
def test_quaternion_follows_scipy(axis, angle):
    matrix = Rotation.from_rotvec(np.array(axis) * angle).as_matrix()
    expected = Rotation.from_matrix(matrix).as_quat()
    np.testing.assert_allclose(quaternion(matrix.ravel().tolist()), expected, rtol=0, atol=1e-15)
