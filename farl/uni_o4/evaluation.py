"""Off-policy evaluation (AM-Q): the mean Q of the states that a policy visits in the learned dynamics."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from farl.uni_o4.dynamics import Dynamics
from farl.uni_o4.iql import Critic
from farl.uni_o4.networks import PolicyStack


@dataclass(frozen=True)
class EvaluationSettings:
    """Settings of off-policy evaluation.

    Attributes:
        starts: Recorded states that roll-outs start from, the same in every evaluation, so that policies
            are compared on equal terms (Uni-O4 draws 512 anew each time).
        steps: Longest roll-out [agent steps].
        most_outside: Share of clipped dimensions at which roll-outs are cut: beyond it the model is guessing.
        shortest: Roll-outs are never cut below this length [agent steps].
    """

    starts: int = 250
    steps: int = 20
    most_outside: float = 0.1
    shortest: int = 2


@dataclass(frozen=True)
class Evaluator:
    """Scores policies by roll-outs of a fixed length from fixed states.

    Attributes:
        critic: Judges the visited states.
        dynamics: Says which are visited.
        starts: ``(S, O)``, S a multiple of the number of elites.
        steps: Length of the roll-outs [agent steps].
    """

    critic: Critic
    dynamics: Dynamics
    starts: Tensor
    steps: int

    @torch.no_grad()
    def scores(self, policies: PolicyStack) -> Tensor:
        """Mean Q over the visited states for every policy and start, ``(N, S)``."""
        totals = torch.zeros(len(policies), len(self.starts))
        for states, actions, _ in rollout(policies, self.dynamics, self.starts, self.steps):
            totals += self.critic.Q(states, actions).reshape(totals.shape)
        return totals / self.steps


def rollout(
    policies: PolicyStack, dynamics: Dynamics, starts: Tensor, steps: int
) -> list[tuple[Tensor, Tensor, float]]:
    """Roll out the mean actions of N policies from S states.

    Returns:
        For every step the states ``(N·S, O)``, the actions ``(N·S, A)``, and the share of dimensions that
        were clipped after it.
    """
    members = len(policies)
    # Sorted by start first, so that the elite of a start is the same for every policy.
    states = starts.repeat_interleave(members, 0)
    result = []
    for _ in range(steps):
        by_member = states.reshape(len(starts), members, -1).transpose(0, 1)
        actions = policies.mean(by_member)
        following, _, outside = dynamics.next(states, actions.transpose(0, 1).flatten(0, 1))
        result.append((by_member.flatten(0, 1), actions.flatten(0, 1), float(outside.mean())))
        states = following
    return result


@torch.no_grad()
def make_evaluator(
    critic: Critic,
    dynamics: Dynamics,
    policies: PolicyStack,
    states: Tensor,
    settings: EvaluationSettings,
    seed: int,
) -> Evaluator:
    """Choose start states, and roll-outs as long as the model can be trusted under the cloned policies.

    Args:
        critic: See ``Evaluator``.
        dynamics: See ``Evaluator``.
        policies: The cloned ensemble; where it leaves the range of the data, longer roll-outs mean nothing.
        states: Recorded states, ``(M, O)``.
        settings: See ``EvaluationSettings``.
        seed: The start states follow from it.
    """
    elites = len(dynamics.networks.weights[0])
    count = max(1, settings.starts // elites) * elites
    generator = torch.Generator().manual_seed(seed)
    starts = states[torch.randint(len(states), (count,), generator=generator)]
    outside = [step[2] for step in rollout(policies, dynamics, starts, settings.steps)]
    too_far = [k for k, share in enumerate(outside) if share > settings.most_outside]
    steps = too_far[0] if too_far else settings.steps
    return Evaluator(critic, dynamics, starts, max(steps, min(settings.shortest, settings.steps)))
