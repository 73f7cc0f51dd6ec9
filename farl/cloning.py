"""Behaviour cloning of a policy, and the value function of the cloned policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from farl.datasets import Episode
from farl.gae import advantages
from farl.policy import GaussianPolicy, ValueFunction


@dataclass(frozen=True)
class CloningSettings:
    """Settings of behaviour cloning and value fitting.

    Attributes:
        updates: Gradient steps of the policy.
        value_updates: Gradient steps of the value.
        value_rounds: The λ-returns that the value is fitted to are recomputed this often.
        batch: Transitions per step.
        learning_rate: Adam step size.
        hidden: Width of both networks.
        gamma: Discount per agent step.
        lam: λ of the returns.
    """

    updates: int = 2000
    value_updates: int = 1500
    value_rounds: int = 10
    batch: int = 256
    learning_rate: float = 1e-3
    hidden: int = 256
    gamma: float = 0.99
    lam: float = 0.95


Progress = Callable[[float, float], None]


def clone_policy(
    episodes: Sequence[Episode], settings: CloningSettings, seed: int, progress: Progress
) -> GaussianPolicy:
    """Fit the mean action by least squares; σ is then the residual's standard deviation.

    Args:
        episodes: What to imitate.
        settings: See ``CloningSettings``.
        seed: Initial weights and batches follow from it.
        progress: Called with (fraction done, loss).
    """
    torch.manual_seed(seed)
    observations = np.concatenate([e.observations[:-1] for e in episodes])
    inputs, targets = (
        torch.from_numpy(observations),
        torch.from_numpy(np.concatenate([e.actions for e in episodes])),
    )
    policy = GaussianPolicy(inputs.shape[1], targets.shape[1], settings.hidden)
    policy.normalizer.fit(observations)
    optimizer = torch.optim.Adam(policy.body.parameters(), settings.learning_rate, fused=True)
    generator = torch.Generator().manual_seed(seed)
    for update in range(settings.updates):
        i = torch.randint(len(inputs), (settings.batch,), generator=generator)
        loss = (policy.mean(inputs[i]) - targets[i]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if update % 50 == 0 or update == settings.updates - 1:
            progress((update + 1) / settings.updates, float(loss.detach()))
    with torch.no_grad():
        residual = (policy.mean(inputs) - targets).square().mean(0).sqrt()
        policy.log_std.copy_(residual.clamp_min(1e-2).log())
    return policy


def fit_value(
    episodes: Sequence[Episode],
    policy: GaussianPolicy,
    reward_scale: float,
    settings: CloningSettings,
    seed: int,
    progress: Progress,
) -> ValueFunction:
    """Fit V to λ-returns of episodes that the policy (with noise) made; every end bootstraps.

    Args:
        episodes: Roll-outs of the policy.
        policy: Only its normaliser is taken.
        reward_scale: Factor from environment reward to the value's units.
        settings: See ``CloningSettings``.
        seed: Initial weights and batches follow from it.
        progress: Called with (fraction done, loss).
    """
    torch.manual_seed(seed)
    inputs = torch.from_numpy(np.concatenate([e.observations[:-1] for e in episodes]))
    value = ValueFunction(inputs.shape[1], settings.hidden)
    value.normalizer.load_state_dict(policy.normalizer.state_dict())
    optimizer = torch.optim.Adam(value.body.parameters(), settings.learning_rate, fused=True)
    generator = torch.Generator().manual_seed(seed)
    per_round = max(1, settings.value_updates // settings.value_rounds)
    for fitting_round in range(settings.value_rounds):
        targets = torch.from_numpy(_returns(episodes, value, reward_scale, settings))
        loss = torch.zeros(())
        for _ in range(per_round):
            i = torch.randint(len(inputs), (settings.batch,), generator=generator)
            loss = (value(inputs[i]) - targets[i]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(value.parameters(), 10.0)
            optimizer.step()
        progress((fitting_round + 1) / settings.value_rounds, float(loss.detach()))
    return value


@torch.no_grad()
def _returns(
    episodes: Sequence[Episode], value: ValueFunction, reward_scale: float, settings: CloningSettings
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    result = []
    for e in episodes:
        values = value(torch.from_numpy(e.observations)).numpy()
        scaled = (e.rewards * reward_scale).astype(np.float32)
        result.append(
            advantages(scaled, values[:-1], float(values[-1]), settings.gamma, settings.lam) + values[:-1]
        )
    return np.concatenate(result).astype(np.float32)
