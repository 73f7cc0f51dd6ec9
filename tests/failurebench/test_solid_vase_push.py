"""The hard variant of Obstructed Push: a small solid vase between puck and goal."""

import gymnasium
import numpy as np
import pytest

import failurebench  # noqa: F401 - registers the environments
from failurebench.experts import PushExpert
from failurebench.obstructed_expert import DetourExpert


@pytest.fixture(scope="module")
def env():
    return gymnasium.make("FailureBench/ObstructedPush-hard-v0", disable_env_checker=True).unwrapped


def run(env, controller, seed):
    observation, info = env.reset(seed=seed)
    over = False
    while not over:
        observation, _, terminated, truncated, info = env.step(controller(observation))
        over = terminated or truncated
    return info


def test_rules(env):
    assert (env.horizon, env.action_repeat, env.end_on_failure, env.randomize) == (500, 1, True, True)


def test_the_observation_shows_the_vase(env):
    observation, _ = env.reset(seed=0)
    assert observation[11:14] == pytest.approx([0.0, 0.77, 0.025])
    assert observation[29:32] == pytest.approx([0.0, 0.77, 0.025])
    assert not observation[14:18].any() and not observation[32:36].any()


def test_drawn_layouts_keep_clear_of_the_vase(env):
    starts = np.array([env.reset(seed=seed)[0] for seed in range(60)])
    assert np.linalg.norm(starts[:, 4:6] - [0.0, 0.77], axis=1).min() >= 0.10 - 1e-6
    assert np.linalg.norm(starts[:, 36:38] - [0.0, 0.77], axis=1).min() >= 0.07 - 1e-6
    assert np.ptp(starts[:, 4]) > 0.1


def test_the_detour_avoids_the_vase_and_the_straight_way_often_does_not(env):
    detours = [run(env, DetourExpert(), seed) for seed in range(12)]
    assert all(info["success"] and not info["failed"] for info in detours)
    straight = [run(env, PushExpert(), seed)["failed"] for seed in range(12)]
    assert 0.2 <= np.mean(straight) <= 0.8


def test_the_margin_is_the_pucks_gap_when_the_puck_is_nearest(env):
    env.reset(seed=0)
    env._sawyer.reset((0.0, 0.69), (0.0, 0.9))
    assert env._margin() == pytest.approx(0.77 - 0.69 - 2 * 0.02, abs=1e-4)  # two radii of 2 cm


def test_contact_of_the_puck_fails(env):
    env.reset(seed=0)
    env._sawyer.reset((0.0, 0.7305), (0.0, 0.9))
    *_, terminated, _, info = env.step(np.zeros(4, np.float32))
    assert terminated and info["failed"] and info["margin"] <= 0.0


def test_contact_of_the_hand_fails(env):
    observation, _ = env.reset(seed=0)
    for _ in range(200):
        to = np.array([0.0, 0.77 + 0.05, 0.05]) - observation[:3]  # a finger on the vase
        observation, _, terminated, _, info = env.step(np.array([*np.clip(10 * to, -1, 1), -1.0], np.float32))
        if terminated:
            break
    assert info["failed"]
    assert np.linalg.norm(info["objects"]["puck"][:2] - [0.0, 0.77]) > 0.06  # it was not the puck


def test_restored_snapshot_continues_bit_for_bit(env):
    observation, _ = env.reset(seed=1)
    expert = DetourExpert()
    for _ in range(60):
        observation, *_ = env.step(expert(observation))
    snapshot = env.snapshot()

    def go_on(observation):
        found = []
        for _ in range(30):
            observation, reward, *_, info = env.step(expert(observation))
            found += [*observation, reward, info["margin"]]
        return found

    expected = go_on(observation)
    env.reset(seed=5)
    assert go_on(env.restore(snapshot)) == expected
