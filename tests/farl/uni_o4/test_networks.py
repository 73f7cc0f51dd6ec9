"""Stacked networks are what they were one by one, and there is one convention for log σ."""

import math
from pathlib import Path

import pytest
import torch
from torch.distributions import Normal

from farl.learner import Learner
from farl.models import ModelBundle, load_policy, save_policy
from farl.policy import FastPolicy, GaussianPolicy, mlp
from farl.presets import PPOSettings
from farl.uni_o4.networks import PolicyStack, Stack, clip_member_gradients


def policies(log_stds: list[float]) -> list[GaussianPolicy]:
    torch.manual_seed(0)
    made = [GaussianPolicy(6, 2, 16, log_std) for log_std in log_stds]
    for policy in made:
        torch.nn.init.orthogonal_(policy.body[4].weight, 1.0)
    return made


def test_a_stack_answers_as_its_members_do() -> None:
    torch.manual_seed(0)
    members = [mlp([3, 8, 8, 2], 1.0) for _ in range(4)]
    stack, x = Stack(members), torch.randn(5, 3)
    torch.testing.assert_close(stack(x), torch.stack([m(x) for m in members]))
    each = torch.randn(4, 5, 3)
    torch.testing.assert_close(stack(each), torch.stack([m(y) for m, y in zip(members, each, strict=True)]))


def test_policies_go_in_and_come_out_unchanged() -> None:
    members = policies([-0.5, -2.0])
    stack, x, actions = PolicyStack(members), torch.randn(7, 6), torch.rand(7, 2) * 2 - 1
    for i, member in enumerate(members):
        torch.testing.assert_close(stack.mean(x)[i], member.mean(x))
        torch.testing.assert_close(stack.log_prob(stack.mean(x), actions)[i], member.log_prob(x, actions))
        out = stack.member(i)
        assert all(torch.equal(v, out.state_dict()[k]) for k, v in member.state_dict().items())


def test_only_chosen_members_are_taken() -> None:
    mine, other = PolicyStack(policies([-0.5, -0.5])), PolicyStack(policies([-1.0, -1.0]))
    mine.take(other, torch.tensor([False, True]))
    assert mine.log_std.tolist() == [[-0.5, -0.5], [-1.0, -1.0]]


@pytest.mark.parametrize(
    ("log_std", "sigma"), [(-0.7, math.exp(-0.7)), (-4.0, math.exp(-4.0)), (-9.0, math.exp(-5.0)), (0.5, 1.0)]
)
def test_sigma_is_the_same_offline_saved_loaded_and_online(
    log_std: float, sigma: float, bundle: ModelBundle, tmp_path: Path
) -> None:
    """Uni-O4's code squashes log σ a second time when it goes online: [0.0067, 1] becomes [0.0123, 0.55]."""
    stack = PolicyStack(policies([log_std, -1.0]))
    means, actions = torch.zeros(2, 3, 2), torch.rand(3, 2)
    offline = Normal(0.0, sigma).log_prob(actions).sum(-1)
    torch.testing.assert_close(stack.log_prob(means, actions)[0], offline)
    policy = stack.member(0)
    torch.testing.assert_close(policy.clamped_log_std().exp(), torch.full((2,), sigma))
    loaded = load_policy(tmp_path / "p.safetensors", save_policy(policy, tmp_path / "p.safetensors"))
    learner = Learner(bundle, PPOSettings(initial_log_std=log_std), 0)
    learner.save(tmp_path / "checkpoint")
    resumed = Learner(bundle, PPOSettings(initial_log_std=log_std), 0)
    resumed.load(tmp_path / "checkpoint")
    for fast in (FastPolicy.of(policy), loaded, learner.fast_policy(), resumed.fast_policy()):
        assert fast.std.tolist() == pytest.approx([sigma, sigma], rel=1e-6)


def test_gradients_are_clipped_member_by_member() -> None:
    weight, bias = torch.nn.Parameter(torch.zeros(2, 2, 1)), torch.nn.Parameter(torch.zeros(2, 1, 1))
    weight.grad = torch.tensor([[[3.0], [0.0]], [[0.1], [0.0]]])
    bias.grad = torch.tensor([[[4.0]], [[0.2]]])
    clip_member_gradients([weight, bias], 0.5)
    torch.testing.assert_close(weight.grad, torch.tensor([[[0.3], [0.0]], [[0.1], [0.0]]]))
    torch.testing.assert_close(bias.grad, torch.tensor([[[0.4]], [[0.2]]]))
