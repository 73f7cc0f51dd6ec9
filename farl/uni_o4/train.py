"""Demonstrations to one policy, without a single trial: clone an ensemble, judge, improve, choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from farl.datasets import Episode
from farl.policy import GaussianPolicy
from farl.uni_o4.behaviour_ppo import BehaviourPpoSettings, Improved, improve
from farl.uni_o4.dynamics import DynamicsSettings, fit_dynamics
from farl.uni_o4.ensemble import EnsembleSettings, advantage_over_others, clone_ensemble
from farl.uni_o4.evaluation import EvaluationSettings, Evaluator, make_evaluator
from farl.uni_o4.iql import Critic, IqlSettings, fit_critic
from farl.uni_o4.networks import PolicyStack
from farl.uni_o4.transitions import RewardOf, Transitions

Progress = Callable[[float, float], None]


@dataclass(frozen=True)
class UniO4Settings:
    """Settings of the offline phase of a policy.

    Attributes:
        ensemble: The cloned ensemble.
        critic: Implicit Q-learning.
        dynamics: The dynamics ensemble.
        evaluation: Off-policy evaluation.
        improvement: Behaviour PPO.
    """

    ensemble: EnsembleSettings = field(default_factory=EnsembleSettings)
    critic: IqlSettings = field(default_factory=IqlSettings)
    dynamics: DynamicsSettings = field(default_factory=DynamicsSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    improvement: BehaviourPpoSettings = field(default_factory=BehaviourPpoSettings)


@dataclass(frozen=True)
class OfflinePolicy:
    """The chosen policy and how it came about.

    Attributes:
        policy: To act by.
        report: Figures of every member and of the models that judged them; JSON can hold it.
    """

    policy: GaussianPolicy
    report: dict[str, Any]


@dataclass(frozen=True)
class Stages:
    """Everything that is made on the way, for studies."""

    cloned: PolicyStack
    critic: Critic
    evaluator: Evaluator
    improved: Improved
    dynamics_errors: list[float]


def train_stages(
    imitate: Sequence[Episode],
    judge: Sequence[Episode],
    reward: RewardOf,
    reward_scale: float,
    settings: UniO4Settings,
    seed: int,
    progress: Progress,
) -> Stages:
    """Everything up to the choice; the arguments are those of ``train_policy``."""

    def part(start: float, end: float) -> Progress:
        return lambda fraction, loss: progress(start + (end - start) * fraction, loss)

    data = Transitions.of(judge, reward, reward_scale, settings.critic.gamma)
    states = torch.from_numpy(np.concatenate([e.observations[:-1] for e in imitate]))
    cloned = clone_ensemble(imitate, settings.ensemble, seed, part(0.0, 0.35))
    critic = fit_critic(data, settings.critic, seed, part(0.35, 0.7))
    dynamics, errors = fit_dynamics(data, settings.dynamics, seed, part(0.7, 0.85))
    evaluator = make_evaluator(critic, dynamics, cloned, states, settings.evaluation, seed)
    improved = improve(cloned, critic, evaluator, states, settings.improvement, seed, part(0.85, 1.0))
    return Stages(cloned, critic, evaluator, improved, errors)


def train_policy(
    imitate: Sequence[Episode],
    judge: Sequence[Episode],
    reward: RewardOf,
    reward_scale: float,
    settings: UniO4Settings,
    seed: int,
    progress: Progress,
) -> OfflinePolicy:
    """Train a policy on recorded episodes.

    Args:
        imitate: What the ensemble is cloned from.
        judge: What critic and dynamics are fitted to; holds bad examples too where there are some.
        reward: What the policy is to be good at.
        reward_scale: Factor from environment reward to the value's units.
        settings: See ``UniO4Settings``.
        seed: Everything random follows from it.
        progress: Called with (fraction done, loss of the present stage); may raise to stop.
    """
    stages = train_stages(imitate, judge, reward, reward_scale, settings, seed, progress)
    improved = stages.improved
    chosen = int(np.argmax(improved.after))
    report = {
        "members": _member_figures(imitate, stages),
        "chosen": chosen,
        "rollout_steps": stages.evaluator.steps,
        "dynamics_held_out_errors": [round(error, 5) for error in stages.dynamics_errors],
    }
    return OfflinePolicy(improved.policies.member(chosen), report)


@torch.no_grad()
def _member_figures(imitate: Sequence[Episode], stages: Stages) -> list[dict[str, float]]:
    states = torch.from_numpy(np.concatenate([e.observations[:-1] for e in imitate]))
    actions = torch.from_numpy(np.concatenate([e.actions for e in imitate]))
    means = stages.cloned.mean(states)
    log_probs = stages.cloned.log_prob(means, actions)
    figures = {
        "cloning_loss": (-log_probs.mean(1)).tolist(),
        "cloning_error": (means - actions).square().mean((1, 2)).sqrt().tolist(),
        "diversity": advantage_over_others(log_probs).mean(1).tolist(),
        "score_before": stages.improved.before,
        "score_after": stages.improved.after,
        "accepted": stages.improved.accepted,
    }
    return [
        {name: round(values[i], 5) for name, values in figures.items()} for i in range(len(stages.cloned))
    ]
