"""The last hop: a decision becomes a command to the arm, unless something says that the arm must stand still.

In real time a steady-clock watchdog stops the arm 1.5 control periods after the last fresh decision. In
lock-step time stands still and the watchdog is off; whatever is wrong with a decision, it is answered with a
command (zeros at worst), so that the world always goes on. A fault of the arm latches: it moves again only
after ``~/rearm``, but for a few reflexes and motion limits in a row, which it may clear by itself.

The control rate is how often decisions come, one command each; watchdog, dead-man, overruns and the age that
a decision may have are counted in its periods. An action keeps the *speed* that it has in the task: at ten
times the task's rate it asks for a tenth of the way. Whoever sets another rate than the task's runs the nodes
before this one at it too; models are trained on, and bags say, the task's.

On a robot (``episodes_only``) a decision moves the arm only while an episode runs; between episodes only the
scene does, on its way to the start pose, through the same limits and watchdog. In shadow mode nothing does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from farl_interfaces.msg import Action, ArmState, EpisodeEvent, ShieldDecision
from farl_interfaces.srv import RearmRobot
from rclpy.clock import Clock, ClockType
from rclpy.context import Context

from farl.failsafe import Condition, Mode, Response, is_stale, respond
from farl.types import ActionSource
from farl_ros import qos
from farl_ros.arm.backend import ArmCommand, ArmError, FaultKind
from farl_ros.arm.commander import Commander, Prepared
from farl_ros.arm.held_still import HeldStill
from farl_ros.arm.make import ArmRequest, make_arm
from farl_ros.arm.punctuality import Punctuality
from farl_ros.arm.registry import BackendName
from farl_ros.conversions import action_message, array_of, pose_of, stamp_ns, time_of
from farl_ros.episode_gate import EpisodeGate
from farl_ros.messages import Event
from farl_ros.nodes.common import FarlNode, NodeError
from farl_ros.nodes.running import main_of

WATCHDOG_PERIODS = 1.5
FAULTS_PERIOD = 0.02
"""Between two looks at the arm's faults when no decision comes [s]."""
REPORT_PERIOD = 1.0
"""Between two reports to ``/diagnostics`` [s]."""
AUTOMATIC = (FaultKind.REFLEX, FaultKind.MOTION_LIMIT)
"""Faults that the arm may clear by itself, as often as its backend allows."""


class FrankaController(FarlNode):
    """Publishes ``arm_state``; offers ``~/rearm``; drives an ``ArmBackend``."""

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("franka_controller", arguments, context)
        self._spec = self.declare_task()
        request = ArmRequest(
            backend=self.declare("backend", "sim", f"the arm: {', '.join(BackendName)}, or a package's own"),
            control_rate=self.declare(
                "control_rate", self._spec.control_rate_hz, "decisions and commands per second [Hz], 1 to 50"
            ),
            robot=self.declare("robot", "panda", "robot name, or a robot YAML file"),
            host=self.declare("host", "", "name or address of the robot"),
            motion=self.declare("motion", "velocity", "how a target becomes a motion"),
            enforce_real_time=self.declare("enforce_real_time", True, "refuse a kernel without real time"),
        )
        self._real_time = self.declare("real_time", False, "wall clock: the watchdog is armed")
        self._heals = self.declare(
            "automatic_recovery", True, "a few reflexes or motion limits in a row clear without a person"
        )
        self._shadow = self.declare("shadow", False, "hold the arm still, whatever is decided")
        gated = self.declare("episodes_only", False, "on a robot: stand still but in episodes and resets")
        self._gate = EpisodeGate() if gated else None
        try:
            self._period = request.period(self._spec)
        except ValueError as error:
            raise NodeError(str(error)) from error
        self._punctuality = Punctuality(self._period, WATCHDOG_PERIODS)
        self._gripper_share: float | None = None
        self._healed = 0
        self._mode, self._fault = ArmState.IDLE, ""
        self._last_ns = -1
        self._states = self.create_publisher(ArmState, "arm_state", qos.STREAM)
        self._diagnostics = self.create_publisher(DiagnosticArray, "diagnostics", qos.EVENTS)
        self.create_service(RearmRobot, "~/rearm", self._on_rearm)
        try:
            arm = make_arm(request, self, self._spec, self._publish_state)
            self.backend = HeldStill(arm.backend) if self._shadow else arm.backend
            self._gripper = arm.gripper
            self._commander = Commander(self._spec.action_size, arm.chain)
            self.backend.__enter__()
        except (ArmError, ValueError) as error:
            raise NodeError(str(error)) from error
        self._told = None  # the simulated arm's commands are published by its backend
        if request.backend != BackendName.SIM:
            self._told = self.create_publisher(Action, "arm_command", qos.STREAM)
        self.create_subscription(ShieldDecision, "decision", self._on_decision, qos.NEWEST)
        if self._gate is not None:
            self.create_subscription(EpisodeEvent, "episode_event", self._on_event, qos.EVENTS)
            self.create_subscription(Action, "scene_action", self._on_scene_action, qos.NEWEST)
        if self._real_time:
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self._watchdog = self.create_timer(
                WATCHDOG_PERIODS * self._period, self._on_silence, clock=steady, autostart=False
            )
            self.create_timer(FAULTS_PERIOD, self._take_faults, clock=steady)
            self.create_timer(REPORT_PERIOD, self._report_control, clock=steady)

    def _on_decision(self, decision: ShieldDecision) -> None:
        if self._gate is None or self._gate.is_open(stamp_ns(decision.executed.state_stamp)):
            self._take(decision.executed)

    def _on_scene_action(self, action: Action) -> None:
        if self._gate is not None and not self._gate.running:
            self._take(action)

    def _on_event(self, event: EpisodeEvent) -> None:
        if self._gate.take(Event(event.event), stamp_ns(event.header.stamp)):
            if self._real_time:
                self._watchdog.cancel()
            if self._mode != ArmState.LATCHED:
                self._hold(self._last_ns, ArmState.HOLDING)

    def _take(self, executed: Action) -> None:
        """Answer an action with a command, of standing still at worst."""
        stamp = stamp_ns(executed.state_stamp)
        if stamp <= self._last_ns:
            return  # a duplicate, or overtaken
        self._last_ns, self._decided_at = stamp, time.monotonic()
        if self._real_time:
            self._watchdog.reset()
        if self._take_faults():
            return  # answered with standing still
        prepared = self._prepare(executed)
        conditions, message = prepared.condition, prepared.message
        if self._real_time:
            age = (self.get_clock().now().nanoseconds - stamp) * 1e-9
            if is_stale(age, self._period, WATCHDOG_PERIODS):
                conditions |= Condition.STALE_STATE
                message = f"the decision's state is {age:.3f} s old"
        response = respond(conditions, self._failsafe_mode()).response
        if response == Response.EXECUTE:
            source = ActionSource(executed.source)
            self._move(
                ArmCommand(
                    values=prepared.values,
                    source=source,
                    stamp_ns=stamp,
                    log_prob=executed.log_prob,
                    policy_version=executed.policy_version,
                    target=prepared.target,
                ),
                prepared.gripper,
            )
        elif response == Response.LATCH:
            self._hold(stamp, ArmState.LATCHED)
        else:
            self.get_logger().warn(f"standing still: {message}", throttle_duration_sec=1.0)
            self._fault = message
            self._hold(stamp, ArmState.HOLDING)

    def _prepare(self, executed: Action) -> Prepared:
        measured = None
        state = self.backend.state() if self._commander.takes_targets else None
        if state is not None:
            try:
                measured = pose_of(state.end_effector_pose)
            except ValueError as error:
                self.get_logger().error(f"measured pose: {error}", throttle_duration_sec=1.0)
        return self._commander.prepare(array_of(executed.values), measured)

    def _failsafe_mode(self) -> Mode:
        return Mode.LATCHED if self._mode == ArmState.LATCHED else Mode.ONLINE

    def _move(self, command: ArmCommand, gripper: float | None) -> None:
        still = self._shadow or command.source == ActionSource.HOLD
        self._mode = ArmState.HOLDING if still else ArmState.MOVING
        self._fault = ""
        self._punctuality.tick(time.monotonic())
        try:
            self._tell(self.backend.command(command))
            if self._shadow:
                self._commander.restart()
            if self._real_time:
                self._watchdog.reset()  # the time that the arm itself took is not the shield's
            if self._gripper is not None and gripper is not None and gripper != self._gripper_share:
                self.backend.gripper(self._gripper.width_of(gripper))
                self._gripper_share = gripper
        except ArmError as error:
            self._take_faults(error)

    def _hold(self, stamp: int, mode: int) -> None:
        """Stand still; the next target starts from where the arm is measured to be then."""
        self._mode = mode
        self._commander.restart()
        self._punctuality.pause()
        try:
            self._tell(self.backend.hold(stamp))
        except ArmError as error:
            self._latch(f"{self._fault}; and it did not confirm standing still: {error}")
            self._report_mode()

    def _tell(self, sent: ArmCommand) -> None:
        """Publish what the arm was really told."""
        if self._told is not None:
            stamp = time_of(max(sent.stamp_ns, 0))
            self._told.publish(
                action_message(sent.values, sent.source, sent.log_prob, sent.policy_version, stamp)
            )

    def _latch(self, fault: str) -> None:
        if self._mode != ArmState.LATCHED:
            self._mode, self._fault = ArmState.LATCHED, fault
            self.get_logger().error(f"latched until somebody calls ~/rearm: {fault}")

    def _fall(self, fault: str, stamp: int) -> None:
        self._latch(fault)
        self._hold(stamp, ArmState.LATCHED)

    def _take_faults(self, refusal: ArmError | None = None) -> bool:
        """Stand still if something has befallen the arm, whether or not decisions come; whether it has.

        Args:
            refusal: What the arm has just said to a command: a fault, whether or not it tells of one too.
        """
        faults = self.backend.events() or ([] if refusal is None else [refusal])
        if not faults or self._mode == ArmState.LATCHED:
            return False
        fault = "; ".join(str(fault) for fault in faults)
        self._fall(fault, self._last_ns)
        self._report_mode()  # whoever counts faults sees this one, even if it is cleared at once
        if self._heals and all(fault.kind in AUTOMATIC for fault in faults):
            self._heal(fault)
        return True

    def _heal(self, fault: str) -> None:
        """Clear a fault without a person, if the arm's backend allows it."""
        try:
            self.backend.recover(automatic=True)
        except ArmError as error:
            self.get_logger().error(f"not cleared by itself: {error}")
            return
        self._healed += 1
        self._mode, self._fault = ArmState.HOLDING, ""
        self._commander.restart()
        self.get_logger().warn(f"cleared by itself, holding the measured pose; it was: {fault}")
        self._report_mode()

    def _on_silence(self) -> None:
        """Stop the arm: no fresh decision has come in time."""
        self._watchdog.cancel()
        self._take_faults()
        if respond(Condition.STALE_STATE, self._failsafe_mode()).response == Response.LATCH:
            return  # it stands still already
        self._fault = f"no decision for {WATCHDOG_PERIODS} control periods"
        self._hold(self._last_ns, ArmState.HOLDING)
        self._report_stop(time.monotonic() - self._decided_at)
        self._report_mode()

    def _report_stop(self, latency: float) -> None:
        self.get_logger().warn(f"standing still: {self._fault}", throttle_duration_sec=1.0)
        self._diagnose("watchdog", DiagnosticStatus.WARN, self._fault, {"stop_latency_s": latency})

    def _report_control(self) -> None:
        """Tell how evenly commands came since the last report, and what was clipped so far."""
        figures = self._punctuality.report()
        clipped = {f"clipped_{stage}": float(n) for stage, n in sorted(self._commander.clippings.items())}
        level = DiagnosticStatus.WARN if figures["overruns"] > 0 else DiagnosticStatus.OK
        message = f"{figures['overruns']:.0f} of {figures['intervals']:.0f} commands came late"
        healed = {"faults_cleared_by_itself": float(self._healed)}
        self._diagnose("control", level, message, {**figures, **clipped, **healed})

    def _diagnose(self, what: str, level: bytes, text: str, figures: Mapping[str, float]) -> None:
        status = DiagnosticStatus(
            level=level,
            name=f"{self.get_name()}: {what}",
            message=text,
            values=[KeyValue(key=key, value=f"{value:.6g}") for key, value in figures.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def _on_rearm(self, request: RearmRobot.Request, response: RearmRobot.Response) -> RearmRobot.Response:
        if self._mode != ArmState.LATCHED:
            response.ok, response.message = False, "nothing is latched"
            return response
        try:
            self.backend.recover()  # a lost robot is connected anew
            self.backend.hold(self._last_ns)  # where it is measured to be, before it may move at all
        except ArmError as error:
            response.ok, response.message = False, f"still latched: {error}"
            return response
        self.get_logger().info(f"re-armed by: {request.operator_note!r}; the fault was: {self._fault}")
        self._mode, self._fault = ArmState.HOLDING, ""
        self._commander.restart()
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


main = main_of(FrankaController)

if __name__ == "__main__":
    main()
