"""Risk over the next H steps from predicted violations per step (Eq. 1 and 11)."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import torch
from torch import Tensor

from farl.policy import GaussianPolicy
from farl.types import Array
from farl.world_model import WorldModel


class RiskForm(StrEnum):
    """How per-step predictions become one number."""

    DISCOUNTED_SUM = "discounted_sum"  # Eq. 1 and 11 as printed; can exceed 1
    ABSORBING = "absorbing"  # probability that a first violation happens, discounted; in [0, 1]


def aggregate(step_risk: Array, gamma: float, form: RiskForm) -> Array:
    """Combine predictions ĉ_0 … ĉ_H.

    Args:
        step_risk: Predicted violation probabilities, shape ``(..., H + 1)``.
        gamma: γ_risk, discount per agent step.
        form: DISCOUNTED_SUM: Σ γ^k ĉ_k. ABSORBING: Σ γ^k ĉ_k Π_{j<k}(1 − ĉ_j).

    Returns:
        C_H, shape ``(...,)``.
    """
    weights = (gamma ** np.arange(step_risk.shape[-1])).astype(np.float32)
    if form == RiskForm.ABSORBING:
        survived = np.cumprod(1.0 - step_risk[..., :-1], axis=-1)
        step_risk = step_risk * np.concatenate([np.ones_like(step_risk[..., :1]), survived], axis=-1)
    return np.asarray((step_risk * weights).sum(-1), np.float32)


@torch.no_grad()
def rollout_step_risk(
    model: WorldModel, policy: GaussianPolicy, observations: Tensor, actions: Tensor, horizon: int
) -> Tensor:
    """Eq. 11 in plain PyTorch: ĉ_0 … ĉ_H, shape ``(B, H + 1)``; the readable reference for ``farl.fused``.

    The first action is the proposed one; the later ones are the policy's mean on decoded states.
    """
    latent = model.encode(observations)
    risks = [model.constraint(latent, actions)]
    for _ in range(horizon):
        latent = model.next(latent, actions)
        actions = policy.mean(model.decode(latent))
        risks.append(model.constraint(latent, actions))
    return torch.stack(risks, -1)
