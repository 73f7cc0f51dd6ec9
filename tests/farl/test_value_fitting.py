"""The value that fine-tuning starts from: what comes after the end of a recorded episode."""

import numpy as np
import pytest
import torch

from farl.datasets import Episode
from farl.policy import GaussianPolicy
from farl.types import EpisodeKind
from farl.value_fitting import ValueSettings, fit_value

GAMMA, REWARD, STEPS = 0.9, 2.0, 30


def constant(terminated: bool, success: bool) -> Episode:
    """An episode of one reward a step; state and action say nothing."""
    observations = np.ones((STEPS + 1, 3), np.float32)
    rewards, nothing = np.full(STEPS, REWARD, np.float32), np.zeros(STEPS, np.float32)
    actions = np.zeros((STEPS, 2), np.float32)
    return Episode(
        EpisodeKind.TASK, observations, actions, rewards, nothing, terminated, not terminated, success, 0
    )


@pytest.mark.parametrize(("terminated", "success"), [(True, True), (False, False), (False, True)])
def test_success_and_time_out_go_on(terminated: bool, success: bool) -> None:
    """The reward for ever is worth r / (1 − γ) = 20, whether held or bootstrapped."""
    settings = ValueSettings(updates=600, rounds=30, gamma=GAMMA, hidden=32, learning_rate=1e-2)
    policy = GaussianPolicy(3, 2, hidden=8)
    value = fit_value([constant(terminated, success)], policy, 1.0, settings, 0, lambda *_: None)
    assert float(value(torch.ones(1, 3))) == pytest.approx(REWARD / (1.0 - GAMMA), rel=0.05)


def test_a_held_success_is_worth_its_reward_at_once() -> None:
    """One round of λ-returns (λ = 1): a time-out bootstraps from a V near 0 yet, a held success does not."""
    settings = ValueSettings(updates=400, rounds=1, gamma=GAMMA, lam=1.0, hidden=32, learning_rate=1e-2)
    policy = GaussianPolicy(3, 2, hidden=8)
    held, timed_out = (
        float(fit_value([constant(end, end)], policy, 1.0, settings, 0, lambda *_: None)(torch.ones(1, 3)))
        for end in (True, False)
    )
    assert held == pytest.approx(20.0, rel=0.05)
    mean_without = REWARD * np.mean([(1 - GAMMA**k) / (1 - GAMMA) for k in range(1, STEPS + 1)])
    assert timed_out == pytest.approx(mean_without, rel=0.1)
