"""Several networks of one shape as one batched product, cheaper than a loop over them."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from farl.policy import LOG_STD_RANGE, GaussianPolicy, Normalizer

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


class Stack(nn.Module):
    """N multi-layer perceptrons (Linear, ReLU between) with their weights stacked."""

    def __init__(self, members: Sequence[nn.Sequential]) -> None:
        """Copy the weights of N networks of one shape."""
        super().__init__()
        layers = [[layer for layer in member if isinstance(layer, nn.Linear)] for member in members]
        columns = list(zip(*layers, strict=True))
        self.weights = nn.ParameterList(torch.stack([m.weight.detach().T for m in c]) for c in columns)
        self.biases = nn.ParameterList(torch.stack([m.bias.detach()[None] for m in c]) for c in columns)

    def forward(self, x: Tensor) -> Tensor:
        """Every member's output, ``(N, B, out)``; ``x`` is ``(B, in)`` for all or ``(N, B, in)`` for each."""
        if x.ndim == 2:
            x = x.expand(len(self.weights[0]), *x.shape)
        last = len(self.weights) - 1
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            if i < last:
                x = torch.relu(x)
        return x

    def write(self, member: int, network: nn.Sequential) -> None:
        """Copy one member's weights into ``network``."""
        linear = [layer for layer in network if isinstance(layer, nn.Linear)]
        with torch.no_grad():
            for layer, weight, bias in zip(linear, self.weights, self.biases, strict=True):
                layer.weight.copy_(weight[member].T)
                layer.bias.copy_(bias[member, 0])


class PolicyStack(nn.Module):
    """N Gaussian policies with one normaliser; log σ as in ``GaussianPolicy``: free, used as it is."""

    def __init__(self, members: Sequence[GaussianPolicy]) -> None:
        """Copy N policies; the normaliser is that of the first."""
        super().__init__()
        self.normalizer: Normalizer = copy.deepcopy(members[0].normalizer)
        self.body = Stack([member.body for member in members])
        self.log_std = nn.Parameter(torch.stack([member.log_std.detach() for member in members]))
        self._hidden = self.body.weights[0].shape[2]

    def __len__(self) -> int:
        """Number of policies N."""
        return len(self.log_std)

    def mean(self, observations: Tensor) -> Tensor:
        """Mean actions, ``(N, B, A)``, of observations ``(B, O)`` or ``(N, B, O)``."""
        return torch.tanh(self.body(self.normalizer(observations)))

    def clamped_log_std(self) -> Tensor:
        """Log σ, ``(N, A)``."""
        return self.log_std.clamp(*LOG_STD_RANGE)

    def log_prob(self, means: Tensor, actions: Tensor) -> Tensor:
        """Log-density ``(N, B)`` of actions ``(B, A)`` or ``(N, B, A)`` around means ``(N, B, A)``."""
        log_std = self.clamped_log_std()[:, None]
        z = (actions - means) * torch.exp(-log_std)
        return (-0.5 * z * z - log_std - _HALF_LOG_TWO_PI).sum(-1)

    def member(self, index: int) -> GaussianPolicy:
        """One of the policies, on its own."""
        actions = self.log_std.shape[1]
        policy = GaussianPolicy(self.normalizer.mean.numel(), actions, self._hidden)
        policy.normalizer.load_state_dict(self.normalizer.state_dict())
        self.body.write(index, policy.body)
        with torch.no_grad():
            policy.log_std.copy_(self.log_std[index])
        return policy

    def take(self, other: PolicyStack, members: Tensor) -> None:
        """Copy the weights of ``other`` for the members where the mask ``(N,)`` is true."""
        with torch.no_grad():
            for mine, theirs in zip(self.parameters(), other.parameters(), strict=True):
                mine[members] = theirs[members]


def clip_member_gradients(parameters: Iterable[nn.Parameter], limit: float) -> None:
    """Scale each member's gradients, dimension 0 of every parameter, down to a norm of at most ``limit``."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    norms = torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0).sqrt()
    scale = (limit / norms.clamp_min(1e-12)).clamp_max(1.0)
    for gradient in gradients:
        gradient.mul_(scale.reshape(-1, *[1] * (gradient.ndim - 1)))
