"""The value function that online fine-tuning starts from: that of the offline policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from farl.datasets import Episode
from farl.gae import advantages
from farl.policy import GaussianPolicy, ValueFunction


@dataclass(frozen=True)
class ValueSettings:
    """Settings of value fitting.

    Attributes:
        updates: Gradient steps.
        rounds: The λ-returns that the value is fitted to are recomputed this often.
        batch: Transitions per step.
        learning_rate: Adam step size.
        hidden: Width of the network.
        gamma: Discount per agent step.
        lam: λ of the returns.
    """

    updates: int = 1500
    rounds: int = 10
    batch: int = 256
    learning_rate: float = 1e-3
    hidden: int = 256
    gamma: float = 0.99
    lam: float = 0.95


Progress = Callable[[float, float], None]


def fit_value(
    episodes: Sequence[Episode],
    policy: GaussianPolicy,
    reward_scale: float,
    settings: ValueSettings,
    seed: int,
    progress: Progress,
) -> ValueFunction:
    """Fit V to λ-returns of episodes that the policy (with noise) made; a time-out bootstraps.

    After a held success the last reward is taken to go on for ever. Online, where a held success bootstraps
    from this V, a guess that is too low there teaches the policy to hover short of success; what it costs to
    leave the goal again, it sees online.

    Args:
        episodes: Roll-outs of the policy.
        policy: Only its normaliser is taken.
        reward_scale: Factor from environment reward to the value's units.
        settings: See ``ValueSettings``.
        seed: Initial weights and batches follow from it.
        progress: Called with (fraction done, loss).
    """
    torch.manual_seed(seed)
    inputs = torch.from_numpy(np.concatenate([e.observations[:-1] for e in episodes]))
    value = ValueFunction(inputs.shape[1], settings.hidden)
    value.normalizer.load_state_dict(policy.normalizer.state_dict())
    optimizer = torch.optim.Adam(value.body.parameters(), settings.learning_rate, fused=True)
    generator = torch.Generator().manual_seed(seed)
    per_round = max(1, settings.updates // settings.rounds)
    for fitting_round in range(settings.rounds):
        targets = torch.from_numpy(_returns(episodes, value, reward_scale, settings))
        loss = torch.zeros(())
        for _ in range(per_round):
            i = torch.randint(len(inputs), (settings.batch,), generator=generator)
            loss = (value(inputs[i]) - targets[i]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(value.parameters(), 10.0)
            optimizer.step()
        progress((fitting_round + 1) / settings.rounds, float(loss.detach()))
    return value


@torch.no_grad()
def _returns(
    episodes: Sequence[Episode], value: ValueFunction, reward_scale: float, settings: ValueSettings
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    result = []
    for e in episodes:
        values = value(torch.from_numpy(e.observations)).numpy()
        scaled = (e.rewards * reward_scale).astype(np.float32)
        held = e.terminated and e.success
        following = float(scaled[-1]) / (1.0 - settings.gamma) if held else float(values[-1])
        result.append(advantages(scaled, values[:-1], following, settings.gamma, settings.lam) + values[:-1])
    return np.concatenate(result).astype(np.float32)
