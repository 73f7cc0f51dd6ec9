"""The shield's node: pairs states with proposals in any order, and asks the fail-safe table."""

import itertools
import math
import time

import numpy as np
import pytest
from farl_interfaces.msg import Action, ShieldDecision, State

from farl.models import load_models
from farl.policy import FastPolicy
from farl.presets import Preset, settings_for
from farl.shield import Shield
from farl.types import ActionSource, Proposal, Reason
from farl_ros.conversions import array_of, decision_of, floats, proposal_message, time_of

OBSERVATION = np.linspace(-0.3, 0.3, 10).astype(np.float32)


def state(stamp: int, observation=OBSERVATION, validity: int = State.VALID) -> State:
    message = State(
        task="DiscTable", observation=floats(np.array(observation, np.float32)), validity=validity
    )
    message.header.stamp = time_of(stamp)
    return message


def proposal(stamp: int, values=(0.25, -0.5)) -> Action:
    return proposal_message(Proposal(np.array(values, np.float32), -0.75, 4), time_of(stamp))


@pytest.fixture
def shield(bench, task, models):
    def make(**parameters):
        b = bench(("safety_shield", {"task": task, "models": str(models), **parameters}))
        b.decisions = b.listen(ShieldDecision, "decision")
        b.states, b.proposals = b.publisher(State, "state"), b.publisher(Action, "proposed_action")
        return b

    return make


def test_decisions_are_those_of_the_shield(shield, models):
    b, bundle = shield(), load_models(models)
    policy, recovery = FastPolicy.of(bundle.task_policy), FastPolicy.of(bundle.recovery_policy)
    settings = settings_for(Preset.PAPER, bundle).shield
    reference = Shield(settings, policy, recovery, bundle.world_model, bundle.world_model_hash)
    b.states.publish(state(1))
    b.proposals.publish(proposal(1))
    b.spin(lambda: len(b.decisions) == 1)
    message = b.decisions[0]
    got, expected = (
        decision_of(message),
        reference.check(OBSERVATION, Proposal(np.float32([0.25, -0.5]), -0.75, 4)),
    )
    assert (got.risk, got.source, got.reason) == (expected.risk, expected.source, expected.reason)
    np.testing.assert_array_equal(got.executed, expected.executed)
    np.testing.assert_array_equal(got.step_risk, expected.step_risk)
    assert got.threshold == pytest.approx(0.3)
    assert got.model_hash == bundle.world_model_hash
    assert message.header.stamp == message.proposed.state_stamp == message.executed.state_stamp == time_of(1)
    assert math.isnan(message.executed.log_prob) == (got.source == ActionSource.RECOVERY)


def test_without_a_shield_every_proposal_is_executed(shield):
    b = shield(preset="uni_o4")
    b.proposals.publish(proposal(1))
    b.states.publish(state(1))
    b.spin(lambda: len(b.decisions) == 1)
    message = b.decisions[0]
    assert (message.reason, message.model_hash) == (Reason.SHIELD_OFF, "")
    assert message.executed == message.proposed == proposal(1)
    assert math.isnan(message.risk)
    assert math.isnan(message.threshold)


def test_any_order_of_arrival_gives_one_decision_on_the_newest_state(shield):
    b = shield()
    for order in itertools.permutations(range(4)):
        start = 100 * (len(b.decisions) + 1)
        before = len(b.decisions)
        messages = [state(start), state(start + 1), proposal(start), proposal(start + 1)]
        for index in order:
            message = messages[index]
            (b.states if isinstance(message, State) else b.proposals).publish(message)
            b.settle(0.005)  # else a subscription of depth 1 keeps only the last one
        b.spin(lambda before=before: len(b.decisions) > before)
        b.states.publish(messages[1])  # a duplicate, and one that was overtaken
        b.proposals.publish(messages[3])
        b.states.publish(messages[0])
        b.proposals.publish(messages[2])
        b.settle(0.02)
        stamps = [decision.header.stamp.nanosec for decision in b.decisions[before:]]
        assert stamps in ([start + 1], [start, start + 1]), order


@pytest.mark.parametrize(
    ("given", "proposed"),
    [
        (state(1, validity=State.NOT_FINITE), (0.1, 0.1)),
        (state(1, validity=State.OBJECT_LOST), (0.1, 0.1)),
        (state(1, validity=State.STALE), (0.1, 0.1)),
        (state(1), (math.nan, 0.1)),
        (state(1), (math.inf, 0.1)),
        (state(1, [math.nan, *range(9)], State.NOT_FINITE), (math.nan, math.nan)),
    ],
)
def test_what_is_wrong_with_a_state_or_a_proposal_means_standing_still(shield, given, proposed):
    b = shield()
    b.states.publish(given)
    b.proposals.publish(proposal(1, proposed))
    b.spin(lambda: len(b.decisions) == 1)
    message = b.decisions[0]
    assert (message.reason, message.executed.source) == (Reason.FAILSAFE, ActionSource.HOLD)
    assert list(message.executed.values) == [0.0, 0.0]
    assert message.threshold == pytest.approx(0.3)
    np.testing.assert_array_equal(array_of(message.proposed.values), np.float32(proposed))


def test_in_real_time_an_old_state_means_standing_still(shield):
    b = shield(real_time=True)
    for age, executed in ((0.07, {ActionSource.HOLD}), (0.0, {ActionSource.TASK, ActionSource.RECOVERY})):
        before = len(b.decisions)
        stamp = time.time_ns() - round(age * 1e9)
        b.proposals.publish(proposal(stamp))
        b.states.publish(state(stamp))
        b.spin(lambda before=before: len(b.decisions) > before)
        assert b.decisions[-1].executed.source in executed
        assert (b.decisions[-1].reason == Reason.FAILSAFE) == (age > 0)


def test_in_real_time_a_proposal_that_comes_late_means_the_recovery_action(shield, models):
    b = shield(real_time=True)
    stamp = time.time_ns()
    b.states.publish(state(stamp))
    b.settle(0.05)  # longer than one period (40 ms), shorter than 1.5 of them
    b.proposals.publish(proposal(stamp))
    b.spin(lambda: len(b.decisions) == 1)
    message = b.decisions[0]
    if message.executed.source == ActionSource.HOLD:
        pytest.skip("this machine was too slow: the state had become stale")
    assert (message.reason, message.executed.source) == (Reason.FAILSAFE, ActionSource.RECOVERY)
    recovery = FastPolicy.of(load_models(models).recovery_policy).mean(OBSERVATION)
    np.testing.assert_array_equal(array_of(message.executed.values), recovery)
