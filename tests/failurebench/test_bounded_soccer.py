"""Bounded Soccer: its geometry, its layouts, its expert."""

import mujoco
import numpy as np
import pytest

from failurebench.experts import SoccerExpert

EXPERT_RETURN = 4500.0  # of at most 5000: at most 50 of 500 simulator steps until the ball is in


def kick(env, x, y, velocity_x=0.0, height=0.026):
    """Put the ball somewhere, rolling, metres and metres per second; return one step's info."""
    data = env._sawyer.data
    data.qpos[9:12] = x, y, height
    data.qvel[9:15] = velocity_x, 0.0, 0.0, 0.0, 0.0, 0.0
    mujoco.mj_forward(env._sawyer.model, data)
    _, _, terminated, _, info = env.step(np.zeros(4, np.float32))
    assert not terminated
    return info


def run(env, controller, seed=0):
    observation, _ = env.reset(seed=seed)
    controller.reset()
    infos, total, over = [], 0.0, False
    while not over:
        observation, reward, terminated, truncated, info = env.step(controller(observation))
        total, over = total + reward, terminated or truncated
        infos.append(info)
    return total, infos


@pytest.mark.parametrize(
    ("position", "margin"),
    [
        ((0.0, 0.9, 0.026), 0.3),
        ((0.25, 0.7, 0.026), 0.05),
        ((-0.25, 0.7, 0.026), 0.05),
        ((0.1, 0.53, 0.026), 0.03),
        ((0.35, 0.7, 0.026), -0.05),
        ((0.0, 0.46, 0.026), -0.04),
        ((-0.33, 0.46, 0.026), -0.05),  # 3-4-5 triangle at the corner
        ((0.0, 0.97, 0.026), 0.3),  # the far side is open
        ((0.0, 1.1, 0.026), -0.1),
        ((0.0, 0.7, -0.001), 0.2),  # pressed into the table, not off it
        ((0.0, 0.7, -0.15), -0.1),
    ],
)
def test_margin_at_points_worked_out_by_hand(make, position, margin):
    assert make("BoundedSoccer").margin_at(*position) == pytest.approx(margin)


@pytest.mark.parametrize(
    ("y", "margin"), [(0.93, 0.02), (0.97, -0.02), (0.75, 0.15), (0.57, 0.02), (0.53, -0.02)]
)
def test_a_far_limit_closes_the_box(make, y, margin):
    env = make("BoundedSoccer", x_limit=0.15, y_limit=0.55, far_limit=0.95)
    assert env.margin_at(0.0, y, 0.026) == pytest.approx(margin)


def test_a_far_corner_is_as_far_as_it_is(make):
    env = make("BoundedSoccer", x_limit=0.15, y_limit=0.55, far_limit=0.95)
    assert env.margin_at(0.18, 0.99, 0.026) == pytest.approx(-0.05)


@pytest.mark.parametrize(
    ("before", "after"),
    [((0.29, 0.7), (0.31, 0.7)), ((-0.29, 0.7), (-0.31, 0.7)), ((0.1, 0.51), (0.1, 0.49))],
)
def test_a_ball_over_the_border_fails_and_the_failure_is_latched(make, before, after):
    env = make("BoundedSoccer")
    env.reset(seed=0)
    inside, outside, back = kick(env, *before), kick(env, *after), kick(env, *before)
    assert [inside["cost"], outside["cost"], back["cost"]] == [0.0, 1.0, 0.0]
    assert [inside["failed"], outside["failed"], back["failed"]] == [False, True, True]
    assert outside["margin"] == pytest.approx(-0.01, abs=1e-3)
    assert outside["objects"]["ball"] == pytest.approx([*after, 0.026], abs=1e-3)


def test_a_short_visit_outside_is_seen(make):
    """Out for two of a simulator step's five physics steps, in again at its end."""
    env = make("BoundedSoccer", action_repeat=1)
    env.reset(seed=0)
    info = kick(env, 0.302, 0.7, velocity_x=-0.4)
    assert info["objects"]["ball"][0] < 0.299
    assert info["cost"] == 1.0


def test_starts_at_the_fixed_layout(make):
    env = make("BoundedSoccer")
    observation, info = env.reset(seed=4)
    assert observation[4:7] == pytest.approx([-0.0125, 0.6892, 0.03], abs=1e-6)
    assert observation[36:39] == pytest.approx([0.0090, 0.8424, 0.0], abs=1e-6)
    assert info["margin"] == pytest.approx(0.1892)
    assert set(info["objects"]) == {"ball"}


def test_random_layouts_are_metaworlds(make):
    env = make("BoundedSoccer", randomize=True)
    drawn = np.array([env.reset(seed=seed)[0] for seed in range(60)])
    ball, goal = drawn[:, 4:6], drawn[:, 36:38]
    assert np.abs(ball - [0.0, 0.65]).max(axis=0) == pytest.approx([0.1, 0.05], rel=0.15)
    assert np.abs(goal - [0.0, 0.85]).max(axis=0) == pytest.approx([0.1, 0.05], rel=0.15)
    assert np.linalg.norm(ball - goal, axis=1).min() >= 0.15
    assert len(np.unique(drawn[:, 4])) == 60


def test_the_expert_keeps_the_ball_in_the_goal(make):
    total, infos = run(make("BoundedSoccer", end_on_success=False), SoccerExpert())
    assert total > EXPERT_RETURN
    assert len(infos) == 250
    assert not infos[-1]["failed"]


def test_the_expert_solves_random_layouts(make):
    env = make("BoundedSoccer", randomize=True)
    ends = [run(env, SoccerExpert(), seed)[1][-1] for seed in range(8)]
    assert all(end["success"] and not end["failed"] for end in ends)
