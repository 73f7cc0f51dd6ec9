"""Off-policy evaluation: which states are visited, what they are worth, and when roll-outs are cut."""

from dataclasses import replace

import pytest
import torch

from farl.policy import GaussianPolicy
from farl.uni_o4.dynamics import Dynamics, DynamicsSettings
from farl.uni_o4.evaluation import EvaluationSettings, make_evaluator, rollout
from farl.uni_o4.iql import Critic
from farl.uni_o4.networks import PolicyStack
from farl.uni_o4.transitions import RewardOf, Transitions
from tests.farl.uni_o4.line import line_episodes


class _Moves(Dynamics):
    """Adds the first action to the first dimension, up to 2."""

    def next(self, states, actions):
        free = states.clone()
        free[:, 0] += actions[:, 0]
        following = free.clamp_max(2.0)
        return following, following[:, 0], (free > 2.0).any(-1).float()


class _FirstDimension(Critic):
    def Q(self, states, actions):
        return states[:, 0]


@pytest.fixture
def parts() -> tuple[_FirstDimension, _Moves, PolicyStack]:
    data = Transitions.of(line_episodes(4, 0), RewardOf.TASK, 1.0, 0.99)
    dynamics = _Moves(data, DynamicsSettings(members=2, elites=2, hidden=4))
    policies = []
    for push in (0.5, -0.5):
        policy = GaussianPolicy(3, 2, 4)
        torch.nn.init.zeros_(policy.body[4].weight)
        with torch.no_grad():
            policy.body[4].bias.fill_(torch.atanh(torch.tensor(push)).item())
        policies.append(policy)
    return _FirstDimension(3, 2, 4), dynamics, PolicyStack(policies)


def test_scores_are_means_over_visited_states(parts) -> None:
    critic, dynamics, policies = parts
    settings = EvaluationSettings(starts=4, steps=3)
    evaluator = make_evaluator(critic, dynamics, policies, torch.zeros(9, 3), settings, 0)
    assert evaluator.steps == 3 and len(evaluator.starts) == 4
    scores = evaluator.scores(policies)  # visited: 0, 0.5, 1.0 and 0, −0.5, −1.0
    torch.testing.assert_close(scores, torch.tensor([[0.5], [-0.5]]).expand(2, 4))


def test_every_policy_sees_the_same_starts_and_elites(parts) -> None:
    _, dynamics, policies = parts
    starts = torch.arange(12.0).reshape(4, 3)
    states, actions, _ = rollout(policies, dynamics, starts, 1)[0]
    assert torch.equal(states, torch.cat([starts, starts]))
    assert actions[:4, 0].tolist() == pytest.approx([0.5] * 4)
    assert actions[4:, 0].tolist() == pytest.approx([-0.5] * 4)


def test_rollouts_are_cut_where_they_leave_the_data(parts) -> None:
    critic, dynamics, policies = parts
    states, settings = torch.zeros(9, 3), EvaluationSettings(starts=4, steps=20)
    # 0.5 a step: the fifth would go beyond 2, in one of the two policies.
    assert make_evaluator(critic, dynamics, policies, states, settings, 0).steps == 4
    loose = replace(settings, most_outside=0.6)
    assert make_evaluator(critic, dynamics, policies, states, loose, 0).steps == 20
    far = make_evaluator(critic, dynamics, policies, states + 2.0, replace(settings, shortest=3), 0)
    assert far.steps == 3
