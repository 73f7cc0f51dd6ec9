"""Training the world model on demonstrations (Eq. 4-9)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from farl.datasets import Episode
from farl.windows import Batch, WindowSampler
from farl.world_model import WorldModel, WorldModelSize, two_hot


class ConstraintLoss(StrEnum):
    """How the constraint head is fitted."""

    MSE = "mse"  # Eq. 8 as printed
    BCE = "bce"  # maximum likelihood of a rare label


@dataclass(frozen=True)
class WorldModelSettings:
    """Settings of Eq. 4-9; every figure with its reason.

    Attributes:
        size: Layer sizes.
        horizon: Unroll length H [agent steps]; as long as the shield looks ahead, or longer.
        updates: Gradient steps.
        batch: Windows per step.
        failure_share: Share of the windows that contain a violation; without it one in fifty would.
        learning_rate: Adam step size at the start; falls to a tenth along a cosine.
        gamma: Discount of the value target (Eq. 6).
        reward_scale: Rewards are multiplied by it, so that values stay near 1 to 100.
        step_weight: λ of Eq. 4; 0.5 would leave nothing of steps past the fifth.
        reward, value, consistency, constraint, decoder: c1 … c5 of Eq. 5-9; the decoder counts most, because
            the roll-out asks the policy on decoded states.
        constraint_loss: How the constraint head is fitted.
        target_rate: Rate of the moving average θ⁻.
        gradient_norm: Gradients are clipped to this norm.
    """

    size: WorldModelSize = field(default_factory=WorldModelSize)
    horizon: int = 20
    updates: int = 1600
    batch: int = 128
    failure_share: float = 0.35
    learning_rate: float = 1e-3
    gamma: float = 0.99
    reward_scale: float = 0.05
    step_weight: float = 0.95
    reward: float = 0.1
    value: float = 0.1
    consistency: float = 2.0
    constraint: float = 1.0
    decoder: float = 10.0
    constraint_loss: ConstraintLoss = ConstraintLoss.BCE
    target_rate: float = 0.01
    gradient_norm: float = 20.0


def loss_terms(
    model: WorldModel, target: WorldModel, batch: Batch, settings: WorldModelSettings
) -> dict[str, Tensor]:
    """The five terms of Eq. 5-9: weighted per step by λ^i (Eq. 4), masked and averaged.

    All terms stop after the first violation of a window; masked steps are dropped before the heads are asked,
    which would otherwise compute a fifth of their answers for nothing.
    """
    steps = len(batch.actions)
    inside = batch.mask > 0
    weight = (settings.step_weight ** torch.arange(steps, dtype=torch.float32)[:, None] * batch.mask)[inside]
    actions, rewards, costs = batch.actions[inside], batch.rewards[inside], batch.costs[inside]
    varies = (model.normalizer.inverse_std > 0).float()
    with torch.no_grad():
        following = target.encode(batch.observations[1:][inside])
        q_next = target.Q(following, target.pi(following))
        centres = model.bin_centres()
        q_target = two_hot(rewards + settings.gamma * q_next, centres)

    latents = [model.encode(batch.observations[0])]
    for i in range(steps):
        latents.append(model.next(latents[-1], batch.actions[i]))
    z, z_next = torch.stack(latents[:-1])[inside], torch.stack(latents[1:])[inside]

    reward = (model.reward(z, actions) - rewards).square()
    value = -(q_target * model.value_logits(z, actions).log_softmax(-1)).sum(-1).mean(0)
    consistency = (z_next - following).square().mean(-1)
    logit = model.constraint_logit(z, actions)
    constraint = (
        F.binary_cross_entropy_with_logits(logit, costs, reduction="none")
        if settings.constraint_loss == ConstraintLoss.BCE
        else (logit.sigmoid() - costs).square()
    )
    observed = model.normalizer(batch.observations[:-1][inside])
    decoder = ((model.decode_normalized(z) - observed).square() * varies).mean(-1)
    total = weight.sum().clamp_min(1e-6)
    return {
        name: (term * weight).sum() / total
        for name, term in (
            ("reward", reward),
            ("value", value),
            ("consistency", consistency),
            ("constraint", constraint),
            ("decoder", decoder),
        )
    }


def prior_loss(model: WorldModel, latents: Tensor) -> Tensor:
    """-Q(z, π_θ(z)), scaled by the spread of Q; trains the prior alone."""
    for p in model.value_heads.parameters():
        p.requires_grad_(False)
    q = model.Q(latents, model.pi(latents))
    for p in model.value_heads.parameters():
        p.requires_grad_(True)
    return -q.mean() / q.detach().std().clamp_min(1.0)


def train_world_model(
    episodes: Sequence[Episode],
    settings: WorldModelSettings,
    seed: int,
    progress: Callable[[float, float], None],
) -> WorldModel:
    """Fit a world model.

    Args:
        episodes: Task and failure demonstrations (recoveries help too).
        settings: See ``WorldModelSettings``.
        seed: Initial weights and batches follow from it.
        progress: Called now and then with (fraction done, loss).
    """
    torch.manual_seed(seed)
    first = episodes[0]
    model = WorldModel(first.observations.shape[1], first.actions.shape[1], settings.size)
    model.normalizer.fit(np.concatenate([e.observations for e in episodes]))
    target = copy.deepcopy(model).requires_grad_(False)
    sampler = WindowSampler(
        episodes, settings.horizon, settings.reward_scale, settings.failure_share, np.random.default_rng(seed)
    )
    weights = {
        name: getattr(settings, name) for name in ("reward", "value", "consistency", "constraint", "decoder")
    }
    others = [p for n, p in model.named_parameters() if not n.startswith("prior.")]
    optimizer = torch.optim.Adam(others, settings.learning_rate, fused=True)
    prior_optimizer = torch.optim.Adam(model.prior.parameters(), settings.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, settings.updates, settings.learning_rate / 10
    )
    for update in range(settings.updates):
        batch = sampler.sample(settings.batch)
        loss = torch.stack(
            [weights[n] * t for n, t in loss_terms(model, target, batch, settings).items()]
        ).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(others, settings.gradient_norm)
        optimizer.step()
        schedule.step()
        if update % 4 == 0:  # the prior only steers the value target: a quarter of the steps is enough
            with torch.no_grad():
                latents = model.encode(batch.observations[0])
            actor_loss = prior_loss(model, latents)
            prior_optimizer.zero_grad()
            actor_loss.backward()
            prior_optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(target.parameters(), model.parameters(), strict=True):
                slow.lerp_(fast, settings.target_rate)
        if update % 20 == 0 or update == settings.updates - 1:
            progress((update + 1) / settings.updates, float(loss.detach()))
    return model.eval()
