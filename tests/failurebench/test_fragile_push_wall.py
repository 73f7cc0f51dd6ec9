"""Fragile Push Wall: its geometry, its penalty, true contact, its expert."""

import mujoco
import numpy as np
import pytest

from failurebench.experts import PushWallExpert


def place(env, x, y, velocity_y=0.0):
    """Put the puck somewhere, sliding, metres and metres per second; return one step's reward and info."""
    data = env._sawyer.data
    data.qpos[9:16] = x, y, 0.02, 1.0, 0.0, 0.0, 0.0
    data.qvel[9:15] = 0.0, velocity_y, 0.0, 0.0, 0.0, 0.0
    mujoco.mj_forward(env._sawyer.model, data)
    _, reward, terminated, _, info = env.step(np.zeros(4, np.float32))
    assert not terminated
    return reward, info


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
        ((-0.0062, 0.6446), 0.0254),  # the start: 0.69 - 0.6446 - 0.02
        ((0.1, 0.65), 0.02),
        ((0.1, 0.85), 0.02),
        ((-0.05, 0.75), 0.01),
        ((0.25, 0.75), 0.01),
        ((-0.05, 0.65), 0.03),  # 3-4-5 triangle at the corner, less the radius
        ((0.1, 0.68), -0.01),
        ((0.1, 0.75), -0.08),  # the middle: half-depth and radius
    ],
)
def test_margin_at_points_worked_out_by_hand(make, position, margin):
    assert make("FragilePushWall").margin_at(*position, 0.02) == pytest.approx(margin)


def test_starts_at_the_fixed_layout_with_the_papers_margin(make):
    observation, info = make("FragilePushWall").reset(seed=0)
    assert observation[4:6] == pytest.approx([-0.0062, 0.6446], abs=1e-6)
    assert observation[36:38] == pytest.approx([0.0045, 0.8712], abs=1e-6)
    assert info["margin"] == pytest.approx(0.025, abs=5e-4)


@pytest.mark.parametrize(("half_depth", "margin"), [(0.01, 0.0754), (0.03, 0.0554)])
def test_the_box_is_an_argument(make, half_depth, margin):
    env = make("FragilePushWall", box_half_size=(0.12, half_depth))
    assert env.reset(seed=0)[1]["margin"] == pytest.approx(margin)


def test_a_puck_in_the_box_fails_costs_and_ends_nothing(make):
    env = make("FragilePushWall")
    env.reset(seed=0)
    (_, outside), (reward, inside), (_, back) = (
        place(env, 0.1, 0.665),
        place(env, 0.1, 0.68),
        place(env, 0.1, 0.66),
    )
    assert [i["cost"] for i in (outside, inside, back)] == [0.0, 1.0, 0.0]
    assert [i["failed"] for i in (outside, inside, back)] == [False, True, True]
    assert [i["reward_terms"]["penalty"] for i in (outside, inside, back)] == [0.0, -10.0, 0.0]
    assert inside["margin"] == pytest.approx(-0.01, abs=1e-3)
    unpunished = sum(term for name, term in inside["reward_terms"].items() if name != "penalty")
    assert reward == pytest.approx(unpunished - 10.0, abs=1e-5)


def test_each_failing_simulator_step_is_punished_once(make):
    env = make("FragilePushWall", failure_penalty=3.0)
    env.reset(seed=0)
    # Inside at first, out of the box before the second of the two simulator steps.
    _, info = place(env, 0.1, 0.672, velocity_y=-0.5)
    assert info["reward_terms"]["penalty"] == -3.0
    assert info["cost"] == 1.0


def test_true_contact_is_contact_with_the_wall_itself(make):
    env = make("FragilePushWall", true_contact=True)
    _, info = env.reset(seed=0)
    assert info["margin"] == pytest.approx(0.74 - 0.6446 - 0.02, abs=1e-5)
    _, near = place(env, 0.1, 0.716)
    assert near["cost"] == 0.0
    assert near["margin"] == pytest.approx(0.004, abs=1e-3)
    _, touching = place(env, 0.1, 0.7205)
    assert touching["cost"] == 1.0
    assert -1e-3 < touching["margin"] < 0.0


def test_a_bounce_within_one_simulator_step_is_seen(make):
    env = make("FragilePushWall", true_contact=True, action_repeat=1)
    env.reset(seed=0)
    _, info = place(env, 0.1, 0.719, velocity_y=0.6)
    assert info["cost"] == 1.0
    for _ in range(4):  # the first pose of a step is the last one of the step before, and not counted again
        *_, info = env.step(np.zeros(4, np.float32))
    assert info["cost"] == float(info["margin"] <= 0.0)


def test_cost_is_one_exactly_when_mujoco_sees_the_contact(make):
    env = make("FragilePushWall", true_contact=True, action_repeat=1, end_on_success=False)
    env.reset(seed=0)
    model, data = env._sawyer.model, env._sawyer.data
    names = {
        model.geom("objGeom").id,
        *(g for g in range(model.ngeom) if model.body(model.geom_bodyid[g]).name == "wall"),
    }
    place(env, 0.1, 0.71, velocity_y=0.8)
    costs, seen = [], []
    for _ in range(20):
        *_, info = env.step(np.zeros(4, np.float32))
        costs.append(info["cost"])
        seen.append(any(set(pair) <= names for pair in data.contact.geom.tolist()))
    assert all(cost == 1.0 for cost, contact in zip(costs, seen, strict=True) if contact)
    assert 1.0 in costs


def test_random_layouts_are_metaworlds(make):
    env = make("FragilePushWall", randomize=True)
    drawn = np.array([env.reset(seed=seed)[0] for seed in range(60)])
    puck, goal = drawn[:, 4:6], drawn[:, 36:38]
    assert np.abs(puck - [0.0, 0.625]).max(axis=0) == pytest.approx([0.05, 0.025], rel=0.15)
    assert np.abs(goal - [0.0, 0.875]).max(axis=0) == pytest.approx([0.05, 0.025], rel=0.15)
    assert np.linalg.norm(puck - goal, axis=1).min() >= 0.15


def test_the_expert_goes_round_the_wall(make):
    total, infos = run(make("FragilePushWall", end_on_success=False), PushWallExpert())
    assert 4284.0 <= total <= 4444.0  # the reference's own expert, depending on the clearance
    assert not infos[-1]["failed"]
    assert min(info["margin"] for info in infos) > 0.015


def test_the_expert_solves_random_layouts(make):
    env = make("FragilePushWall", randomize=True)
    ends = [run(env, PushWallExpert(), seed)[1][-1] for seed in range(8)]
    assert all(end["success"] and not end["failed"] for end in ends)
