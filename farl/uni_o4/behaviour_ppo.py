"""Behaviour PPO: small offline steps from cloned policies, kept only if an evaluation finds them better."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from farl.uni_o4.evaluation import Evaluator
from farl.uni_o4.iql import Critic
from farl.uni_o4.networks import PolicyStack, clip_member_gradients

Progress = Callable[[float, float], None]


@dataclass(frozen=True)
class BehaviourPpoSettings:
    """Settings of behaviour PPO.

    Attributes:
        updates: Gradient steps (Uni-O4: 1000 to 10 000).
        batch: States per step.
        learning_rate: Adam step size at the start; falls linearly to 0. Uni-O4's.
        clip: ε of the clipped ratio at the start; falls linearly to 0. Uni-O4's.
        gradient_norm: Each member's gradient is clipped to this norm; Uni-O4's.
        gate: Gradient steps between evaluations.
        margin: By how many standard errors of the difference over start states a score must beat the best;
            0 is Uni-O4's rule.
        most_drift: Largest mean divergence KL(π ‖ cloned policy) that the gate lets through [nat]; infinity
            is Uni-O4's rule. A few thousand transitions say nothing of actions a standard deviation away from
            all that was done: scores rose on and on while true returns fell to nothing (docs/experiments.md).
    """

    updates: int = 200
    batch: int = 256
    learning_rate: float = 1e-4
    clip: float = 0.25
    gradient_norm: float = 0.5
    gate: int = 20
    margin: float = 0.0
    most_drift: float = 0.25


@dataclass(frozen=True)
class Improved:
    """What behaviour PPO made of an ensemble.

    Attributes:
        policies: The best version of every member, by score.
        before: Score of every cloned member.
        after: Score of its best version.
        accepted: How often a member got past the gate.
    """

    policies: PolicyStack
    before: list[float]
    after: list[float]
    accepted: list[int]


def clipped_surrogate(log_ratio: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """−min(ρ A, clip(ρ, 1 ± ε) A), averaged over actions, summed over members; both are ``(N, B)``."""
    ratio = log_ratio.exp()
    worse = torch.minimum(ratio * advantages, ratio.clamp(1.0 - clip, 1.0 + clip) * advantages)
    return -worse.mean(1).sum()


def passes(score: Tensor, best: Tensor, margin: float) -> Tensor:
    """Which members, ``(N,)``, beat their best by ``margin`` standard errors; scores are ``(N, S)``."""
    difference = score - best
    error = difference.std(1) / difference.shape[1] ** 0.5
    return torch.gt(difference.mean(1), margin * error)


@torch.no_grad()
def drift(policies: PolicyStack, cloned: PolicyStack, states: Tensor) -> Tensor:
    """Mean KL(π ‖ cloned policy) of every member over ``states`` [nat], ``(N,)``."""
    log_std, log_std_cloned = policies.clamped_log_std()[:, None], cloned.clamped_log_std()[:, None]
    squares = (2.0 * log_std).exp() + (policies.mean(states) - cloned.mean(states)).square()
    divergence = log_std_cloned - log_std + 0.5 * squares * (-2.0 * log_std_cloned).exp() - 0.5
    return divergence.sum(-1).mean(1)


def improve(
    cloned: PolicyStack,
    critic: Critic,
    evaluator: Evaluator,
    states: Tensor,
    settings: BehaviourPpoSettings,
    seed: int,
    progress: Progress,
) -> Improved:
    """Improve every member from where it was cloned.

    Args:
        cloned: The ensemble; left as it is.
        critic: Gives the advantages of resampled actions.
        evaluator: The gate.
        states: Recorded states, ``(M, O)``.
        settings: See ``BehaviourPpoSettings``.
        seed: Batches and actions follow from it.
        progress: Called with (fraction done, best score).
    """
    policies, old = copy.deepcopy(cloned), copy.deepcopy(cloned)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(policies.parameters(), settings.learning_rate, fused=True)
    best = evaluator.scores(old)
    before, accepted = best.mean(1), torch.zeros(len(old), dtype=torch.int64)
    for update in range(settings.updates):
        left = 1.0 - update / settings.updates
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * left
        s = states[torch.randint(len(states), (settings.batch,), generator=generator)]
        with torch.no_grad():
            means = old.mean(s)
            noise = torch.randn(means.shape, generator=generator)
            actions = (means + noise * old.clamped_log_std().exp()[:, None]).clamp(-1.0, 1.0)
            each = s.expand(len(old), *s.shape).flatten(0, 1)
            advantages = critic.advantage(each, actions.flatten(0, 1)).reshape(len(old), -1)
            advantages = advantages - advantages.mean(1, keepdim=True)
            advantages = advantages / advantages.std(1, keepdim=True).clamp_min(1e-6)
            old_log_probs = old.log_prob(means, actions)
        log_ratio = policies.log_prob(policies.mean(s), actions) - old_log_probs
        optimizer.zero_grad()
        clipped_surrogate(log_ratio, advantages, settings.clip * left).backward()
        clip_member_gradients(policies.parameters(), settings.gradient_norm)
        optimizer.step()
        if (update + 1) % settings.gate == 0:
            scores = evaluator.scores(policies)
            better = passes(scores, best, settings.margin)
            better &= drift(policies, cloned, evaluator.starts) <= settings.most_drift
            old.take(policies, better)
            best = torch.where(better[:, None], scores, best)
            accepted += better
            progress((update + 1) / settings.updates, float(best.mean(1).max()))
    return Improved(old, before.tolist(), best.mean(1).tolist(), accepted.tolist())
