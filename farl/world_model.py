"""The world model of Eq. 10: seven parts on one latent state, in TD-MPC2 blocks sized for one CPU core.

A block is Linear → LayerNorm → ReLU → Linear. Two things differ from TD-MPC2, both measured in
docs/experiments.md: the dynamics adds to the latent instead of replacing it and latents are not squeezed
through SimNorm, because a puck that goes on as it went is what most failures look like; and ReLU stands for
Mish, at a third of the inference time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from farl.policy import Normalizer


@dataclass(frozen=True)
class WorldModelSize:
    """How large the world model is.

    Attributes:
        latent: Size Z of the latent state.
        hidden: Width of the hidden layers.
        bins: Number of bins of the two-hot value.
        value_range: Largest symlog value that a bin stands for; the bins cover ± it.
    """

    latent: int = 128
    hidden: int = 192
    bins: int = 51
    value_range: float = 5.0


def block(size_in: int, hidden: int, size_out: int) -> nn.Sequential:
    """Linear → LayerNorm → ReLU → Linear."""
    return nn.Sequential(
        nn.Linear(size_in, hidden), nn.LayerNorm(hidden), nn.ReLU(), nn.Linear(hidden, size_out)
    )


class WorldModel(nn.Module):
    """h, d, R, Q, π, C and S of Eq. 10; states are normalised inside, rewards are in scaled units."""

    def __init__(self, observation_size: int, action_size: int, size: WorldModelSize) -> None:
        super().__init__()
        z, a, hidden = size.latent, action_size, size.hidden
        self.size = size
        self.normalizer = Normalizer(observation_size)
        self.encoder = block(observation_size, hidden, z)
        self.dynamics = block(z + a, hidden, z)
        self.reward_head = block(z + a, hidden, 1)
        self.value_heads = nn.ModuleList(block(z + a, hidden, size.bins) for _ in range(2))
        self.prior = block(z, hidden, a)
        self.constraint_head = block(z + a, hidden, 1)
        self.decoder = block(z, hidden, observation_size)
        for head in [self.reward_head, *self.value_heads]:
            nn.init.zeros_(head[-1].weight)

    def encode(self, observations: Tensor) -> Tensor:
        """Z = h(s): latent, shape ``(..., Z)``, of raw observations, shape ``(..., O)``."""
        latent: Tensor = self.encoder(self.normalizer(observations))
        return latent

    def next(self, latent: Tensor, action: Tensor) -> Tensor:
        """Next latent z + d(z, a), shape ``(..., Z)``."""
        following: Tensor = latent + self.dynamics(torch.cat([latent, action], -1))
        return following

    def reward(self, latent: Tensor, action: Tensor) -> Tensor:
        """R(z, a), scaled reward, shape ``(...,)``."""
        value: Tensor = self.reward_head(torch.cat([latent, action], -1)).squeeze(-1)
        return value

    def value_logits(self, latent: Tensor, action: Tensor) -> Tensor:
        """Two-hot logits of both Q heads, shape ``(2, ..., bins)``."""
        x = torch.cat([latent, action], -1)
        return torch.stack([head(x) for head in self.value_heads])

    def Q(self, latent: Tensor, action: Tensor) -> Tensor:
        """Lower of both values of (z, a), in scaled reward units, shape ``(...,)``."""
        expected = (self.value_logits(latent, action).softmax(-1) * self.bin_centres()).sum(-1)
        return symexp(expected).amin(0)

    def pi(self, latent: Tensor) -> Tensor:
        """Prior action π_θ(z), shape ``(..., A)``, in (-1, 1)."""
        return torch.tanh(self.prior(latent))

    def constraint_logit(self, latent: Tensor, action: Tensor) -> Tensor:
        """Logit of C(z, a), shape ``(...,)``."""
        logit: Tensor = self.constraint_head(torch.cat([latent, action], -1)).squeeze(-1)
        return logit

    def constraint(self, latent: Tensor, action: Tensor) -> Tensor:
        """C(z, a): predicted probability that this step violates the failure set, shape ``(...,)``."""
        return self.constraint_logit(latent, action).sigmoid()

    def decode_normalized(self, latent: Tensor) -> Tensor:
        """S(z) in normalised units, shape ``(..., O)``."""
        state: Tensor = self.decoder(latent)
        return state

    def decode(self, latent: Tensor) -> Tensor:
        """S(z): reconstructed raw observation, shape ``(..., O)``; constant dimensions are their mean."""
        inverse = self.normalizer.inverse_std
        std = torch.where(inverse > 0, 1.0 / inverse.clamp_min(1e-12), torch.zeros_like(inverse))
        return self.decode_normalized(latent) * std + self.normalizer.mean

    def bin_centres(self) -> Tensor:
        """Symlog values that the bins of the two-hot value stand for, shape ``(bins,)``."""
        return torch.linspace(-self.size.value_range, self.size.value_range, self.size.bins)


def symlog(x: Tensor) -> Tensor:
    """sign(x) log(1 + |x|)."""
    return x.sign() * x.abs().log1p()


def symexp(x: Tensor) -> Tensor:
    """Inverse of ``symlog``."""
    return x.sign() * x.abs().expm1()


def two_hot(x: Tensor, centres: Tensor) -> Tensor:
    """Spread each symlog value over its two nearest bins, shape ``(..., bins)``."""
    x = symlog(x).clamp(float(centres[0]), float(centres[-1]))
    position = (x - centres[0]) / (centres[1] - centres[0])
    low = position.floor().long().clamp(0, len(centres) - 2)
    weight = position - low
    target = torch.zeros(*x.shape, len(centres))
    target.scatter_(-1, low.unsqueeze(-1), (1.0 - weight).unsqueeze(-1))
    target.scatter_(-1, (low + 1).unsqueeze(-1), weight.unsqueeze(-1))
    return target
