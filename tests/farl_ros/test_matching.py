"""States and decisions become the same transitions in whatever order they come."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rclpy")

from farl_interfaces.msg import SimState

from farl.types import ActionSource, Decision, Proposal, Reason
from farl_ros.conversions import action_message, decision_message, floats, time_of
from farl_ros.matching import StepMatcher

STEPS = 5
PERIOD = 40


def state(step: int, executed=None, stamp: int | None = None) -> SimState:
    message = SimState(episode=3, step=step, observation=floats(np.full(2, step)), reward=0.5 * step)
    message.header.stamp = time_of(PERIOD * (step + 1) if stamp is None else stamp)
    message.truncated = step == STEPS
    if executed is not None:
        message.executed = executed
    return message


def decision(step: int, swapped: bool = False):
    proposed = Proposal(np.float32([step, 0.0]), -0.5 * step, 2)
    executed = np.float32([0.0, step]) if swapped else proposed.values
    source = ActionSource.RECOVERY if swapped else ActionSource.TASK
    value = Decision(0.125, 0.3, np.zeros(0, np.float32), proposed, executed, source, Reason.SAFE, 0.1, "")
    return decision_message(value, time_of(PERIOD * (step + 1)))


def outcome(step: int, swapped: bool = False) -> SimState:
    """The state after the decision of the step before."""
    return state(step, decision(step - 1, swapped).executed)


@given(st.lists(st.booleans(), min_size=STEPS, max_size=STEPS), st.data())
def test_any_interleaving_gives_the_same_transitions(swapped, data):
    matcher = StepMatcher()
    matcher.start(state(0))
    states = [outcome(step + 1, swapped[step]) for step in range(STEPS)]
    decisions = [decision(step, swapped[step]) for step in range(STEPS)]
    transitions = []
    while states or decisions:
        if states and (not decisions or data.draw(st.booleans())):
            transitions += matcher.add_state(states.pop(0))
        else:
            transitions += matcher.add_decision(decisions.pop(0))
    assert [t.step for t in transitions] == list(range(STEPS))
    for step, (t, swap) in enumerate(zip(transitions, swapped, strict=True)):
        assert t.episode == 3
        assert t.header.stamp == time_of(PERIOD * (step + 1))
        assert list(t.observation) == [step, step]
        assert list(t.next_observation) == [step + 1, step + 1]
        assert (t.reward, t.risk, t.intervened) == (0.5 * (step + 1), 0.125, swap)
        assert t.proposed == decision(step).proposed
        assert repr(t.executed) == repr(decision(step, swap).executed)  # its log_prob may be NaN
        assert t.truncated == (step == STEPS - 1)


def test_after_the_end_and_between_episodes_nothing_comes():
    matcher = StepMatcher()
    assert matcher.add_decision(decision(0)) == []
    assert matcher.add_state(outcome(1)) == []
    matcher.start(state(0))
    matcher.stop()
    assert matcher.add_state(outcome(1)) == []


def test_in_lock_step_a_decision_is_waited_for():
    matcher = StepMatcher(wait_for_decisions=True)
    matcher.start(state(0))
    assert matcher.add_state(outcome(1)) == []
    assert matcher.add_decision(decision(1)) == []
    assert [t.step for t in matcher.add_decision(decision(0))] == [0]


def hold(step: int):
    return action_message(np.zeros(2), ActionSource.HOLD, math.nan, 0, time_of(PERIOD * (step + 1)))


def test_in_real_time_a_decision_that_never_comes_is_given_up_when_the_next_one_is_there():
    matcher = StepMatcher(wait_for_decisions=False)
    matcher.start(state(0))
    assert matcher.add_state(state(1, hold(0))) == []
    (first,) = matcher.add_decision(decision(1))
    assert (first.step, first.executed.source, first.proposed.source) == (
        0,
        ActionSource.HOLD,
        ActionSource.HOLD,
    )
    assert math.isnan(first.risk)
    assert math.isnan(first.proposed.log_prob)
    (second,) = matcher.add_state(outcome(2))
    assert (second.step, second.executed.source, second.risk) == (1, ActionSource.TASK, 0.125)


def test_in_real_time_the_last_decision_is_given_up_when_told_to():
    matcher = StepMatcher(wait_for_decisions=False)
    matcher.start(state(0))
    for step in range(1, STEPS + 1):
        matcher.add_state(state(step, hold(step - 1)))
    assert [t.step for t in matcher.flush()] == list(range(STEPS))
    assert matcher.flush() == []


def test_an_action_that_goes_on_moving_the_arm_counts_as_hold():
    matcher = StepMatcher(wait_for_decisions=False)
    matcher.start(state(0))
    matcher.add_decision(decision(0))
    (first,) = matcher.add_state(outcome(1))
    matcher.add_decision(decision(1))
    (second,) = matcher.add_state(state(2, decision(0).executed))  # the command of the step before, again
    assert (first.executed.source, first.intervened) == (ActionSource.TASK, False)
    assert (second.executed.source, second.intervened) == (ActionSource.HOLD, True)
    assert list(second.executed.values) == list(decision(0).executed.values)
    assert math.isnan(second.executed.log_prob)
    assert second.proposed == decision(1).proposed
