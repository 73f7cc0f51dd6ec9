"""Experts that succeed, demonstrators that fail now and then, recoveries that save."""

import numpy as np
import pytest

from failurebench.demonstrations import RecoveryStatistics, recovery_demonstrations, task_demonstrations
from failurebench.franka.view import franka_view, move, push_to
from failurebench.kit import kit

FRANKA = ("FrankaFragilePushWall", "FrankaDisturbedPush", "FrankaBoundedSoccer")


class Drawn:
    """A demonstrator that is drawn anew at each start, to stand for a cloned policy."""

    def __init__(self, chosen):
        self.chosen = chosen
        self.random = np.random.default_rng(0)
        self.controller = chosen.demonstrator(self.random)

    def __call__(self, observation):
        if np.allclose(observation[:3], (0.31, 0.0, 0.06), atol=1e-4):
            self.controller = self.chosen.demonstrator(self.random)
            self.controller.reset()
        return self.controller(observation)


@pytest.fixture(params=FRANKA)
def franka(request):
    return kit(request.param)


def test_the_expert_succeeds_without_failing(franka):
    env = franka.make(end_on_success=False)
    good, returns = 0, []
    for seed in range(100, 115):
        expert = franka.expert()
        expert.reset()
        observation, _ = env.reset(seed=seed)
        total, truncated = 0.0, False
        while not truncated:
            observation, reward, _, truncated, info = env.step(expert(observation))
            total += reward
        good += int(info["success"] and not info["failed"])
        returns.append(total)
    assert good >= 14
    assert np.mean(returns) > 350


def test_demonstrations_mostly_succeed(franka):
    demos = list(task_demonstrations(franka, 12, 5, {}))
    assert np.mean([demo.success for demo in demos]) >= 0.5
    assert np.mean([demo.failed for demo in demos]) <= 0.45


def test_noise_makes_a_useful_share_of_episodes_fail(franka):
    env = franka.make()
    failed = 0
    for seed in range(25):
        random = np.random.default_rng([11, seed])
        controller = franka.demonstrator(random)
        controller.reset()
        noise = random.uniform(*franka.failure_noise)
        observation, _ = env.reset(seed=seed)
        ended = False
        while not ended:
            action = controller(observation) + noise * random.standard_normal(3)
            observation, _, terminated, truncated, info = env.step(np.clip(action, -1, 1))
            ended = terminated or truncated or info["failed"]
        failed += int(info["failed"])
    assert 0.2 <= failed / 25 <= 0.6


@pytest.mark.slow
def test_the_recovery_saves_four_of_five(franka):
    statistics = RecoveryStatistics()
    list(recovery_demonstrations(franka, Drawn(franka), 60, 3, {}, statistics, rollouts=60))
    assert sum(statistics.tried.values()) >= 30
    assert statistics.safe_share >= 0.8


def observation(hand, held, goal=(0.65, 0.0, 0.02)):
    return np.array((*hand, *held, 0.0, 0.0, 0.0, *goal), np.float32)


def test_a_move_is_straight_and_no_faster_than_it_may_be():
    view = franka_view(observation((0.4, 0.0, 0.03), (0.5, 0.0, 0.02)))
    np.testing.assert_allclose(move(view, (0.46, 0.03, 0.03), 0.03), (1.0, 0.5, 0.0), atol=1e-6)
    np.testing.assert_allclose(move(view, (0.46, 0.03, 0.03), 0.03, 0.5), (0.5, 0.25, 0.0), atol=1e-6)
    np.testing.assert_allclose(move(view, (0.415, 0.0, 0.03), 0.03), (0.5, 0.0, 0.0), atol=1e-6)


def test_a_push_stays_within_the_cone_in_which_both_fingers_touch():
    view = franka_view(observation((0.4, 0.0, 0.026), (0.4335, 0.0, 0.02)))
    for y in (-0.3, -0.02, 0.0, 0.05, 0.3):
        x_share, y_share, _ = push_to(view, 0.5, y, 0.03, 1.0)
        assert abs(np.degrees(np.arctan2(y_share, x_share))) <= 35.1
    assert push_to(view, 0.42, 0.0, 0.03, 1.0)[0] == 0.0  # never backwards: the puck would stay behind
