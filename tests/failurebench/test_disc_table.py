"""Disc Table: invariants of its physics, its geometry, its scripts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failurebench.disc_scripts import DiscPusher, centre_pusher
from failurebench.disc_table import CONTACT, DiscTable

ACTIONS = st.lists(st.tuples(st.floats(-1, 1, width=32), st.floats(-1, 1, width=32)), min_size=1, max_size=60)
POINTS = st.tuples(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6))


def play(env, actions, seed):
    observations = [env.reset(seed=seed)[0]]
    infos = []
    for action in actions:
        observation, _, terminated, truncated, info = env.step(np.array(action, dtype=np.float32))
        observations.append(observation)
        infos.append(info)
        if terminated or truncated:
            break
    return np.array(observations), infos


@settings(max_examples=60, deadline=None)
@given(ACTIONS, st.integers(0, 2**31 - 1))
def test_physics_keeps_its_invariants(actions, seed):
    env = DiscTable(randomize=True)
    observations, infos = play(env, actions, seed)
    assert np.isfinite(observations).all()
    finger, puck, puck_velocity = observations[:, 0:2], observations[:, 2:4], observations[:, 4:6]
    assert np.linalg.norm(finger - puck, axis=1).min() >= CONTACT - 1e-6  # never inside each other
    assert np.abs(finger).max() <= DiscTable.FINGER_LIMIT
    # Nothing but the finger drives the puck, and it is never faster than the finger can be.
    assert np.linalg.norm(puck_velocity, axis=1).max() <= math.sqrt(2) * DiscTable.FINGER_SPEED + 1e-6
    for info, position in zip(infos, puck[1:], strict=True):
        assert info["cost"] == float(np.abs(info["objects"]["puck"]).max() > env.limit)
        assert info["objects"]["puck"][:2] == pytest.approx(position, abs=1e-6)
    assert [i["failed"] for i in infos] == np.maximum.accumulate([i["cost"] for i in infos]).astype(
        bool
    ).tolist()


@settings(max_examples=40, deadline=None)
@given(ACTIONS, st.integers(0, 2**31 - 1), st.integers(0, 59))
def test_a_snapshot_anywhere_continues_the_same(actions, seed, cut):
    env = DiscTable(end_on_success=False)
    expected, _ = play(env, actions, seed)
    cut = min(cut, len(actions) - 1)
    play(env, actions[:cut], seed)
    snapshot = env.snapshot()
    play(env, actions, seed + 1)
    rest = [env.restore(snapshot)]
    rest += [env.step(np.array(action, dtype=np.float32))[0] for action in actions[cut:]]
    np.testing.assert_array_equal(np.array(rest), expected[cut:])


@given(POINTS)
def test_margin_is_the_signed_distance_to_the_square(point):
    x, y = point
    margin = DiscTable().margin_at(x, y)
    inside = max(abs(x), abs(y)) <= 0.45
    assert (margin >= 0.0) == inside
    if not inside:
        nearest = np.clip(point, -0.45, 0.45)
        assert margin == pytest.approx(-math.dist(point, nearest))


def test_a_free_puck_slides_as_far_as_friction_lets_it():
    env = DiscTable(object_jitter=0.0)
    env.reset(seed=0)
    env._puck_velocity = (0.5, 0.0)
    env._finger = (-0.5, -0.5)
    for _ in range(30):
        env._slide_puck()
    # v^2 / (2 mu g), to within one time step of motion.
    assert env._puck[0] - 0.05 == pytest.approx(0.25 / (2 * 0.3 * 9.81), abs=0.5 * 0.04)
    assert env._puck_velocity == (0.0, 0.0)


def test_a_concentric_push_has_a_way_out():
    env = DiscTable()
    env.reset(seed=0)
    env._puck = env._finger
    env._push_puck()
    assert math.dist(env._puck, env._finger) == pytest.approx(CONTACT)


def run(env, controller, seed, noise=0.0):
    random = np.random.default_rng(seed)
    observation, _ = env.reset(seed=seed)
    total = 0.0
    while True:
        action = controller(observation) + noise * random.standard_normal(2)
        observation, reward, terminated, truncated, info = env.step(action)
        total += reward
        if terminated or truncated:
            return total, info


@pytest.mark.parametrize("randomize", [False, True])
def test_the_expert_succeeds_and_never_fails(randomize):
    env = DiscTable(randomize=randomize)
    ends = [run(env, DiscPusher(), seed)[1] for seed in range(50)]
    assert all(end["success"] and not end["failed"] for end in ends)


def test_the_experts_return():
    env = DiscTable(end_on_success=False)
    assert np.mean([run(env, DiscPusher(), seed)[0] for seed in range(20)]) == pytest.approx(68, abs=2)


def test_the_recovery_brings_the_puck_to_the_middle():
    env = DiscTable(object_position=(0.38, 0.1), goal_position=(0.0, 0.3), end_on_success=False)
    for seed in range(10):
        _, info = run(env, centre_pusher(), seed)
        assert not info["failed"]
        assert np.hypot(*info["objects"]["puck"][:2]) < 0.15
