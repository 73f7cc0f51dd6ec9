"""The Gaussian policy and the value function: PyTorch to train, NumPy to run.

One log-σ convention: ``log_std`` is a free parameter per action dimension, used as it is after clamping to
``LOG_STD_RANGE``; nothing squashes it (Uni-O4's code squashes it twice).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from farl.types import Array

LOG_STD_RANGE = (-5.0, 0.0)
TAIL = 3.0
"""Where the tail of the density of a foreign action becomes a straight line [standard deviations]."""
_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


class Normalizer(nn.Module):
    """Observation → (observation − mean) / std, clipped to ±10; fixed after the offline phase.

    Dimensions that never vary in the data (std below 1e-6) are left out: they become 0.
    """

    mean: Tensor
    inverse_std: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("inverse_std", torch.ones(size))

    def fit(self, observations: Array) -> None:
        """Take mean and standard deviation of ``observations``, shape ``(N, O)``."""
        std = observations.std(0, dtype=np.float64)
        inverse = np.where(std > 1e-6, 1.0 / np.maximum(std, 1e-6), 0.0)
        self.mean.copy_(torch.from_numpy(observations.mean(0, dtype=np.float64).astype(np.float32)))
        self.inverse_std.copy_(torch.from_numpy(inverse.astype(np.float32)))

    def leave_out(self, resolution: Sequence[float]) -> None:
        """Read entries as constants that vary less in the data than a sensor resolves.

        Simulated states are exact: the height of a puck on a table varies by hundredths of a millimetre, and
        a network that reads it in units of that spread is lost when a camera is half a millimetre off.

        Args:
            resolution: For each of the O entries, in its unit; empty to leave out nothing.

        Raises:
            ValueError: There is not one number for each entry.
        """
        if not resolution:
            return
        if len(resolution) != len(self.mean):
            raise ValueError(
                f"expected {len(self.mean)} numbers, one for each observation entry, got {len(resolution)}"
            )
        unseen = self.inverse_std * torch.tensor(resolution) > 1.0
        self.inverse_std.masked_fill_(unseen, 0.0)

    def forward(self, observations: Tensor) -> Tensor:
        """Normalise ``observations``, shape ``(..., O)``."""
        return ((observations - self.mean) * self.inverse_std).clamp(-10.0, 10.0)


def mlp(sizes: list[int], last_gain: float) -> nn.Sequential:
    """Linear layers with ReLU between them, orthogonal initialisation, ``last_gain`` on the last."""
    layers: list[nn.Module] = []
    for i, (size_in, size_out) in enumerate(pairwise(sizes)):
        last = i == len(sizes) - 2
        linear = nn.Linear(size_in, size_out)
        nn.init.orthogonal_(linear.weight, last_gain if last else math.sqrt(2.0))
        nn.init.zeros_(linear.bias)
        layers += [linear] if last else [linear, nn.ReLU()]
    return nn.Sequential(*layers)


class GaussianPolicy(nn.Module):
    """π(a | s) = N(tanh(f(s)), diag σ²), actions clipped to [-1, 1]; the density is of the clipped action."""

    def __init__(
        self, observation_size: int, action_size: int, hidden: int = 256, log_std: float = -1.2
    ) -> None:
        super().__init__()
        self.normalizer = Normalizer(observation_size)
        self.body = mlp([observation_size, hidden, hidden, action_size], last_gain=0.01)
        self.log_std = nn.Parameter(torch.full((action_size,), log_std))

    def mean(self, observations: Tensor) -> Tensor:
        """Mean action, shape ``(..., A)``, in (-1, 1)."""
        return torch.tanh(self.body(self.normalizer(observations)))

    def clamped_log_std(self) -> Tensor:
        """Log σ per action dimension, shape ``(A,)``."""
        return self.log_std.clamp(*LOG_STD_RANGE)

    def log_prob(self, observations: Tensor, actions: Tensor, foreign: Tensor | None = None) -> Tensor:
        """Log-density log π(a | s), shape ``(...,)``.

        Args:
            observations: ``(..., O)``.
            actions: ``(..., A)``.
            foreign: True where another policy chose the action, ``(...,)``. There the Gaussian's tail beyond
                three σ is continued as a straight line, so that an action which is all but impossible under π
                pulls no harder than one at three σ.
        """
        log_std = self.clamped_log_std()
        z = (actions - self.mean(observations)) * torch.exp(-log_std)
        exponent = 0.5 * z * z
        if foreign is not None:
            line = TAIL * z.abs() - 0.5 * TAIL * TAIL
            exponent = torch.where(foreign.unsqueeze(-1) & (z.abs() > TAIL), line, exponent)
        return (-exponent - log_std - _HALF_LOG_TWO_PI).sum(-1)

    def entropy(self) -> Tensor:
        """Differential entropy of the unclipped Gaussian [nat]."""
        return (self.clamped_log_std() + 0.5 + _HALF_LOG_TWO_PI).sum()


class ValueFunction(nn.Module):
    """V(s), in units of the scaled reward."""

    def __init__(self, observation_size: int, hidden: int = 256) -> None:
        super().__init__()
        self.normalizer = Normalizer(observation_size)
        self.body = mlp([observation_size, hidden, hidden, 1], last_gain=1.0)

    def forward(self, observations: Tensor) -> Tensor:
        """Value of each observation, shape ``(...,)``."""
        value: Tensor = self.body(self.normalizer(observations)).squeeze(-1)
        return value


class FastPolicy:
    """A frozen ``GaussianPolicy`` in NumPy: no autograd, a few microseconds a call."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        """Take the tensors of a ``GaussianPolicy`` state dict as arrays (they are copied)."""
        self.weights: dict[str, Array] = {k: np.array(v, np.float32, order="C") for k, v in weights.items()}
        w = self.weights
        self._mean, self._inverse_std = w["normalizer.mean"], w["normalizer.inverse_std"]
        names = sorted(
            {k.rsplit(".", 1)[0] for k in w if k.startswith("body.")}, key=lambda k: int(k.split(".")[1])
        )
        self.layers = [(np.ascontiguousarray(w[f"{n}.weight"].T), w[f"{n}.bias"]) for n in names]
        self.log_std: Array = np.clip(w["log_std"], *LOG_STD_RANGE).astype(np.float32)
        self.std: Array = np.exp(self.log_std)

    @classmethod
    def of(cls, policy: GaussianPolicy) -> FastPolicy:
        """Freeze a policy as it is now."""
        return cls({k: v.detach().cpu().numpy() for k, v in policy.state_dict().items()})

    def with_std(self, std: float) -> FastPolicy:
        """The same mean, explored with another standard deviation (at least e^-5)."""
        log_std = np.full_like(self.log_std, np.log(max(std, 1e-9)))
        return FastPolicy({**self.weights, "log_std": log_std})

    @property
    def action_size(self) -> int:
        """Number of action dimensions A."""
        return len(self.log_std)

    @property
    def observation_size(self) -> int:
        """Number of observation dimensions O."""
        return len(self._mean)

    def mean(self, observations: Array) -> Array:
        """Mean action, shape ``(..., A)``, of observations of shape ``(..., O)``."""
        x = np.clip((observations - self._mean) * self._inverse_std, -10.0, 10.0)
        last = len(self.layers) - 1
        for i, (weight, bias) in enumerate(self.layers):
            x = x @ weight + bias
            if i < last:
                np.maximum(x, 0.0, out=x)
        result: Array = np.tanh(x)
        return result

    def log_prob(self, means: Array, actions: Array) -> Array:
        """Log N(a; mean, σ²) summed over the action dimensions, shape ``(...,)``."""
        z = (actions - means) / self.std
        return np.asarray((-0.5 * z * z - self.log_std - np.float32(_HALF_LOG_TWO_PI)).sum(-1), np.float32)
