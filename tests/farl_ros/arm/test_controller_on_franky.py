"""The controller node on an emulated FR3 (tests/fci), in real time: rates, ``arm_state``, every fault."""

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
from farl_interfaces.msg import ArmState

from farl_ros.arm.franky_options import MotionMode
from farl_ros.arm.robots import REST
from tests.farl_ros.arm.metronome import measured
from tests.farl_ros.arm.node_driving import ControlledArm
from tests.fci.body import CYCLE
from tests.fci.process import FciProcess

pytest.importorskip("franky", reason="needs the franky library (requirements/franka.txt)")
from tests.farl_ros.arm.faults import PACE, Fault, befall, pace_between

pytestmark = pytest.mark.slow

LEAST_STATES, LONGEST_GAP = 50.0, 0.1  # [Hz, s]
NOTICED = {Fault.DROP: 0.35, Fault.FREEZE: 0.35}
"""Bounds other than REST: a silent robot is known as one after 0.2 s [s]."""
KINDS = {
    Fault.SILENCE: "no decision for 1.5 control periods",
    Fault.REFUSED: "not finite",
    Fault.REFLEX: "reflex: ",
    Fault.MOTION_LIMIT: "motion_limit: ",
    Fault.COMMUNICATION: "communication: ",
    Fault.USER_STOP: "user_stop: ",
    Fault.DROP: "network: ",
    Fault.FREEZE: "network: ",
}
BY_ITSELF = (Fault.SILENCE, Fault.REFUSED, Fault.STOP, Fault.REFLEX, Fault.MOTION_LIMIT)


BURN = "import time; end = time.monotonic() + 6.0\nwhile time.monotonic() < end: pass"
"""Computes, and ends by itself whatever becomes of the test."""


@contextmanager
def busy_machine():
    """A process that computes, on every processor but one, for the next six seconds."""
    with ExitStack() as processes:
        for _ in range(max(1, (os.cpu_count() or 1) - 1)):
            burner = processes.enter_context(subprocess.Popen([sys.executable, "-c", BURN]))
            processes.callback(burner.kill)
        yield


def rest_of(report):
    """Until the end-effector stood, by the arm's own clock [s]."""
    return (report["moved_cycle"] - report["broken_cycle"]) * CYCLE


@pytest.mark.parametrize("rate", [5.0, 50.0])
def test_the_arm_follows_and_rests_when_no_decision_comes(rate):
    speed = np.array([0.0, 0.1, 0.0])

    def follow():
        with FciProcess() as server, ControlledArm(server.host, rate) as arm:
            start, before = arm.now.position, server.report()
            ends = arm.drive(speed.tolist(), 1.6)
            due = arm.decided_at + arm.period
            arm.settle(1.2)
            report = server.tell(f"since {due}")
            overruns = sum(figures["overruns"] for figures in arm.figures("control"))
            kept = pace_between(before, report) >= PACE
            return (start, ends, report, arm.figures("watchdog"), overruns) if kept else None

    start, ends, report, watchdogs, overruns = measured(follow)
    (watchdog,) = watchdogs
    targets = start + np.outer(np.arange(1, len(ends) + 1) / rate, speed)
    errors = np.linalg.norm(np.array([heard.position for heard in ends]) - targets, axis=1)
    velocity = np.array([heard.state.end_effector_twist.linear.y for heard in ends])
    rest = rest_of(report)
    print(
        f"\n{rate:g} Hz, 10 cm/s: behind {1e3 * np.mean(errors[len(errors) // 2 :]):.1f} mm mean, "
        f"{1e3 * errors.max():.1f} mm most; at rest {1e3 * rest:.0f} ms after the missed decision was due; "
        f"zero velocity commanded after {1e3 * watchdog['stop_latency_s']:.0f} ms; {overruns:.0f} overruns"
    )
    assert {heard.state.mode for heard in ends} == {ArmState.MOVING}
    assert errors.max() < 0.02 and np.mean(errors[len(errors) // 2 :]) < 0.006
    assert velocity[len(velocity) // 2 :] == pytest.approx(0.1, abs=0.02)  # and it does not swing
    assert rest < REST
    assert watchdog["stop_latency_s"] == pytest.approx(1.5 / rate, abs=0.05)


@pytest.mark.parametrize("rate", [5.0, 50.0])
@pytest.mark.parametrize("load", [False, True], ids=["as it is", "busy"])
def test_states_come_at_50_hz_or_better(rate, load):
    def listen():
        with FciProcess() as server, ControlledArm(server.host, rate) as arm, ExitStack() as loads:
            if load:
                loads.enter_context(busy_machine())
                arm.settle(0.2)
            first = len(arm.heard)
            for way in (0.05, -0.05, 0.05, -0.05):
                arm.drive((0.0, way, 0.0), 1.0)
            return arm.heard[first:]

    heard = measured(listen)
    came = np.array([h.at for h in heard])
    # by their own stamps too: none comes twice
    stamps = [h.state.header.stamp.sec + 1e-9 * h.state.header.stamp.nanosec for h in heard]
    frequency, gaps = (len(came) - 1) / (came[-1] - came[0]), np.diff(came)
    print(
        f"\narm_state, decisions at {rate:g} Hz{', busy machine' if load else ''}: {frequency:.0f} Hz, gaps "
        f"p50 {1e3 * np.median(gaps):.0f}, p99 {1e3 * np.quantile(gaps, 0.99):.0f}, "
        f"longest {1e3 * gaps.max():.0f} ms"
    )
    assert frequency >= LEAST_STATES
    assert gaps.max() < LONGEST_GAP
    assert (np.diff(stamps) > 0.0).all()


def test_motions_that_are_waited_for_do_not_set_the_watchdog_off():
    def wait_for_each():
        with FciProcess() as server, ControlledArm(server.host, motion=MotionMode.POSE) as arm:
            start, before = arm.now.position, server.report()
            arm.drive((0.0, 0.15, 0.0), 2.0)
            due, faults = arm.decided_at + arm.period, {h.state.fault for h in arm.heard}
            moved = arm.now.position - start
            arm.settle(1.2)
            report = server.tell(f"since {due}")
            return (faults, moved, report) if pace_between(before, report) >= PACE else None

    faults, moved, report = measured(wait_for_each)
    rest = rest_of(report)
    print(f"\npose: {1e3 * moved[1]:.0f} mm in 2 s; at rest {1e3 * rest:.0f} ms after the missed decision")
    assert faults == {""}
    assert moved[1] > 0.06 and np.abs(moved[[0, 2]]).max() < 1e-3
    assert rest < REST


# The fault matrix of docs/faults.md.


@pytest.mark.parametrize("motion", list(MotionMode))
@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_fault(fault, motion):
    if fault == Fault.STOP and motion == MotionMode.POSE:
        pytest.skip("a motion that is waited for has ended before anybody can stop it")
    outcome = measured(lambda: befall(fault, motion))
    print(f"\n{motion}: {fault}: {outcome}")
    if fault == Fault.FREEZE:
        assert np.isnan(outcome.at_rest)  # nobody can know
    else:
        assert outcome.at_rest < REST
    if fault != Fault.STOP:
        assert KINDS[fault] in outcome.recorded
    if fault in KINDS and fault != Fault.SILENCE:
        assert outcome.noticed < NOTICED.get(fault, REST)
    assert outcome.mode == (ArmState.HOLDING if fault in BY_ITSELF and fault != Fault.STOP else outcome.mode)
    assert outcome.by_itself == (fault in BY_ITSELF)
    assert outcome.moves_again
