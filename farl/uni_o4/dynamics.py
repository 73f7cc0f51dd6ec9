"""A learned dynamics ensemble: where an action leads, and what it earns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from farl.policy import Normalizer, mlp
from farl.uni_o4.networks import Stack
from farl.uni_o4.transitions import Transitions

Progress = Callable[[float, float], None]


@dataclass(frozen=True)
class DynamicsSettings:
    """Settings of the dynamics ensemble.

    Attributes:
        members: Networks that are trained; Uni-O4's.
        elites: Networks that are kept, those of least held-out error; Uni-O4's.
        hidden: Width; Uni-O4's are twice as wide.
        updates: Most gradient steps.
        batch: Transitions per step, other ones for each member.
        learning_rate: Adam step size.
        held_out: Share of the transitions kept for early stopping and for the choice of the elites.
        check: Gradient steps between looks at the held-out error.
        patience: Looks without an improvement by a hundredth after which training stops.
    """

    members: int = 7
    elites: int = 5
    hidden: int = 200
    updates: int = 1500
    batch: int = 256
    learning_rate: float = 1e-3
    held_out: float = 0.1
    check: int = 50
    patience: int = 5


class Dynamics(nn.Module):
    """Elites that predict the change of the normalised state, and the scaled reward."""

    low: Tensor
    high: Tensor
    scale: Tensor
    shift: Tensor
    spread: Tensor

    def __init__(self, data: Transitions, settings: DynamicsSettings) -> None:
        """Fit everything but the weights to ``data``: normaliser, range and scales of the targets."""
        super().__init__()
        size, actions = data.states.shape[1], data.actions.shape[1]
        self.normalizer = Normalizer(size)
        self.normalizer.fit(data.states.numpy())
        change = data.following - data.states
        self.register_buffer("low", torch.minimum(data.states.amin(0), data.following.amin(0)))
        self.register_buffer("high", torch.maximum(data.states.amax(0), data.following.amax(0)))
        targets = torch.cat([change, data.rewards[:, None]], 1)
        self.register_buffer("shift", targets.mean(0))
        self.register_buffer("scale", targets.std(0))
        self.register_buffer("spread", (self.scale > 1e-6).float())
        sizes = [size + actions, settings.hidden, settings.hidden, size + 1]
        self.networks = Stack([mlp(sizes, last_gain=0.1) for _ in range(settings.members)])

    def inputs(self, states: Tensor, actions: Tensor) -> Tensor:
        """What the networks see, ``(..., O + A)``."""
        return torch.cat([self.normalizer(states), actions], -1)

    def targets(self, data: Transitions) -> Tensor:
        """What they should answer, ``(M, O + 1)``; every dimension that varies has variance 1."""
        wanted = torch.cat([data.following - data.states, data.rewards[:, None]], 1)
        return (wanted - self.shift) / self.scale.clamp_min(1e-6) * self.spread

    def next(self, states: Tensor, actions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step of every roll-out; roll-out b stays with elite b·E // B.

        Args:
            states: ``(B, O)``, B a multiple of the number of elites E.
            actions: ``(B, A)``.

        Returns:
            Next states ``(B, O)``, clipped to the range of the data; rewards ``(B,)``; and the share
            of each next state's dimensions that were clipped by more than a hundredth of the range, ``(B,)``.
        """
        elites = len(self.networks.weights[0])
        x = self.inputs(states, actions).reshape(elites, -1, states.shape[1] + actions.shape[1])
        answer = self.networks(x).reshape(len(states), -1) * self.scale * self.spread + self.shift
        free = states + answer[:, :-1]
        following = torch.minimum(torch.maximum(free, self.low), self.high)
        width = self.high - self.low
        varies = width > 1e-6
        outside = ((free - following).abs() > 0.01 * width) & varies
        return following, answer[:, -1], outside.sum(-1) / varies.sum().clamp_min(1)

    def keep(self, members: Tensor) -> None:
        """Drop all networks but these."""
        for parameters in (self.networks.weights, self.networks.biases):
            for i, parameter in enumerate(parameters):
                parameters[i] = nn.Parameter(parameter.detach()[members].clone(), requires_grad=False)


def fit_dynamics(
    data: Transitions, settings: DynamicsSettings, seed: int, progress: Progress
) -> tuple[Dynamics, list[float]]:
    """Fit the ensemble, stop early, keep the elites.

    Args:
        data: Recorded transitions.
        settings: See ``DynamicsSettings``.
        seed: Initial weights, the held-out share and batches follow from it.
        progress: Called with (fraction done, least held-out error).

    Returns:
        The elites, and their held-out errors: mean squares in units of the targets' variance.
    """
    torch.manual_seed(seed)
    dynamics = Dynamics(data, settings)
    inputs, targets = dynamics.inputs(data.states, data.actions), dynamics.targets(data)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(data), generator=generator)
    held = order[: max(1, round(len(data) * settings.held_out))]
    used = order[len(held) :] if len(held) < len(order) else order
    networks = dynamics.networks
    optimizer = torch.optim.Adam(networks.parameters(), settings.learning_rate, fused=True)
    least = torch.full((settings.members,), torch.inf)
    best = [p.detach().clone() for p in networks.parameters()]
    waited = 0
    for update in range(1, settings.updates + 1):
        i = used[torch.randint(len(used), (settings.members, settings.batch), generator=generator)]
        loss = (networks(inputs[i]) - targets[i]).square().mean((1, 2)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if update % settings.check and update != settings.updates:
            continue
        with torch.no_grad():
            errors = (networks(inputs[held]) - targets[held]).square().mean((1, 2))
            waited = 0 if bool((errors < 0.99 * least).any()) else waited + 1
            better = errors < least
            least = torch.where(better, errors, least)
            for kept, now in zip(best, networks.parameters(), strict=True):
                kept[better] = now[better]
        progress(update / settings.updates, float(least.min()))
        if waited == settings.patience:
            break
    with torch.no_grad():
        for kept, now in zip(best, networks.parameters(), strict=True):
            now.copy_(kept)
    elites = least.argsort()[: settings.elites]
    dynamics.keep(elites)
    progress(1.0, float(least.min()))
    return dynamics, least[elites].tolist()
