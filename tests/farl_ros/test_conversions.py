"""Values of the method become ROS messages and come back bit for bit, through the wire too."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from farl.types import ActionSource, Decision, Proposal, Reason, Transition

pytest.importorskip("rclpy")

from farl_interfaces.msg import Action, ShieldDecision
from farl_interfaces.msg import Transition as TransitionMessage
from rclpy.serialization import deserialize_message, serialize_message

from farl_ros import conversions, messages

# -0.0 becomes 0.0: the two are equal, so either may stand in a message
FLOAT32 = st.floats(width=32, allow_nan=True, allow_infinity=True).map(lambda value: value + 0.0)
STAMPS = st.integers(0, 2**31 * 10**9 - 1)


def vectors(least: int = 0):
    return arrays(np.float32, st.integers(least, 8), elements=FLOAT32)


proposals = st.builds(
    Proposal,
    values=vectors(),
    log_prob=FLOAT32,
    policy_version=st.integers(0, 2**64 - 1),
    source=st.sampled_from(ActionSource),
)
decisions = st.builds(
    Decision,
    risk=FLOAT32,
    threshold=FLOAT32,
    step_risk=vectors(),
    proposed=proposals,
    executed=vectors(),
    source=st.sampled_from(ActionSource),
    reason=st.sampled_from(Reason),
    latency_ms=FLOAT32,
    model_hash=st.text("0123456789abcdef", max_size=64),
)
transitions = st.builds(
    Transition,
    episode=st.integers(0, 2**32 - 1),
    step=st.integers(0, 2**32 - 1),
    observation=vectors(),
    proposed=proposals,
    executed=vectors(),
    source=st.sampled_from(ActionSource),
    reward=FLOAT32,
    cost=st.sampled_from([0.0, 1.0]),
    next_observation=vectors(),
    terminated=st.booleans(),
    truncated=st.booleans(),
    success=st.booleans(),
    risk=FLOAT32,
)


def sent(message, message_type):
    return deserialize_message(serialize_message(message), message_type)


def assert_same(got, expected) -> None:
    """Equal in every field, bits of arrays and NaN included."""
    assert type(got) is type(expected)
    for name in expected.__slots__:
        a, b = getattr(got, name), getattr(expected, name)
        if isinstance(b, Proposal):
            assert_same(a, b)
        elif isinstance(b, np.ndarray):
            assert a.dtype == np.float32
            np.testing.assert_array_equal(a, b)
        else:
            assert type(a) is type(b), name
            assert a == b or (math.isnan(a) and math.isnan(b)), name


@given(STAMPS)
def test_stamps(stamp):
    assert conversions.stamp_ns(conversions.time_of(stamp)) == stamp


@given(proposals, STAMPS)
def test_proposals(proposal, stamp):
    message = sent(conversions.proposal_message(proposal, conversions.time_of(stamp)), Action)
    assert conversions.stamp_ns(message.state_stamp) == conversions.stamp_ns(message.header.stamp) == stamp
    assert_same(conversions.proposal_of(message), proposal)


@given(decisions, STAMPS)
def test_decisions(decision, stamp):
    message = sent(conversions.decision_message(decision, conversions.time_of(stamp)), ShieldDecision)
    assert_same(conversions.decision_of(message), decision)


@given(transitions, STAMPS)
def test_transitions(transition, stamp):
    message = sent(conversions.transition_message(transition, conversions.time_of(stamp)), TransitionMessage)
    assert_same(conversions.transition_of(message), transition)
    assert message.intervened == transition.intervened


@given(transitions, STAMPS)
def test_the_messages_of_the_graph_are_those_that_bags_are_written_with(transition, stamp):
    ours = sent(conversions.transition_message(transition, conversions.time_of(stamp)), TransitionMessage)
    theirs = messages.transition_message(transition, stamp)
    payload = messages.typestore().serialize_cdr(theirs, messages.TYPES[messages.Topic.TRANSITION])
    assert repr(deserialize_message(bytes(payload), TransitionMessage)) == repr(ours)


@pytest.mark.parametrize("values", [np.arange(6, dtype=np.float32)[::2], np.arange(3.0), np.arange(3)])
def test_any_layout_of_numbers_becomes_a_vector(values):
    np.testing.assert_array_equal(conversions.array_of(conversions.floats(values)), values.astype(np.float32))
