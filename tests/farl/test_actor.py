"""Proposals are pure functions of (weights, observation, seed, episode, step)."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from farl.actor import Actor
from farl.models import ModelBundle
from farl.noise import episode_seed, exploration_noise
from farl.policy import FastPolicy, GaussianPolicy
from tests.farl.conftest import OBSERVATION


@given(st.integers(0, 2**31), st.integers(0, 10**6))
def test_noise_and_seeds_follow_from_seed_and_episode(seed: int, episode: int) -> None:
    assert np.array_equal(exploration_noise(seed, episode, 5, 2), exploration_noise(seed, episode, 5, 2))
    assert not np.array_equal(
        exploration_noise(seed, episode, 5, 2), exploration_noise(seed, episode + 1, 5, 2)
    )
    assert episode_seed(seed, episode) == episode_seed(seed, episode) != episode_seed(seed + 1, episode)


def test_noise_is_standard_normal() -> None:
    noise = np.concatenate([exploration_noise(1, e, 100, 4) for e in range(50)])
    assert abs(float(noise.mean())) < 0.03 and abs(float(noise.std()) - 1) < 0.03


def test_order_and_repetition_of_proposals_do_not_matter(bundle: ModelBundle) -> None:
    observation = np.ones(OBSERVATION, np.float32)
    first, second = (Actor(FastPolicy.of(bundle.task_policy), 3, 20) for _ in range(2))
    forward = [first.propose(observation, 4, step).values for step in range(5)]
    backward = [second.propose(observation, 4, step).values for step in reversed(range(5))]
    assert all(np.array_equal(a, b) for a, b in zip(forward, reversed(backward), strict=True))


def test_a_proposal_past_the_horizon_is_answered(bundle: ModelBundle) -> None:
    actor = Actor(FastPolicy.of(bundle.task_policy), 3, 20)
    assert np.isfinite(actor.propose(np.ones(OBSERVATION, np.float32), 0, 25).values).all()


def test_fast_policy_equals_the_torch_policy_and_its_density(bundle: ModelBundle) -> None:
    policy = bundle.task_policy
    observations = np.random.default_rng(0).standard_normal((9, OBSERVATION)).astype(np.float32)
    fast = FastPolicy.of(policy)
    with torch.no_grad():
        mean = policy.mean(torch.from_numpy(observations))
        proposals = Actor(fast, 0, 20).propose_batch(observations, range(9), [1] * 9)
        actions = np.stack([p.values for p in proposals])
        log_probs = policy.log_prob(torch.from_numpy(observations), torch.from_numpy(actions))
    assert fast.mean(observations) == pytest.approx(mean.numpy(), abs=1e-6)
    assert [p.log_prob for p in proposals] == pytest.approx(log_probs.tolist(), rel=1e-4, abs=1e-4)
    assert np.abs(actions).max() <= 1.0


def test_log_std_is_used_as_it_is_and_clamped_once() -> None:
    """One log-σ convention: a parameter of −1.2 is a standard deviation of e^−1.2, not squashed."""
    policy = GaussianPolicy(3, 2, hidden=8, log_std=-1.2)
    assert FastPolicy.of(policy).std == pytest.approx(np.exp(-1.2), rel=1e-6)
    with torch.no_grad():
        density = policy.log_prob(torch.zeros(1, 3), policy.mean(torch.zeros(1, 3)))
    assert float(density) == pytest.approx(2 * (1.2 - 0.5 * np.log(2 * np.pi)), rel=1e-5)
    with torch.no_grad():
        policy.log_std.fill_(7.0)
    assert FastPolicy.of(policy).std == pytest.approx(1.0)
    assert FastPolicy.of(policy).with_std(0.3).std == pytest.approx(0.3, rel=1e-6)


def test_a_foreign_action_pulls_no_harder_than_one_at_three_sigma() -> None:
    policy = GaussianPolicy(3, 1, hidden=8, log_std=-1.0)
    observation = torch.zeros(2, 3)
    mean = policy.mean(observation).detach()
    std = float(np.exp(-1.0))

    def pull(sigmas: float, foreign: bool) -> float:
        shifted = mean.clone().requires_grad_(True)
        policy.mean = lambda _: shifted  # type: ignore[method-assign]
        mask = torch.tensor([foreign, foreign])
        policy.log_prob(observation, mean + sigmas * std, mask).sum().backward()
        return float(shifted.grad[0, 0])  # type: ignore[index]

    assert pull(2.9, True) == pytest.approx(2.9 / std, rel=1e-4)
    assert pull(3.1, True) == pull(8.0, True) == pytest.approx(3.0 / std, rel=1e-4)
    assert pull(8.0, False) == pytest.approx(8.0 / std, rel=1e-4)
