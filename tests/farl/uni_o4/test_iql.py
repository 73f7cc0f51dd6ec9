"""Implicit Q-learning on problems whose values are known."""

import numpy as np
import pytest
import torch

from farl.datasets import Episode
from farl.types import EpisodeKind
from farl.uni_o4.iql import IqlSettings, expectile_loss, fit_critic
from farl.uni_o4.transitions import RewardOf, Transitions


def nothing(*_: object) -> None:
    pass


def test_the_expectile_by_hand() -> None:
    assert float(expectile_loss(torch.tensor([2.0, -2.0]), 0.7)) == pytest.approx((0.7 * 4 + 0.3 * 4) / 2)
    value = torch.tensor(0.0, requires_grad=True)
    samples = torch.tensor([0.0, 1.0])
    for _ in range(500):
        (gradient,) = torch.autograd.grad(expectile_loss(samples - value, 0.7), value)
        value = (value - 0.5 * gradient).detach().requires_grad_(True)
    assert float(value.detach()) == pytest.approx(0.7, abs=1e-3)  # 0.7 · (1 − v) = 0.3 · v


def walks(seed: int) -> list[Episode]:
    """Five places in a row; at the last one the way on with action > 0 earns 1, and ends."""
    random = np.random.default_rng(seed)
    episodes = []
    for index in range(60):
        start = int(random.integers(0, 5))
        places = np.eye(5, dtype=np.float32)[[*range(start, 5), 4]]
        actions = random.uniform(-1, 1, (5 - start, 1)).astype(np.float32)
        rewards = np.zeros(5 - start, np.float32)
        rewards[-1] = float(actions[-1, 0] > 0)
        costs = np.zeros_like(rewards)
        episodes.append(Episode(EpisodeKind.TASK, places, actions, rewards, costs, True, False, False, index))
    return episodes


def test_values_on_a_chain() -> None:
    data = Transitions.of(walks(0), RewardOf.TASK, 1.0, 0.9)
    settings = IqlSettings(
        warm_updates=100, updates=500, batch=128, learning_rate=2e-3, hidden=32, gamma=0.9, target_rate=0.05
    )
    critic = fit_critic(data, settings, 0, nothing)
    last = torch.eye(5)[4:].expand(2, -1)
    good, bad = critic.Q(last, torch.tensor([[0.7], [-0.7]])).tolist()
    assert good == pytest.approx(1.0, abs=0.12) and bad == pytest.approx(0.0, abs=0.12)
    at_end = float(critic.V(last)[0])
    assert 0.55 < at_end < 0.85  # the 0.7-expectile of 0 and 1, equally often
    # Before it actions make no difference: V falls by γ from place to place.
    values = critic.V(torch.eye(5))
    expected = at_end * 0.9 ** torch.arange(4, -1, -1)
    assert values.tolist() == pytest.approx(expected.tolist(), abs=0.1)
    advantages = critic.advantage(last, torch.tensor([[0.7], [-0.7]]))
    assert float(advantages[0]) > 0 > float(advantages[1])


def test_violations_end_badly() -> None:
    data = Transitions.of(
        [
            Episode(
                EpisodeKind.FAILURE if bad else EpisodeKind.RECOVERY,
                np.linspace(0, 1 if bad else -1, 6, dtype=np.float32)[:, None],
                np.full((5, 1), 0.5 if bad else -0.5, np.float32),
                np.zeros(5, np.float32),
                np.array([0, 0, 0, 0, float(bad)], np.float32),
                False,
                True,
                False,
                0,
            )
            for bad in (True, False)
        ],
        RewardOf.SAFETY,
        1.0,
        0.99,
    )
    settings = IqlSettings(warm_updates=200, updates=100, batch=32, learning_rate=2e-3, hidden=32)
    critic = fit_critic(data, settings, 0, nothing)
    start = torch.zeros(2, 1)
    into, away = critic.Q(start, torch.tensor([[0.5], [-0.5]])).tolist()
    assert into < -0.8 and away > -0.2
