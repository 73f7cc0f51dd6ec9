"""The last hop before the arm: what reaches it, when it stands still, and how it moves again."""

import math
import time
from itertools import pairwise

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from farl_interfaces.msg import Action, ArmState, EpisodeEvent, ShieldDecision
from farl_interfaces.srv import RearmRobot
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from farl.failsafe import Condition
from farl.types import ActionSource, Decision, Proposal, Reason
from farl_ros.arm.backend import ArmError, FaultKind
from farl_ros.arm.commander import Commander
from farl_ros.conversions import decision_message, time_of
from farl_ros.nodes.common import NodeError

PERIOD = 0.04


def decision(stamp: int, values=(0.25, -0.5), source=ActionSource.TASK) -> ShieldDecision:
    executed = np.array(values, np.float32)
    proposed = Proposal(executed, -0.75, 4)
    return decision_message(
        Decision(0.1, 0.3, np.zeros(0, np.float32), proposed, executed, source, Reason.SAFE, 0.2, ""),
        time_of(stamp),
    )


@pytest.fixture
def controller(bench, task):
    def make(backend="fake", **parameters):
        b = bench(("franka_controller", {"task": task, "backend": backend, **parameters}))
        b.arm = b.nodes["franka_controller"].backend
        b.decisions, b.states = b.publisher(ShieldDecision, "decision"), b.listen(ArmState, "arm_state")
        return b

    return make


def send(b, message: ShieldDecision) -> None:
    before = len(b.arm.commands)
    b.decisions.publish(message)
    b.spin(lambda: len(b.arm.commands) > before)


def sent(b) -> list[tuple[list[float], ActionSource]]:
    return [(command.values.tolist(), command.source) for command in b.arm.commands]


def test_a_decision_becomes_a_command(controller):
    b = controller()
    send(b, decision(7))
    (command,) = b.arm.commands
    assert command.values.tolist() == [0.25, -0.5]
    assert (command.source, command.stamp_ns, command.log_prob, command.policy_version) == (0, 7, -0.75, 4)
    b.spin(lambda: len(b.states) == 1)
    assert (b.states[0].mode, b.states[0].fault) == (ArmState.MOVING, "")


def test_the_simulated_arm_gets_the_same_as_a_message(controller):
    b = controller(backend="sim")
    commands = b.listen(Action, "arm_command")
    b.decisions.publish(decision(7))
    b.spin(lambda: len(commands) == 1)
    assert commands[0] == decision(7).executed
    measured = ArmState()
    measured.end_effector_pose.position.x = 0.125
    b.publisher(ArmState, "sim/arm_state").publish(measured)
    b.spin(lambda: len(b.states) == 1)
    assert b.states[0].end_effector_pose.position.x == 0.125
    assert b.states[0].mode == ArmState.MOVING


def test_actions_are_clipped(controller):
    b = controller()
    send(b, decision(1, (1.0 + 1e-6, -7.0)))
    assert sent(b) == [([1.0, -1.0], ActionSource.TASK)]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((math.nan, 0.0), "not finite"),
        ((0.0, -math.inf), "not finite"),
        ((0.5,), r"shape (1,), expected (2,)"),
        ((), r"shape (0,), expected (2,)"),
        ((0.1, 0.2, 0.3), r"shape (3,), expected (2,)"),
    ],
)
def test_an_unusable_action_is_answered_with_standing_still_and_the_next_good_one_moves(
    controller, values, text
):
    b = controller()
    send(b, decision(1, values))
    assert sent(b) == [([0.0, 0.0], ActionSource.HOLD)]
    b.spin(lambda: len(b.states) == 1)
    assert b.states[0].mode == ArmState.HOLDING
    assert text in b.states[0].fault
    send(b, decision(2))
    b.spin(lambda: len(b.states) == 2)
    assert (b.states[1].mode, b.states[1].fault) == (ArmState.MOVING, "")


def test_duplicates_and_overtaken_decisions_do_not_move_the_arm(controller):
    b = controller()
    for stamp in (5, 5, 3, 6, 1, 6):
        b.decisions.publish(decision(stamp))
        b.settle(0.02)
    assert [command.stamp_ns for command in b.arm.commands] == [5, 6]


def test_a_fault_latches_until_somebody_rearms_and_then_the_measured_pose_is_held_before_it_moves(controller):
    b = controller()
    assert b.call(RearmRobot, "franka_controller/rearm").message == "nothing is latched"
    send(b, decision(1))
    b.arm.pending.append(ArmError(FaultKind.COMMUNICATION, "three packets lost"))
    send(b, decision(2))
    send(b, decision(3))
    assert sent(b)[1:] == [([0.0, 0.0], ActionSource.HOLD)] * 2
    b.spin(lambda: len(b.states) == 4)  # the commands' three, and one that tells of the fault
    assert {state.mode for state in b.states[1:]} == {ArmState.LATCHED}
    assert "three packets lost" in b.states[-1].fault

    b.arm.fail_with = ArmError(FaultKind.USER_STOP, "the button is pressed")
    answer = b.call(RearmRobot, "franka_controller/rearm", operator_note="AB")
    assert not answer.ok
    assert "the button is pressed" in answer.message
    b.arm.fail_with = None
    b.arm.calls.clear()
    assert b.call(RearmRobot, "franka_controller/rearm", operator_note="AB").ok
    assert b.arm.calls[:2] == ["recover", "hold"]
    b.spin(lambda: b.states[-1].mode == ArmState.HOLDING)
    assert b.states[-1].fault == ""
    send(b, decision(4))
    assert sent(b)[-1] == ([0.25, -0.5], ActionSource.TASK)


def test_an_arm_that_refuses_a_command_is_latched(controller):
    b = controller()
    b.arm.fail_with = ArmError(FaultKind.COMMUNICATION, "three packets lost")
    b.decisions.publish(decision(1))
    b.spin(lambda: bool(b.states))
    assert b.states[-1].mode == ArmState.LATCHED
    assert "three packets lost" in b.states[-1].fault
    assert b.arm.commands == []
    assert b.arm.calls == ["connect", "command", "hold"]


def test_in_real_time_a_frozen_shield_stops_the_arm_after_one_and_a_half_periods(controller):
    b = controller(real_time=True)
    diagnostics = b.listen(DiagnosticArray, "diagnostics")
    latencies = []
    for _ in range(5):
        for _ in range(3):  # a shield that works
            last = time.monotonic()
            send(b, decision(time.time_ns()))
        before = len(b.arm.commands)
        b.spin(lambda before=before: len(b.arm.commands) > before)  # and one that is frozen
        latencies.append(time.monotonic() - last)
        assert sent(b)[-1] == ([0.0, 0.0], ActionSource.HOLD)
    b.settle(3 * PERIOD)
    sources = [source for _, source in sent(b)]
    assert sources.count(ActionSource.TASK) == 5 * 3
    stopped = [a == b == ActionSource.HOLD for a, b in pairwise(sources)]
    assert not any(stopped)  # one stop, not one in each period
    assert b.states[-1].mode == ArmState.HOLDING
    assert b.states[-1].fault == "no decision for 1.5 control periods"
    assert min(latencies) > 1.2 * PERIOD
    assert np.median(latencies) < 2.0 * PERIOD
    stops = [m.status[0] for m in diagnostics if m.status[0].name.endswith("watchdog")]
    measured = [float(status.values[0].value) for status in stops]
    assert len(measured) == sources.count(ActionSource.HOLD) >= 5  # a slow machine adds silences of its own
    assert np.median(measured) == pytest.approx(1.5 * PERIOD, rel=0.2)


@pytest.mark.parametrize("silent_s", [0.0, 3 * PERIOD])  # before and after the watchdog
def test_in_real_time_a_fault_latches_even_when_the_shield_is_silent(controller, silent_s):
    b = controller(real_time=True)
    send(b, decision(time.time_ns()))
    b.settle(silent_s)
    b.arm.pending.append(ArmError(FaultKind.COMMUNICATION, "three packets lost"))
    b.spin(lambda: b.states[-1].mode == ArmState.LATCHED, 1.0)
    assert "three packets lost" in b.states[-1].fault
    assert sent(b)[-1] == ([0.0, 0.0], ActionSource.HOLD)
    assert b.call(RearmRobot, "franka_controller/rearm", operator_note="AB").ok


def test_the_watchdog_asks_the_arm_for_faults(controller):
    b = controller(real_time=True)
    node = b.nodes["franka_controller"]
    send(b, decision(time.time_ns()))
    b.arm.pending.append(ArmError(FaultKind.COMMUNICATION, "three packets lost"))
    node._on_silence()
    b.spin(lambda: b.states[-1].mode == ArmState.LATCHED, 1.0)
    b.settle(3 * PERIOD)
    assert "three packets lost" in b.states[-1].fault


def test_in_real_time_a_decision_on_an_old_state_means_standing_still(controller):
    b = controller(real_time=True)
    send(b, decision(time.time_ns() - round(2 * PERIOD * 1e9)))
    assert sent(b) == [([0.0, 0.0], ActionSource.HOLD)]
    b.spin(lambda: bool(b.states))
    assert "s old" in b.states[0].fault


def test_in_lock_step_time_stands_still(controller):
    b = controller()
    send(b, decision(1))
    b.settle(3 * PERIOD)
    assert len(b.arm.commands) == 1


def test_arms_that_do_not_exist_are_named(controller):
    with pytest.raises(NodeError, match=r"'backend': no arm 'pr2'; .* Available: sim, fake, franky"):
        controller(backend="pr2")
    with pytest.raises(NodeError, match="'host' is empty; expected the name or address of the robot"):
        controller(backend="franky")
    with pytest.raises(NodeError, match="'motion' is 'fast'; expected one of velocity, pose, impedance"):
        controller(backend="franky", host="127.0.0.1", motion="fast")


@pytest.mark.parametrize("kind", FaultKind)
def test_only_reflex_and_motion_limit_are_cleared_without_a_person(controller, kind):
    b = controller()
    send(b, decision(1))
    b.arm.calls.clear()
    b.arm.pending.append(ArmError(kind, "bang"))
    b.decisions.publish(decision(2))
    cleared = kind in (FaultKind.REFLEX, FaultKind.MOTION_LIMIT)
    b.spin(lambda: b.states[-1].mode == (ArmState.HOLDING if cleared else ArmState.LATCHED))
    assert ("recover automatically" in b.arm.calls) == cleared
    told = [state.fault for state in b.states if state.mode == ArmState.LATCHED]
    assert told and all("bang" in fault for fault in told)  # cleared or not, the fault was told
    send(b, decision(3))
    assert sent(b)[-1] == (([0.25, -0.5], ActionSource.TASK) if cleared else ([0.0, 0.0], ActionSource.HOLD))


def test_a_reflex_that_a_command_meets_is_cleared_like_one_that_the_arm_tells_of(controller, monkeypatch):
    b = controller()
    command = b.arm.command

    def refuse_once(sent):
        monkeypatch.setattr(b.arm, "command", command)
        raise ArmError(FaultKind.REFLEX, "bang")

    monkeypatch.setattr(b.arm, "command", refuse_once)
    b.decisions.publish(decision(1))
    b.spin(lambda: bool(b.states) and b.states[-1].mode == ArmState.HOLDING)
    assert "recover automatically" in b.arm.calls
    assert any(state.mode == ArmState.LATCHED and "bang" in state.fault for state in b.states)
    send(b, decision(2))
    assert sent(b)[-1] == ([0.25, -0.5], ActionSource.TASK)


def test_an_arm_that_cannot_be_cleared_stays_latched(controller):
    b = controller()
    send(b, decision(1))
    b.arm.pending.append(ArmError(FaultKind.REFLEX, "bang"))
    b.arm.fail_with = ArmError(FaultKind.REFLEX, "three in a row")
    b.decisions.publish(decision(2))
    b.spin(lambda: bool(b.states) and b.states[-1].mode == ArmState.LATCHED)
    b.arm.fail_with = None
    send(b, decision(3))
    assert sent(b)[-1][1] == ActionSource.HOLD


def test_automatic_recovery_can_be_switched_off(controller):
    b = controller(automatic_recovery=False)
    send(b, decision(1))
    b.arm.pending.append(ArmError(FaultKind.REFLEX, "bang"))
    send(b, decision(2))
    send(b, decision(3))
    assert sent(b)[-1][1] == ActionSource.HOLD and "recover automatically" not in b.arm.calls


def test_clippings_and_punctuality_are_published(controller):
    b = controller(real_time=True)
    diagnostics = b.listen(DiagnosticArray, "diagnostics")
    for _ in range(4):
        send(b, decision(time.time_ns(), (7.0, 0.0)))

    def control():
        return [m.status[0] for m in diagnostics if m.status[0].name.endswith("control")]

    b.spin(lambda: len(control()) == 1, 3.0)
    figures = {pair.key: float(pair.value) for pair in control()[0].values}
    assert figures["clipped_clip"] == 4.0
    assert figures["intervals"] == 3.0 and figures["longest_interval_s"] > 0.0


FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(arrays(np.float32, st.integers(0, 5), elements=FLOATS))
def test_whatever_comes_a_checked_action_is_one_that_an_arm_may_get(values):
    checked = Commander(3).prepare(values, None)
    assert checked.values.shape == (3,)
    assert np.isfinite(checked.values).all()
    assert np.abs(checked.values).max() <= 1.0
    usable = values.shape == (3,) and bool(np.isfinite(values).all())
    assert (checked.condition == Condition.NOT_FINITE) == (not usable) == bool(checked.message)
    if usable:
        np.testing.assert_array_equal(checked.values, np.clip(values, -1.0, 1.0))
        assert (checked.condition == Condition.LIMIT_HIT) == bool(np.abs(values).max() > 1.0)


def episode_event(kind: int, stamp: int) -> EpisodeEvent:
    message = EpisodeEvent(event=kind)
    message.header.stamp = time_of(stamp)
    return message


def test_on_a_robot_decisions_move_the_arm_in_episodes_and_the_scene_between_them(controller):
    b = controller(episodes_only=True)
    events, actions = b.publisher(EpisodeEvent, "episode_event"), b.publisher(Action, "scene_action")
    told = b.listen(Action, "arm_command")

    def scene(stamp):
        actions.publish(decision(stamp, source=ActionSource.REPLAY).executed)
        b.settle(0.05)

    b.decisions.publish(decision(1))  # no episode yet
    b.settle(0.05)
    assert b.arm.commands == []
    scene(2)
    assert sent(b) == [([0.25, -0.5], ActionSource.REPLAY)]
    events.publish(episode_event(EpisodeEvent.STARTED, 10))
    b.settle(0.05)
    scene(11)  # not in an episode
    send(b, decision(12))
    events.publish(episode_event(EpisodeEvent.FAILED, 12))
    b.settle(0.05)
    send(b, decision(13))
    events.publish(episode_event(EpisodeEvent.SUCCEEDED, 14))
    b.spin(lambda: len(b.arm.commands) == 4)
    b.decisions.publish(decision(14))  # on the last state, too late
    b.settle(0.05)
    assert sent(b)[1:] == [
        ([0.25, -0.5], ActionSource.TASK),
        ([0.25, -0.5], ActionSource.TASK),
        ([0.0, 0.0], ActionSource.HOLD),
    ]
    b.spin(lambda: len(told) == 4)
    assert [list(command.values) for command in told] == [values for values, _ in sent(b)]
    assert [command.source for command in told] == [source for _, source in sent(b)]
    assert told[1].state_stamp == time_of(12)


def test_the_end_of_an_episode_does_not_unlatch_a_fault(controller):
    b = controller(episodes_only=True)
    events = b.publisher(EpisodeEvent, "episode_event")
    events.publish(episode_event(EpisodeEvent.STARTED, 1))
    b.settle(0.05)
    b.arm.pending.append(ArmError(FaultKind.USER_STOP, "the button is pressed"))
    send(b, decision(2))
    events.publish(episode_event(EpisodeEvent.TIMED_OUT, 3))
    b.settle(0.05)
    assert b.states[-1].mode == ArmState.LATCHED
    assert b.call(RearmRobot, "franka_controller/rearm", operator_note="AB").ok
