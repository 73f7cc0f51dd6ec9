"""Behaviour cloning of an ensemble whose members are rewarded for differing from one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from farl.datasets import Episode
from farl.policy import LOG_STD_RANGE, GaussianPolicy
from farl.uni_o4.networks import PolicyStack

Progress = Callable[[float, float], None]


@dataclass(frozen=True)
class EnsembleSettings:
    """Settings of the cloned ensemble.

    Attributes:
        members: Number of policies; Uni-O4's.
        diversity: α of the diversity term; Uni-O4's.
        updates: Gradient steps; the mean has long converged (Uni-O4 takes 400 000 of a tenth the step size).
        batch: Transitions per step, the same for all members.
        learning_rate: Adam step size of the means, at the start.
        last_rate: Share of it that is left at the end, after a cosine; 1 keeps it.
        spread_rate: Rate of the moving average of squared residuals that σ is taken from while training.
        hidden: Width of the networks.
    """

    members: int = 4
    diversity: float = 0.1
    updates: int = 2000
    batch: int = 256
    learning_rate: float = 1e-3
    last_rate: float = 1.0
    spread_rate: float = 0.02
    hidden: int = 256


def joint_loss(log_probs: Tensor, diversity: float) -> Tensor:
    """−log π_i(a) − α (log π_i(a) − max_{j≠i} log π_j(a)), summed over members, averaged over actions.

    As all members are trained on it together, whoever explains an action best is weighted down there and
    leaves it to be the others' too. (Uni-O4's code stops the gradient of the maximum, after which the term
    only scales the loss.)

    Args:
        log_probs: Log-density of each action under each member, ``(N, B)``.
        diversity: α.
    """
    return -(log_probs + diversity * advantage_over_others(log_probs)).mean(1).sum()


def advantage_over_others(log_probs: Tensor) -> Tensor:
    """Log π_i(a) − max_{j≠i} log π_j(a), ``(N, B)``; 0 for a single policy."""
    members = len(log_probs)
    if members == 1:
        return torch.zeros_like(log_probs)
    itself = torch.eye(members, dtype=torch.bool)[:, :, None]
    others = log_probs.expand(members, *log_probs.shape).masked_fill(itself, -torch.inf)
    return log_probs - others.amax(1)


def clone_ensemble(
    episodes: Sequence[Episode], settings: EnsembleSettings, seed: int, progress: Progress
) -> PolicyStack:
    """Fit the ensemble to what was done in ``episodes``.

    The means follow the natural gradient, which is that of least squares: the plain one weights a dimension
    by 1/σ², so that one in which the demonstrations hardly vary (a gripper) would drown the others. σ is
    the standard deviation of the residuals, which maximises the likelihood given the means.

    Args:
        episodes: What to imitate.
        settings: See ``EnsembleSettings``.
        seed: Initial weights and batches follow from it.
        progress: Called with (fraction done, loss).
    """
    torch.manual_seed(seed)
    observations = np.concatenate([e.observations[:-1] for e in episodes])
    states = torch.from_numpy(observations)
    actions = torch.from_numpy(np.concatenate([e.actions for e in episodes]))
    size = (states.shape[1], actions.shape[1], settings.hidden)
    first = [GaussianPolicy(*size) for _ in range(settings.members)]
    first[0].normalizer.fit(observations)
    policies = PolicyStack(first)
    variance = (2.0 * policies.log_std.detach()).exp()
    optimizer = torch.optim.Adam(policies.body.parameters(), settings.learning_rate, fused=True)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, settings.updates, settings.learning_rate * settings.last_rate
    )
    generator = torch.Generator().manual_seed(seed)
    for update in range(settings.updates):
        i = torch.randint(len(states), (settings.batch,), generator=generator)
        means = policies.mean(states[i])
        residual = means.detach() - actions[i]
        variance.lerp_(residual.square().mean(1), settings.spread_rate)
        _set_spread(policies, variance)
        natural = means.detach() + (means - means.detach()) * variance[:, None]
        loss = joint_loss(policies.log_prob(natural, actions[i]), settings.diversity)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if update % 50 == 0 or update == settings.updates - 1:
            progress((update + 1) / settings.updates, float(loss.detach()) / settings.members)
    with torch.no_grad():
        _set_spread(policies, (policies.mean(states) - actions).square().mean(1))
    return policies


def _set_spread(policies: PolicyStack, variance: Tensor) -> None:
    with torch.no_grad():
        policies.log_std.copy_((0.5 * variance.clamp_min(1e-12).log()).clamp(*LOG_STD_RANGE))
