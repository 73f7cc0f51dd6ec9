"""Episodes taken apart: which reward counts, and what comes after the last step."""

from dataclasses import replace

import pytest
import torch

from farl.uni_o4.transitions import RewardOf, Transitions, until_violation
from tests.farl.conftest import make_episode


def test_a_time_out_goes_on_with_the_value_of_the_last_state() -> None:
    episode = replace(make_episode(0, steps=3), rewards=torch.tensor([1.0, 2.0, 4.0]).numpy())
    data = Transitions.of([episode], RewardOf.TASK, 0.5, 0.5)
    assert data.rewards.tolist() == [0.5, 1.0, 2.0]
    assert data.returns.tolist() == [1.5, 2.0, 2.0]  # 0.5 + 0.5 · (1 + 0.5 · 2), …
    assert data.goes_on.tolist() == [1, 1, 1] and data.afterwards.tolist() == [0, 0, 0]
    assert data.last_weight.tolist() == [0.125, 0.25, 0.5]
    assert torch.equal(data.last_states, torch.from_numpy(episode.observations[-1]).expand(3, -1))
    assert torch.equal(data.following[:-1], data.states[1:])


def test_a_held_success_earns_its_last_reward_for_ever() -> None:
    episode = replace(make_episode(0, steps=2), terminated=True, truncated=False, success=True)
    episode = replace(episode, rewards=torch.tensor([1.0, 2.0]).numpy())
    data = Transitions.of([episode], RewardOf.TASK, 1.0, 0.5)
    assert data.goes_on.tolist() == [1, 0] and data.last_weight.tolist() == [0, 0]
    assert data.afterwards.tolist() == [0, 4]  # 2 / (1 − 0.5)
    assert data.returns.tolist() == [3, 4]


def test_safety_counts_the_first_violation_alone_and_ends_there() -> None:
    data = Transitions.of([make_episode(0, steps=9, failure_at=3)], RewardOf.SAFETY, 1.0, 0.5)
    assert data.rewards.tolist() == [0, 0, 0, -1] and data.goes_on.tolist() == [1, 1, 1, 0]
    assert data.returns.tolist() == [-0.125, -0.25, -0.5, -1.0]
    clean = Transitions.of([make_episode(0, steps=9)], RewardOf.SAFETY, 1.0, 0.5)
    assert clean.rewards.abs().sum() == 0 and clean.returns.abs().sum() == 0
    assert clean.goes_on[-1] == 0, "a recovery that stayed safe is safe for good"


@pytest.mark.parametrize(
    ("failure_at", "kept"), [(20, range(16, 21)), (2, range(0, 3)), (None, range(25, 30))]
)
def test_the_last_steps_up_to_a_violation(failure_at: int | None, kept: range) -> None:
    episode = make_episode(0, failure_at=failure_at)
    cut = until_violation(episode, 5)
    assert (cut.actions == episode.actions[list(kept)]).all()
    assert (cut.observations == episode.observations[[*kept, kept.stop]]).all()
    assert cut.costs.tolist() == [0.0] * (len(kept) - 1) + [float(failure_at is not None)]
    assert cut.truncated
