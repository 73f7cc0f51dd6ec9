"""The rules that every task keeps."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import failurebench  # noqa: F401 - registers the environments
from failurebench.env import FailureBenchEnv, Outcome
from failurebench.kit import kit

HELD = Outcome(reward=1.0, terms={"goal": 1.0}, success=True, margin=0.1)


class Scripted(FailureBenchEnv):
    """An environment without physics: plays a list of outcomes."""

    observation_size = 1
    action_size = 1

    def __init__(self, outcomes, **rules):
        defaults = {
            "horizon": 50,
            "success_hold": 10,
            "action_repeat": 1,
            "end_on_success": True,
            "end_on_failure": False,
            "randomize": False,
        }
        super().__init__(**{**defaults, **rules})
        self.outcomes = outcomes

    def _start_episode(self, random):
        self.next = 0

    def _simulate(self, action):
        self.next += 1
        return self.outcomes[self.next - 1]

    def _observe(self):
        return np.array([self.next], dtype=np.float32)

    def _margin(self):
        return 0.1

    def objects(self):
        return {"puck": np.zeros(3)}

    def _save_state(self):
        return np.array([float(self.next)])

    def _load_state(self, state):
        self.next = int(state[0])


def play(env):
    env.reset(seed=0)
    steps = []
    while not steps or not (steps[-1][2] or steps[-1][3]):
        steps.append(env.step(np.zeros(env.action_size, dtype=np.float32)))
    return steps


def noisy_actions(env, steps, seed=3):
    shape = (steps, env.action_size)
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def test_success_held_for_ten_steps_terminates():
    steps = play(Scripted([HELD] * 50))
    assert len(steps) == 10
    assert steps[-1][2:4] == (True, False)


def test_an_interrupted_success_starts_counting_anew():
    lost = HELD._replace(success=False)
    assert len(play(Scripted([HELD] * 9 + [lost] + [HELD] * 40))) == 20


def test_success_ends_nothing_in_evaluation():
    steps = play(Scripted([HELD] * 50, end_on_success=False))
    assert len(steps) == 50
    assert steps[-1][2:4] == (False, True)


def test_an_episode_can_be_played_on_and_the_next_one_ends_again():
    env = Scripted([HELD] * 100)
    for options, length in (({"play_on": True}, 50), (None, 10), ({"play_on": False}, 10)):
        env.reset(seed=0, options=options)
        steps = 0
        ended = False
        while not ended:
            _, _, terminated, truncated, _ = env.step(np.zeros(env.action_size, dtype=np.float32))
            steps, ended = steps + 1, terminated or truncated
        assert (steps, truncated) == (length, length == 50)


def test_one_success_within_the_action_repeat_counts():
    half = [HELD, HELD._replace(success=False)] * 50
    assert len(play(Scripted(half, action_repeat=2))) == 10


def test_reward_and_terms_are_summed_over_the_repeat():
    outcomes = [Outcome(0.25, {"a": 0.25}, False, 0.3), Outcome(0.5, {"a": 0.2, "b": 0.3}, False, 0.2)]
    env = Scripted(outcomes, action_repeat=2)
    env.reset(seed=0)
    _, reward, _, _, info = env.step(np.zeros(1, dtype=np.float32))
    assert reward == 0.75
    assert info["reward_terms"] == pytest.approx({"a": 0.45, "b": 0.3})
    assert info["margin"] == 0.2


def test_a_failure_is_flagged_latched_and_ends_nothing():
    failing = Outcome(0.0, {}, False, -0.01)
    safe = failing._replace(margin=0.001)
    steps = play(Scripted([safe, failing, safe] + [safe] * 47))
    assert [s[4]["cost"] for s in steps[:3]] == [0.0, 1.0, 0.0]
    assert [s[4]["failed"] for s in steps[:3]] == [False, True, True]
    assert len(steps) == 50


def test_the_border_belongs_to_the_failure_set():
    """The paper's rule for distances: zero or less is a failure."""
    steps = play(Scripted([Outcome(0.0, {}, False, 0.0)] * 50))
    assert steps[0][4]["failed"]


def test_a_failure_ends_the_variant():
    failing = Outcome(0.0, {}, False, -0.01)
    steps = play(Scripted([failing], end_on_failure=True))
    assert len(steps) == 1
    assert steps[0][2:4] == (True, False)


@pytest.mark.parametrize("count", ["horizon", "success_hold", "action_repeat"])
def test_counts_below_one_are_refused(count):
    with pytest.raises(ValueError, match=f"{count} must be at least 1, got 0"):
        Scripted([], **{count: 0})


def test_passes_gymnasiums_checker(task):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Unbounded observations and raw environments are meant.
        warnings.filterwarnings("ignore", message=".*Box observation space (minimum|maximum) value is .*")
        warnings.filterwarnings("ignore", message=".*is different from the unwrapped version.*")
        check_env(kit(task).make(), skip_render_check=True)


def test_is_registered(task):
    env = gymnasium.make(kit(task).environment_id, horizon=7)
    assert env.unwrapped.horizon == 7


def test_same_seed_and_actions_give_the_same_episode(make, task):
    env = make(task, randomize=True)
    episodes = []
    for seed in (5, 6, 5):
        first, _ = env.reset(seed=seed)
        steps = [env.step(action) for action in noisy_actions(env, 20)]
        episodes.append(np.concatenate([first, *(s[0] for s in steps), [s[1] for s in steps]]))
    np.testing.assert_array_equal(episodes[0], episodes[2])
    assert not np.array_equal(episodes[0], episodes[1])


def test_restored_snapshot_continues_bit_for_bit(make, task):
    env = make(task, randomize=True, end_on_success=False)
    controller = kit(task).expert()
    observation, _ = env.reset(seed=2)
    noise = 0.3 * noisy_actions(env, 90)
    for step in range(30):
        observation, *_ = env.step(controller(observation) + noise[step])
    snapshot = env.snapshot()

    def go_on(observation):
        result = [observation]
        for step in range(30, 90):
            observation, reward, terminated, truncated, info = env.step(controller(observation) + noise[step])
            result += [observation, [reward, info["margin"], *info["reward_terms"].values()]]
            if terminated or truncated:
                break
        return np.concatenate(result)

    expected = go_on(observation)
    env.reset(seed=9)
    np.testing.assert_array_equal(go_on(env.restore(snapshot)), expected)
    other = kit(task).make(randomize=True, end_on_success=False)
    other.reset(seed=1)
    env = other
    np.testing.assert_array_equal(go_on(other.restore(snapshot)), expected)


def test_restore_brings_back_the_counters():
    env = Scripted([HELD] * 50)
    env.reset(seed=0)
    action = np.zeros(1, dtype=np.float32)
    for _ in range(4):
        env.step(action)
    snapshot = env.snapshot()
    env.reset(seed=0)
    env.restore(snapshot)
    assert [env.step(action)[2] for _ in range(6)] == [False] * 5 + [True]
    env.restore(snapshot)
    assert env.step(action)[2] is False


def test_is_truncated_at_the_horizon(make, task):
    env = make(task, horizon=5)
    steps = play(env)
    assert [s[3] for s in steps] == [False] * 4 + [True]
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(np.zeros(env.action_size, dtype=np.float32))


def test_reward_is_exact_in_float32(make, task):
    env = make(task)
    env.reset(seed=0)
    for action in noisy_actions(env, 10):
        _, reward, *_ = env.step(action)
        assert isinstance(reward, float)
        assert reward == float(np.float32(reward))


def test_terms_add_up_to_the_reward(make, task):
    env = make(task)
    env.reset(seed=0)
    for action in noisy_actions(env, 10):
        _, reward, _, _, info = env.step(action)
        assert sum(info["reward_terms"].values()) == pytest.approx(reward, rel=1e-6)


def test_actions_are_clipped(make, task):
    env = make(task)
    ends = []
    for size in (1.0, 50.0):
        env.reset(seed=0)
        ends.append(env.step(np.full(env.action_size, size, dtype=np.float32))[0])
    np.testing.assert_array_equal(ends[0], ends[1])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_action_that_is_not_finite_is_refused(make, task, bad):
    env = make(task)
    env.reset(seed=0)
    action = np.zeros(env.action_size, dtype=np.float32)
    action[1] = bad
    with pytest.raises(ValueError, match=f"finite action values, got .*{bad}"):
        env.step(action)


def test_a_wrongly_shaped_action_is_refused(make, task):
    env = make(task)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"shape .*, got shape \(1, 9\)"):
        env.step(np.zeros((1, 9), dtype=np.float32))
