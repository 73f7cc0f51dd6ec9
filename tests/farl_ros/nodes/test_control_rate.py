"""The controller at other rates than the task's: how far a command leads, when the arm is stopped."""

import math
import time

import numpy as np
import pytest
from farl_interfaces.msg import ArmState, ShieldDecision

from farl.types import ActionSource, Decision, Proposal, Reason
from farl_ros.arm import make
from farl_ros.arm.fake import FakeBackend
from farl_ros.arm.franky_options import FrankyOptions
from farl_ros.conversions import decision_message, time_of
from farl_ros.nodes.common import NodeError

RATES = (5.0, 20.0, 50.0)
TASK = "FrankaDisturbedPush"  # 5 Hz; an action of 1 is 0.03 m each time, which is 0.15 m/s


def decision(stamp: int, values: tuple[float, ...]) -> ShieldDecision:
    executed = np.array(values, np.float32)
    return decision_message(
        Decision(
            0.1,
            0.3,
            np.zeros(0, np.float32),
            Proposal(executed, -0.75, 4),
            executed,
            ActionSource.TASK,
            Reason.SAFE,
            0.2,
            "",
        ),
        time_of(stamp),
    )


@pytest.fixture
def controller(bench, monkeypatch):
    """The controller as for a real arm, with its command chain, but an arm in memory."""
    made: list[FrankyOptions] = []

    def arm(robot, options, action_size, on_state):
        made.append(options)
        return FakeBackend(action_size, on_state)

    monkeypatch.setattr(make, "FrankyBackend", arm)

    def start(rate: float | None = None, **parameters):
        rates = {} if rate is None else {"control_rate": rate}
        settings = {"task": TASK, "backend": "franky", "robot": "fr3", "host": "none", **rates, **parameters}
        b = bench(("franka_controller", settings))
        b.node = b.nodes["franka_controller"]
        b.arm, b.options = b.node.backend, made[-1]
        b.decisions, b.states = b.publisher(ShieldDecision, "decision"), b.listen(ArmState, "arm_state")
        return b

    return start


def send(b, message: ShieldDecision) -> None:
    before = len(b.arm.commands)
    b.decisions.publish(message)
    b.spin(lambda: len(b.arm.commands) > before)


def targets(b) -> np.ndarray:
    return np.array([c.target.position for c in b.arm.commands if c.source == ActionSource.TASK])


def test_the_rate_is_the_tasks_unless_another_is_asked_for(controller):
    b = controller()
    assert b.options.period == 0.2
    send(b, decision(1, (1.0, 0.0, 0.0)))
    assert targets(b)[0] == pytest.approx([0.03, 0.0, 0.0])


@pytest.mark.parametrize("rate", [0.0, 0.99, 50.1, 1000.0, -5.0, math.nan, math.inf])
def test_a_rate_that_no_arm_is_driven_at_is_refused(controller, rate):
    with pytest.raises(NodeError, match=r"parameter 'control_rate' is .* Hz; expected 1 to 50 Hz"):
        controller(rate)


def test_the_simulated_arm_moves_at_its_tasks_rate_only(controller):
    with pytest.raises(
        NodeError, match="is 50 Hz, but the simulated arm moves at the rate of its task, 5 Hz"
    ):
        controller(50.0, backend="sim")


@pytest.mark.parametrize(("rate", "way"), [(5.0, 0.03), (20.0, 0.0075), (50.0, 0.003)])
def test_an_action_is_a_speed_whatever_the_rate(controller, rate, way):
    b = controller(rate)
    assert b.options.period == pytest.approx(1.0 / rate)
    for stamp in range(1, 4):
        send(b, decision(stamp, (1.0, -0.5, 0.0)))
    ways = np.diff(targets(b), axis=0)
    # 0.15 m/s is the most that a target may move: the way of 1 and 0.5 is shortened to it
    assert np.linalg.norm(ways, axis=1) == pytest.approx([way, way])
    assert ways[:, 1] / ways[:, 0] == pytest.approx([-0.5, -0.5])


@pytest.mark.parametrize("rate", RATES)
def test_the_arm_is_stopped_one_and_a_half_periods_after_the_last_decision(controller, rate):
    b = controller(rate, real_time=True)
    latencies = []
    for _ in range(3):
        send(b, decision(time.time_ns(), (0.1, 0.0, 0.0)))
        decided, before = time.monotonic(), len(b.arm.commands)
        b.spin(lambda before=before: len(b.arm.commands) > before)
        latencies.append(time.monotonic() - decided)
        assert b.arm.commands[-1].source == ActionSource.HOLD
    assert np.median(latencies) == pytest.approx(1.5 / rate, abs=0.02)
    b.spin(lambda: b.states[-1].fault == "no decision for 1.5 control periods")


@pytest.mark.parametrize("rate", RATES)
def test_how_old_a_decision_may_be_is_counted_in_periods(controller, rate):
    b = controller(rate, real_time=True)
    send(b, decision(time.time_ns() - round(1.6e9 / rate), (0.1, 0.0, 0.0)))
    assert b.arm.commands[-1].source == ActionSource.HOLD
    b.spin(lambda: "s old" in b.states[-1].fault)
