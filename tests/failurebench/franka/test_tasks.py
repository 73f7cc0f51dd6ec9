"""What the three tasks on the Franka's table promise."""

import time

import mujoco
import numpy as np
import pytest

from failurebench.franka.table_env import FrankaEnv
from failurebench.franka.wall_scripts import WallPusher
from failurebench.kit import kit


class Kick:
    """Goes behind the ball, then off to the left."""

    def reset(self):
        self.step = 0

    def __call__(self, observation):
        self.step += 1
        if self.step < 4:
            return np.array((0.0, -0.5, -1.0), np.float32)
        return np.array((0.6 if self.step < 8 else 0.0, 0.8, 0.0), np.float32)


FRANKA = ("FrankaFragilePushWall", "FrankaDisturbedPush", "FrankaBoundedSoccer")

STRAIGHT = WallPusher(corner=(0.0, -1.0))  # to the goal, whatever is in the way
CARELESS = {FRANKA[0]: STRAIGHT, FRANKA[1]: STRAIGHT, FRANKA[2]: Kick()}


@pytest.fixture(params=FRANKA)
def franka(request):
    return request.param


def actions(steps, seed):
    return np.random.default_rng(seed).uniform(-1, 1, (steps, 3)).astype(np.float32)


def play(env, tape):
    return [env.step(action) for action in tape]


def same(a, b):
    return all(
        np.array_equal(x[0], y[0]) and x[1:4] == y[1:4] and x[4]["margin"] == y[4]["margin"]
        for x, y in zip(a, b, strict=True)
    )


def test_an_episode_is_a_function_of_its_seed(make, franka):
    env = make(franka)
    one, two, other = (
        (env.reset(seed=seed)[0], play(env, actions(30, 0)))
        for seed in (4, 4, 5)
    )  # fmt: skip
    assert np.array_equal(one[0], two[0]) and same(one[1], two[1])
    assert not np.array_equal(one[0], other[0])


@pytest.mark.parametrize("repeat", [1, 2])
def test_who_looks_on_changes_nothing_and_sees_the_way(franka, repeat):
    env, watched = (kit(franka).make(action_repeat=repeat) for _ in range(2))
    shares, hands = [], []

    def look(share):
        shares.append(share)
        hands.append(watched.panda.hand)

    watched.look_on(2, look)
    assert np.array_equal(env.reset(seed=3)[0], watched.reset(seed=3)[0])
    alone, seen = play(env, actions(12, 0)), play(watched, actions(12, 0))
    assert same(alone, seen)
    assert shares == [1 / 3, 2 / 3] * 12
    fast = np.array([0.0, 0.0, 1.0], np.float32)
    hands.clear()
    begin = watched.panda.hand[2]
    observation, *_ = watched.step(fast)
    assert begin < hands[0][2] < hands[1][2] < observation[2]


def test_a_snapshot_goes_on_bit_for_bit_in_another_environment(make, franka):
    env, other = make(franka), kit(franka).make()
    expert = kit(franka).expert()
    observation, _ = env.reset(seed=2)
    for _ in range(9):
        observation, *_ = env.step(expert(observation))
    snapshot = env.snapshot()
    rest = play(env, actions(25, 1))
    other.reset(seed=77)
    assert np.array_equal(other.restore(snapshot), observation)
    assert other.objects().keys() == env.objects().keys()
    assert same(play(other, actions(25, 1)), rest)
    env.restore(snapshot)
    assert same(play(env, actions(25, 1)), rest)


def test_an_observation_says_what_it_promises(make, franka):
    env = make(franka)
    observation, info = env.reset(seed=0)
    held = next(iter(info["objects"].values()))
    np.testing.assert_allclose(observation[:3], (0.31, 0.0, 0.06), atol=1e-6)
    np.testing.assert_allclose(observation[3:6], held, atol=1e-6)
    np.testing.assert_allclose(observation[3:5], env.object_position, atol=env.object_jitter)
    np.testing.assert_array_equal(observation[6:9], 0.0)
    np.testing.assert_allclose(observation[-3:-1], env.goal_position, atol=1e-6)
    if franka == "FrankaDisturbedPush":
        np.testing.assert_allclose(observation[9:12], info["objects"]["flower"], atol=1e-6)


def test_the_turf_is_new_in_each_episode_and_not_observed(make):
    env = make("FrankaBoundedSoccer", object_jitter=0.0)
    seen = []
    for seed in (0, 1):
        observation, _ = env.reset(seed=seed)
        seen.append((observation, env.turf.slope(0.5, 0.0)))
    assert np.array_equal(seen[0][0], seen[1][0])
    assert seen[0][1] != seen[1][1]


def test_the_flowers_observed_velocity_is_how_it_moves(make):
    env = make("FrankaDisturbedPush")
    observation, _ = env.reset(seed=1)
    moved = 0
    for _ in range(60):
        before = observation
        observation, *_ = env.step(np.zeros(3, np.float32))
        if np.array_equal(before[12:15], observation[12:15]):
            np.testing.assert_allclose(observation[9:12], before[9:12] + 0.2 * before[12:15], atol=1e-6)
            moved += int(before[13] != 0.0)
    assert moved > 10


def test_a_puck_pushed_into_the_wall_fails_in_the_step_of_the_contact(make):
    env = make("FrankaFragilePushWall", object_jitter=0.0)
    env.reset(seed=0)
    model, data = env.panda.model, env.panda.data
    pair = {model.geom("puck").id, model.geom("wall").id}
    touched = []
    before = env._before_substep
    env._before_substep = lambda substep: touched.append(
        any(set(data.contact.geom[i]) == pair for i in range(data.ncon))
    )
    try:
        tape = [(0.0, 0.0, -1.0)] * 2 + [(0.8, -0.1, 0.0)] * 8
        for action in tape:
            touched.clear()
            *_, info = env.step(np.array(action, np.float32))
            assert (info["margin"] <= 0.0) == (info["cost"] == 1.0)
            if info["failed"]:
                break
            assert not any(touched)
    finally:
        env._before_substep = before
    assert info["failed"]
    assert env.object_now[0] < 0.488 - 0.035 + 0.003  # the wall holds


@pytest.mark.parametrize("name", FRANKA)
def test_no_failure_is_missed_between_physics_steps(name, monkeypatch):
    """Ten points between each two that were looked at: nothing there is nearer by more than 0.1 mm."""
    env = kit(name).make(end_on_success=False)
    looked = []
    look = type(env)._margin

    def record(self):
        flower = self.objects().get("flower", np.zeros(3))[:2]
        looked.append(np.concatenate((self.object_now, self.panda.hand, flower)))
        return look(self)

    monkeypatch.setattr(type(env), "_margin", record)
    failures = 0
    for seed in range(8):
        random = np.random.default_rng(seed)
        controller = CARELESS[name]
        controller.reset()
        observation, _ = env.reset(seed=seed)
        for _ in range(28):
            looked.clear()
            action = controller(observation) + 0.2 * random.standard_normal(3).astype(np.float32)
            observation, *_, info = env.step(np.clip(action, -1, 1))
            failures += int(info["cost"])
            points = np.array(looked)
            assert len(points) == 51
            assert np.abs(np.diff(points[:, :6], axis=0)).max() < 0.004  # below 1 m/s
            shares = np.linspace(0.0, 1.0, 11)[:, None, None]
            finer = (points[:-1] + shares * np.diff(points, axis=0)).reshape(-1, 8)
            nearest = min(margin_of(env, point) for point in finer)
            assert nearest >= info["margin"] - 1e-4
    assert failures > 0


def margin_of(env, point):
    if hasattr(env, "flower"):
        return env.margin_at((point[0], point[1]), point[3:6].tolist(), (point[6], point[7]))
    return env.margin_at(point[0], point[1])


def test_at_least_20000_control_steps_a_minute(make, franka):
    env = make(franka, end_on_success=False, horizon=10_000)
    expert = kit(franka).expert()
    observation, _ = env.reset(seed=0)
    best = np.inf
    for _ in range(4):
        tape = []
        for _ in range(25):
            tape.append(expert(observation))
            observation, *_ = env.step(tape[-1])
        observation, _ = env.reset(seed=0)
        start = time.process_time()
        play(env, tape)
        best = min(best, (time.process_time() - start) / len(tape))
        observation, _ = env.reset(seed=0)
    assert 60.0 / best >= 20_000


def test_the_reset_places_every_body_of_a_random_layout(make, franka):
    env = make(franka, randomize=True, object_jitter=0.0)
    assert isinstance(env, FrankaEnv)
    starts = set()
    for seed in range(10):
        observation, info = env.reset(seed=seed)
        assert info["margin"] > 0.02
        starts.add(tuple(observation[3:5].tolist()))
        goal = env.panda.data.mocap_pos[env.panda.model.body("goal").mocapid[0]]
        np.testing.assert_allclose(goal[:2], observation[-3:-1], atol=1e-6)
        mujoco.mj_kinematics(env.panda.model, env.panda.data)
    assert len(starts) == 10
