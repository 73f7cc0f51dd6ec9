"""Behaviour PPO: the surrogate by hand, and a gate that lets only better policies through."""

import math
from dataclasses import dataclass

import pytest
import torch

from farl.policy import GaussianPolicy
from farl.uni_o4.behaviour_ppo import BehaviourPpoSettings, clipped_surrogate, drift, improve, passes
from farl.uni_o4.networks import PolicyStack

SETTINGS = BehaviourPpoSettings(updates=60, batch=64, learning_rate=3e-3, gate=10, most_drift=math.inf)


class Likes:
    """A critic to which actions near ``best`` are better."""

    def __init__(self, best: float) -> None:
        self.best = best

    def advantage(self, states, actions):
        return -(actions - self.best).abs().sum(-1)


@dataclass
class Fixed:
    """An evaluator that scores mean actions by a function."""

    score: object
    starts: torch.Tensor

    @torch.no_grad()
    def scores(self, policies):
        return self.score(policies.mean(self.starts).mean(-1))


def cloned() -> PolicyStack:
    torch.manual_seed(0)
    return PolicyStack([GaussianPolicy(3, 2, 16, log_std=-1.0) for _ in range(2)])


def run(score, settings=SETTINGS):
    states = torch.randn(200, 3, generator=torch.Generator().manual_seed(1))
    stack = cloned()
    done = improve(stack, Likes(0.5), Fixed(score, states[:20]), states, settings, 0, lambda *_: None)
    assert torch.equal(stack.log_std, torch.full((2, 2), -1.0)), "the cloned ensemble is left as it was"
    return done, states


def test_the_surrogate_by_hand() -> None:
    log_ratio = torch.tensor([[1.5, 0.5, 1.5, 0.5]]).log()
    advantages = torch.tensor([[1.0, 1.0, -1.0, -1.0]])
    # min(1.5, 1.25) + 0.5 + (−1.5) + min(−0.5, −0.75), of four, negated
    assert float(clipped_surrogate(log_ratio, advantages, 0.25)) == pytest.approx(0.125)


def test_the_margin_counts_standard_errors() -> None:
    best = torch.zeros(2, 4)
    score = torch.tensor([[1.0, 1.0, 1.0, 1.0], [2.0, -1.0, 2.0, -1.0]])
    # The second: mean 0.5, standard deviation √3, standard error √3 / 2 ≈ 0.87.
    assert passes(score, best, 0.0).tolist() == [True, True]
    assert passes(score, best, 1.0).tolist() == [True, False]


def test_good_advantages_move_the_policy_and_pass_the_gate() -> None:
    done, states = run(lambda mean: mean)
    assert min(done.accepted) >= 3
    means = done.policies.mean(states).detach()
    assert float(means.mean()) > 0.2
    assert all(after > before for before, after in zip(done.before, done.after, strict=True))


def test_a_gate_that_finds_it_worse_keeps_the_cloned_policies() -> None:
    done, _ = run(lambda mean: -mean)
    assert done.accepted == [0, 0] and done.after == done.before
    for kept, before in zip(done.policies.parameters(), cloned().parameters(), strict=True):
        assert torch.equal(kept, before)


def test_a_policy_that_has_left_its_clone_does_not_pass() -> None:
    settings = BehaviourPpoSettings(**{**SETTINGS.__dict__, "most_drift": 0.05})
    done, states = run(lambda mean: mean, settings)
    free, _ = run(lambda mean: mean)
    assert float(drift(done.policies, cloned(), states[:20]).max()) <= 0.05
    assert float(drift(free.policies, cloned(), states[:20]).min()) > 0.05


def test_drift_by_hand() -> None:
    one, other = cloned(), cloned()
    with torch.no_grad():
        for stack, bias in ((one, 0.0), (other, 0.5)):
            stack.body.weights[-1].zero_()
            stack.body.biases[-1].fill_(math.atanh(bias))
        other.log_std[1] = -2.0
    # Per dimension: log σ0/σ + (σ² + Δ²) / (2 σ0²) − 1/2
    first = 2 * (0.25 / (2 * math.exp(-2)))
    second = 2 * (1.0 + (math.exp(-4) + 0.25) / (2 * math.exp(-2)) - 0.5)
    assert drift(other, one, torch.zeros(5, 3)).tolist() == pytest.approx([first, second], rel=1e-5)
