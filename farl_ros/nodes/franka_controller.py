"""The last hop: a decision becomes a command to the arm, unless something says that the arm must stand still.

In real time a steady-clock watchdog stops the arm 1.5 control periods after the last fresh decision. In
lock-step time stands still and the watchdog is off; whatever is wrong with a decision, it is answered with a
command (zeros at worst), so that the world always goes on. A fault of the arm latches: it moves again only
after ``~/rearm``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from farl_interfaces.msg import ArmState, ShieldDecision
from farl_interfaces.srv import RearmRobot
from rclpy.clock import Clock, ClockType
from rclpy.context import Context

from farl.failsafe import Condition, Mode, Response, is_stale, respond
from farl.types import ActionSource
from farl_ros import qos
from farl_ros.arm.backend import LATER, ArmBackend, ArmCommand, ArmError, BackendName, StateListener
from farl_ros.arm.fake import FakeBackend
from farl_ros.arm.limits import check_action
from farl_ros.arm.sim import SimBackend
from farl_ros.conversions import array_of, stamp_ns
from farl_ros.nodes.common import FarlNode, NodeError
from farl_ros.nodes.running import main_of

WATCHDOG_PERIODS = 1.5


class FrankaController(FarlNode):
    """Publishes ``arm_state``; offers ``~/rearm``; drives an ``ArmBackend``."""

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("franka_controller", arguments, context)
        self._spec = self.declare_task()
        name = self.declare("backend", "sim", f"the arm: {', '.join(BackendName)}")
        self._real_time = self.declare("real_time", False, "wall clock: the watchdog is armed")
        self._period = 1.0 / self._spec.control_rate_hz
        self._mode, self._fault = ArmState.IDLE, ""
        self._last_ns = -1
        self._states = self.create_publisher(ArmState, "arm_state", qos.STREAM)
        self._diagnostics = self.create_publisher(DiagnosticArray, "diagnostics", qos.EVENTS)
        self.create_service(RearmRobot, "~/rearm", self._on_rearm)
        self.backend = make_backend(name, self, self._spec.action_size, self._publish_state)
        self.backend.__enter__()
        self.create_subscription(ShieldDecision, "decision", self._on_decision, qos.NEWEST)
        if self._real_time:
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self._watchdog = self.create_timer(
                WATCHDOG_PERIODS * self._period, self._on_silence, clock=steady, autostart=False
            )
            self.create_timer(self._period, self._latch_faults, clock=steady)

    def _on_decision(self, decision: ShieldDecision) -> None:
        executed = decision.executed
        stamp = stamp_ns(executed.state_stamp)
        if stamp <= self._last_ns:
            return  # a duplicate, or overtaken
        self._last_ns, self._decided_at = stamp, time.monotonic()
        if self._real_time:
            self._watchdog.reset()
        checked = check_action(array_of(executed.values), self._spec.action_size)
        conditions = checked.condition
        message = checked.message
        if self._real_time:
            age = (self.get_clock().now().nanoseconds - stamp) * 1e-9
            if is_stale(age, self._period, WATCHDOG_PERIODS):
                conditions |= Condition.STALE_STATE
                message = f"the decision's state is {age:.3f} s old"
        faults = self.backend.events()
        if faults:
            conditions |= Condition.ARM_FAULT
            message = "; ".join(str(fault) for fault in faults)
        response = respond(conditions, self._failsafe_mode()).response
        if response == Response.EXECUTE:
            source = ActionSource(executed.source)
            command = ArmCommand(checked.values, source, stamp, executed.log_prob, executed.policy_version)
            self._move(command)
        elif response == Response.LATCH:
            self._latch(message)
            self._hold(stamp, ArmState.LATCHED)
        else:
            self.get_logger().warn(f"standing still: {message}", throttle_duration_sec=1.0)
            self._fault = message
            self._hold(stamp, ArmState.HOLDING)

    def _failsafe_mode(self) -> Mode:
        return Mode.LATCHED if self._mode == ArmState.LATCHED else Mode.ONLINE

    def _move(self, command: ArmCommand) -> None:
        self._mode = ArmState.HOLDING if command.source == ActionSource.HOLD else ArmState.MOVING
        self._fault = ""
        try:
            self.backend.command(command)
        except ArmError as error:
            self._latch(str(error))
            self._hold(command.stamp_ns, ArmState.LATCHED)

    def _hold(self, stamp: int, mode: int) -> None:
        self._mode = mode
        try:
            self.backend.hold(stamp)
        except ArmError as error:
            self._latch(f"{self._fault}; and it did not confirm standing still: {error}")
            self._report_mode()

    def _latch(self, fault: str) -> None:
        if self._mode != ArmState.LATCHED:
            self._mode, self._fault = ArmState.LATCHED, fault
            self.get_logger().error(f"latched until somebody calls ~/rearm: {fault}")

    def _latch_faults(self) -> None:
        """Latch what has befallen the arm, whether or not decisions come."""
        faults = self.backend.events()
        if faults and self._mode != ArmState.LATCHED:
            self._latch("; ".join(str(fault) for fault in faults))
            self._hold(self._last_ns, ArmState.LATCHED)
            self._report_mode()

    def _on_silence(self) -> None:
        """Stop the arm: no fresh decision has come in time."""
        self._watchdog.cancel()
        self._latch_faults()
        if respond(Condition.STALE_STATE, self._failsafe_mode()).response == Response.LATCH:
            return  # it stands still already
        self._fault = f"no decision for {WATCHDOG_PERIODS} control periods"
        self._hold(self._last_ns, ArmState.HOLDING)
        self._report_stop(time.monotonic() - self._decided_at)
        self._report_mode()

    def _report_stop(self, latency: float) -> None:
        self.get_logger().warn(f"standing still: {self._fault}", throttle_duration_sec=1.0)
        status = DiagnosticStatus(
            level=DiagnosticStatus.WARN,
            name=f"{self.get_name()}: watchdog",
            message=self._fault,
            values=[KeyValue(key="stop_latency_s", value=f"{latency:.6f}")],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def _on_rearm(self, request: RearmRobot.Request, response: RearmRobot.Response) -> RearmRobot.Response:
        if self._mode != ArmState.LATCHED:
            response.ok, response.message = False, "nothing is latched"
            return response
        try:
            self.backend.hold(self._last_ns)  # where it is measured to be, before it may move at all
            self.backend.recover()
        except ArmError as error:
            response.ok, response.message = False, f"still latched: {error}"
            return response
        self.get_logger().info(f"re-armed by: {request.operator_note!r}; the fault was: {self._fault}")
        self._mode, self._fault = ArmState.HOLDING, ""
        self._report_mode()
        response.ok, response.message = True, "armed; holding the measured pose"
        return response

    def _report_mode(self) -> None:
        state = self.backend.state()
        if state is not None:
            self._publish_state(state)

    def _publish_state(self, state: ArmState) -> None:
        state.mode, state.fault = self._mode, self._fault
        self._states.publish(state)

    def close(self) -> None:
        """Stand still and disconnect."""
        self.backend.__exit__(None, None, None)


def make_backend(name: str, node: FrankaController, action_size: int, on_state: StateListener) -> ArmBackend:
    """The arm of that name.

    Raises:
        NodeError: There is none.
    """
    if name == BackendName.SIM:
        return SimBackend(node, action_size, on_state)
    if name == BackendName.FAKE:
        return FakeBackend(action_size, on_state)
    expected = f"expected one of {', '.join(BackendName)}"
    raise NodeError(f"parameter 'backend' is {name!r}: {LATER.get(name, 'there is no such arm')}; {expected}")


main = main_of(FrankaController)

if __name__ == "__main__":
    main()
