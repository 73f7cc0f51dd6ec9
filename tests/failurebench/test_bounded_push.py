"""Bounded Push: its geometry, its layouts, its expert."""

import subprocess
import sys

import numpy as np
import pytest

from failurebench.experts import PushExpert

EXPERT_RETURN = 4585.0  # the paper's expert


def run(env, controller, seed=0, steps=250):
    observation, _ = env.reset(seed=seed)
    controller.reset()
    infos, total = [], 0.0
    for _ in range(steps):
        observation, reward, terminated, truncated, info = env.step(controller(observation))
        total += reward
        infos.append(info)
        if terminated or truncated:
            break
    return total, infos


@pytest.mark.parametrize(
    ("position", "margin"),
    [
        ((0.0, 0.7, 0.02), 0.2),
        ((0.15, 0.7, 0.02), 0.05),
        ((-0.15, 0.7, 0.02), 0.05),
        ((0.0, 0.53, 0.02), 0.03),
        ((0.19, 0.505, 0.02), 0.005),
        ((0.25, 0.7, 0.02), -0.05),
        ((-0.25, 0.7, 0.02), -0.05),
        ((0.0, 0.46, 0.02), -0.04),
        ((0.23, 0.46, 0.02), -0.05),  # 3-4-5 triangle at the corner
        ((0.0, 0.97, 0.02), 0.2),  # the far side is open
        ((0.0, 1.1, 0.02), -0.1),
        ((0.0, 0.7, -0.01), -0.01),
    ],
)
def test_margin_at_points_worked_out_by_hand(make, position, margin):
    assert make("BoundedPush").margin_at(*position) == pytest.approx(margin)


def test_the_border_itself_is_safe(make):
    env = make("BoundedPush")
    assert env.margin_at(0.2, 0.5, 0.02) == 0.0
    assert env.margin_at(np.nextafter(0.2, 1), 0.6, 0.02) < 0.0
    assert env.margin_at(0.0, np.nextafter(0.5, 0), 0.02) < 0.0


@pytest.mark.parametrize("x", [-0.1995, 0.1995])
def test_a_puck_pushed_over_the_edge_fails(make, x):
    env = make("BoundedPush", object_position=(x, 0.7))

    def shove(observation):
        outward = np.sign(x)
        hand, puck = observation[:3], observation[4:7]
        behind = puck - [0.09 * outward, 0.0, 0.0]
        target = np.array([behind[0], puck[1], 0.2]) if abs(hand[1] - puck[1]) > 0.02 else behind
        if hand[2] < 0.08:
            target = puck + np.array([0.3 * outward, 0.0, 0.0])
        return np.array([*(target - hand) * 10, 1.0], dtype=np.float32)

    shove.reset = lambda: None
    _, infos = run(env, shove)
    failing = [i for i in infos if i["cost"] == 1.0]
    assert failing and infos[-1]["failed"]
    assert all(abs(i["objects"]["puck"][0]) > 0.199 for i in failing)
    assert len(infos) == 250  # a failure ends nothing


def test_starts_at_the_fixed_layout(make):
    env = make("BoundedPush")
    observation, info = env.reset(seed=4)
    assert observation.dtype == np.float32
    assert observation[4:6] == pytest.approx([-0.0125, 0.6892], abs=1e-6)
    assert observation[36:38] == pytest.approx([0.0090, 0.8424], abs=1e-6)
    assert info["cost"] == 0.0 and not info["failed"] and not info["success"]
    assert info["margin"] == pytest.approx(0.2 - 0.0125)
    assert info["objects"]["puck"] == pytest.approx(observation[4:7], abs=1e-6)


def test_jitter_moves_only_the_puck(make):
    env = make("BoundedPush", object_jitter=0.01)
    starts = np.array([env.reset(seed=seed)[0] for seed in range(20)])
    assert np.ptp(starts[:, 4:6], axis=0) == pytest.approx([0.02, 0.02], abs=0.008)
    assert np.abs(starts[:, 4:6] - [-0.0125, 0.6892]).max() <= 0.01 + 1e-6
    assert np.ptp(starts[:, 36:39]) < 1.0 and np.ptp(starts[:, 36]) == 0.0


def test_randomized_layouts_differ_and_are_safe(make):
    env = make("BoundedPush", randomize=True)
    resets = [env.reset(seed=seed) for seed in range(20)]
    layouts = np.array([np.r_[observation[4:6], observation[36:38]] for observation, _ in resets])
    assert len(np.unique(layouts, axis=0)) == 20
    assert min(info["margin"] for _, info in resets) >= 0.1 - 1e-9


def test_the_expert_earns_what_the_papers_expert_earns(make):
    total, infos = run(make("BoundedPush", end_on_success=False), PushExpert())
    assert total == pytest.approx(EXPERT_RETURN, rel=0.01)
    assert len(infos) == 250
    assert not infos[-1]["failed"]


def test_the_expert_ends_a_training_episode_after_ten_successes(make):
    _, infos = run(make("BoundedPush"), PushExpert())
    assert [i["success"] for i in infos[-10:]] == [True] * 10
    assert not infos[-11]["success"]


def test_the_expert_solves_random_layouts(make):
    env = make("BoundedPush", randomize=True)
    ends = [run(env, PushExpert(), seed)[1][-1] for seed in range(8)]
    assert all(end["success"] and not end["failed"] for end in ends)


def test_importing_the_package_loads_no_simulator():
    code = "import sys, failurebench.kit; sys.exit('mujoco' in sys.modules or 'metaworld' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
