"""The cloned ensemble: its loss by hand, and that it learns what was shown."""

import math

import numpy as np
import pytest
import torch

from farl.uni_o4.ensemble import EnsembleSettings, advantage_over_others, clone_ensemble, joint_loss
from tests.farl.uni_o4.line import line_episodes


def nothing(*_: object) -> None:
    pass


def test_the_joint_loss_by_hand() -> None:
    log_probs = torch.tensor([[-1.0, -2.0], [-3.0, -1.0], [-2.0, -5.0]])
    over = torch.tensor([[1.0, -1.0], [-2.0, 1.0], [-1.0, -4.0]])
    assert torch.equal(advantage_over_others(log_probs), over)
    # Σ_i mean_a −log π_i = (3 + 4 + 7) / 2 = 7; the diversity term −0.1 · (0 − 1 − 5) / 2 = 0.3
    assert float(joint_loss(log_probs, 0.1)) == pytest.approx(7.3)
    assert float(joint_loss(log_probs[:1], 0.1)) == pytest.approx(1.5)


def test_no_member_is_ever_pushed_away_from_the_data() -> None:
    """With α = 0.1 and four members the best one's log-likelihood still counts 1.1 − 3 · 0.1 = 0.8."""
    log_probs = torch.tensor([[-1.0], [-2.0], [-3.0], [-4.0]], requires_grad=True)
    joint_loss(log_probs, 0.1).backward()
    assert log_probs.grad is not None
    assert log_probs.grad.flatten().tolist() == pytest.approx([-0.8, -1.0, -1.1, -1.1])


def test_it_learns_the_controller_and_its_noise() -> None:
    episodes = line_episodes(30, 0, noise=0.1)
    settings = EnsembleSettings(updates=400, batch=128, hidden=32)
    policies = clone_ensemble(episodes, settings, 0, nothing)
    states = np.concatenate([e.observations[:-1] for e in episodes])
    with torch.no_grad():
        means = policies.mean(torch.from_numpy(states))
    wanted = torch.from_numpy(np.clip(-states[:, 0], -1, 1))
    # A gripper that is always closed has the least σ; it must not drown the pushes.
    assert float((means[:, :, 0] - wanted).square().mean().sqrt()) < 0.04
    assert float((means[:, :, 1] - 1.0).abs().max()) < 0.05
    assert policies.log_std[:, 0].exp().tolist() == pytest.approx([0.1] * 4, rel=0.15)
    assert float(policies.log_std[:, 1].detach().max()) < math.log(0.04)
    assert len({round(float(m[0, 0]), 6) for m in means}) == 4


def test_the_same_seed_gives_the_same_ensemble() -> None:
    episodes = line_episodes(3, 0)
    settings = EnsembleSettings(updates=5, batch=16, hidden=8)
    one, same, other = (clone_ensemble(episodes, settings, seed, nothing) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.body.weights[0], other.body.weights[0])
