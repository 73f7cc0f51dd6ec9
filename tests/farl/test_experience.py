"""What a swapped step puts into PPO, and what follows its end."""

from dataclasses import replace

import numpy as np
import pytest

from farl.experience import SwappedSteps, episode_arrays
from farl.models import ModelBundle
from farl.types import ActionSource
from tests.farl.conftest import make_transitions


def test_swapped_steps_store_what_was_executed(bundle: ModelBundle) -> None:
    transitions = make_transitions(bundle.task_policy, 0, 6, swapped=frozenset({2, 4}))
    arrays = episode_arrays(transitions, SwappedSteps.EXECUTED)
    assert np.array_equal(arrays.actions, np.stack([t.executed for t in transitions]))
    assert np.isnan(arrays.log_probs).tolist() == [False, False, True, False, True, False]
    assert arrays.log_probs[0] == np.float32(transitions[0].proposed.log_prob)
    assert arrays.in_policy_loss.tolist() == [1.0] * 6


def test_dropped_steps_leave_the_policy_loss_but_stay_for_the_value(bundle: ModelBundle) -> None:
    transitions = make_transitions(bundle.task_policy, 0, 4, swapped=frozenset({1}))
    arrays = episode_arrays(transitions, SwappedSteps.DROPPED)
    assert arrays.in_policy_loss.tolist() == [1.0, 0.0, 1.0, 1.0]
    assert len(arrays.rewards) == 4


@pytest.mark.parametrize("source", [ActionSource.HOLD, ActionSource.TELEOP, ActionSource.REPLAY])
def test_a_step_that_no_policy_chose_never_enters_the_policy_loss(
    bundle: ModelBundle, source: ActionSource
) -> None:
    transitions = make_transitions(bundle.task_policy, 0, 4)
    transitions[2] = replace(transitions[2], source=source)
    for rule in SwappedSteps:
        assert episode_arrays(transitions, rule).in_policy_loss.tolist() == [1.0, 1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("terminated", "truncated", "success", "goes_on"),
    [
        (False, True, False, True),
        (False, True, True, True),
        (True, False, True, True),
        (True, True, True, True),
        (True, True, False, False),
        (True, False, False, False),
    ],
)
def test_what_comes_after_the_last_step(
    bundle: ModelBundle, terminated: bool, truncated: bool, success: bool, goes_on: bool
) -> None:
    transitions = make_transitions(bundle.task_policy, 0, 3)
    transitions[-1] = replace(transitions[-1], terminated=terminated, truncated=truncated, success=success)
    assert episode_arrays(transitions, SwappedSteps.EXECUTED).goes_on is goes_on
