"""Implicit Q-learning: how good actions are, from recorded transitions alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from farl.policy import Normalizer, mlp
from farl.uni_o4.networks import Stack
from farl.uni_o4.transitions import Transitions

Progress = Callable[[float, float], None]


@dataclass(frozen=True)
class IqlSettings:
    """Settings of implicit Q-learning.

    Attributes:
        warm_updates: First gradient steps, in which V and Q are fitted to the recorded returns: from nothing,
            values of γ = 0.99 would need 10^5 steps of bootstrapping, not thousands.
        updates: Gradient steps after those.
        batch: Transitions per step.
        learning_rate: Adam step size.
        hidden: Width of the networks; Uni-O4's are 2 to 4 times as wide.
        expectile: Which expectile of Q over the recorded actions V is; Uni-O4's.
        gamma: Discount per agent step.
        target_rate: τ of the moving average of Q; Uni-O4's.
    """

    warm_updates: int = 1000
    updates: int = 2000
    batch: int = 256
    learning_rate: float = 3e-4
    hidden: int = 256
    expectile: float = 0.7
    gamma: float = 0.99
    target_rate: float = 0.005


class Critic(nn.Module):
    """V(s) and twin Q(s, a), in scaled reward units; the networks answer in spreads of recorded returns."""

    middle: Tensor
    spread: Tensor

    def __init__(self, observation_size: int, action_size: int, hidden: int) -> None:
        super().__init__()
        self.normalizer = Normalizer(observation_size)
        self.register_buffer("middle", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))
        self.value = mlp([observation_size, hidden, hidden, 1], last_gain=1.0)
        sizes = [observation_size + action_size, hidden, hidden, 1]
        self.twins = Stack([mlp(sizes, last_gain=1.0) for _ in range(2)])

    def V(self, states: Tensor) -> Tensor:
        """Value of each state ``(B, O)``, shape ``(B,)``."""
        value: Tensor = self.value(self.normalizer(states)).squeeze(-1)
        return value * self.spread + self.middle

    def both(self, states: Tensor, actions: Tensor) -> Tensor:
        """Q1 and Q2 of ``(B, O)`` states and ``(B, A)`` actions, shape ``(2, B)``."""
        return self.both_of(self.twins, states, actions)

    def both_of(self, twins: Stack, states: Tensor, actions: Tensor) -> Tensor:
        """The same of other networks in place of this critic's."""
        q: Tensor = twins(torch.cat([self.normalizer(states), actions], -1)).squeeze(-1)
        return q * self.spread + self.middle

    def Q(self, states: Tensor, actions: Tensor) -> Tensor:
        """The lower of Q1 and Q2, shape ``(B,)``."""
        return self.both(states, actions).amin(0)

    def advantage(self, states: Tensor, actions: Tensor) -> Tensor:
        """min(Q1, Q2) − V, shape ``(B,)``."""
        return self.Q(states, actions) - self.V(states)


def expectile_loss(difference: Tensor, expectile: float) -> Tensor:
    """Mean of |τ − 1(difference < 0)| · difference²."""
    weight = torch.where(difference > 0, expectile, 1.0 - expectile)
    return (weight * difference.square()).mean()


def fit_critic(data: Transitions, settings: IqlSettings, seed: int, progress: Progress) -> Critic:
    """Fit V and Q to recorded transitions.

    Values to bootstrap from are kept within what is possible: the last states of episodes are never trained
    on, and a guess there that feeds on itself grows without bound.

    Args:
        data: The transitions, with γ of the settings.
        settings: See ``IqlSettings``.
        seed: Initial weights and batches follow from it.
        progress: Called with (fraction done, loss).
    """
    torch.manual_seed(seed)
    critic = Critic(data.states.shape[1], data.actions.shape[1], settings.hidden)
    critic.normalizer.fit(data.states.numpy())
    returns = data.returns + data.last_weight * data.rewards.mean() / (1.0 - settings.gamma)
    critic.middle.copy_(returns.mean())
    critic.spread.copy_(returns.std().clamp_min(1e-3))
    target = copy.deepcopy(critic.twins).requires_grad_(False)
    optimizer = torch.optim.Adam(critic.parameters(), settings.learning_rate, fused=True)
    generator = torch.Generator().manual_seed(seed)
    slow = [p.detach() for p in target.parameters()]
    fast = [p.detach() for p in critic.twins.parameters()]
    total = settings.warm_updates + settings.updates
    for update in range(total):
        i = torch.randint(len(data), (settings.batch,), generator=generator)
        states, actions = data.states[i], data.actions[i]
        value, q = critic.V(states), critic.both(states, actions)
        if update < settings.warm_updates:
            with torch.no_grad():
                last = critic.V(data.last_states[i]).clamp(*data.bounds)
                goal = data.returns[i] + data.last_weight[i] * last
            value_loss = (value - goal).square().mean()
        else:
            with torch.no_grad():
                following = critic.V(data.following[i]).clamp(*data.bounds)
                onwards = data.afterwards[i] + data.goes_on[i] * following
                goal = data.rewards[i] + settings.gamma * onwards
                in_sample = critic.both_of(target, states, actions).amin(0)
            value_loss = expectile_loss(in_sample - value, settings.expectile)
        loss = (value_loss + (q - goal).square().mean(1).sum()) / critic.spread.square()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        # While it is fitted to returns there is nothing to average over.
        rate = 1.0 if update < settings.warm_updates else settings.target_rate
        torch._foreach_lerp_(slow, fast, rate)
        if update % 50 == 0 or update == total - 1:
            progress((update + 1) / total, float(loss.detach()))
    return critic.requires_grad_(False)
