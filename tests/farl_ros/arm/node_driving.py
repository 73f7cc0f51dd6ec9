"""The controller node on an emulated arm over its protocol, in real time, and somebody who decides."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from farl_interfaces.msg import ArmState, ShieldDecision
from farl_interfaces.srv import RearmRobot
from rclpy.client import Client
from rclpy.node import Node

from farl.types import ActionSource, Decision, Proposal, Reason
from farl_ros import qos
from farl_ros.arm.franky_options import MotionMode
from farl_ros.composed import Composed
from farl_ros.conversions import decision_message, time_of
from farl_ros.graph import NodeSpec
from farl_ros.nodes.running import low_latency
from farl_ros.task_spec import load_task

TASK = "FrankaDisturbedPush"
WAY_PER_SECOND = 0.15
"""Speed that an action of 1.0 stands for in that task: 0.03 m, five times a second [m/s]."""


@dataclass(frozen=True)
class Heard:
    """One ``arm_state``: when it came (monotonic) [s], and what it said."""

    at: float
    state: ArmState

    @property
    def position(self) -> np.ndarray:
        p = self.state.end_effector_pose.position
        return np.array([p.x, p.y, p.z])


class ControlledArm:
    """A context manager: entering starts the node and waits for the first state.

    Attributes:
        node: The controller.
        nodes: All of the graph, by name.
        probe: Whoever listens; subscriptions and clients of a test's own are made on it.
        heard: All states so far.
        diagnostics: All reports so far.
        decided_at: When the last decision was sent (monotonic) [s].
    """

    def __init__(
        self,
        host: str,
        rate: float = 5.0,
        motion: MotionMode = MotionMode.VELOCITY,
        beside: Sequence[NodeSpec] = (),
        **parameters: Any,
    ) -> None:
        """Say what is wanted.

        Args:
            host: Of the robot.
            rate: Of the decisions [Hz].
            motion: How a target becomes a motion.
            beside: Nodes that run beside the controller.
            parameters: Of the controller, besides those.
        """
        self.rate, self.period = rate, 1.0 / rate
        settings = {
            "task": TASK,
            "backend": "franky",
            "robot": "fr3",
            "host": host,
            "motion": motion.value,
            "control_rate": rate,
            "real_time": True,
            "enforce_real_time": False,  # no real arm moves
            **parameters,
        }
        controller = NodeSpec("franka_controller", "franka_controller", settings)
        self._graph = Composed([controller, *beside], isolated=True)
        self.heard: list[Heard] = []
        self.diagnostics: list[DiagnosticArray] = []
        self.decided_at = 0.0

    def __enter__(self) -> Self:
        self._graph.__enter__()
        # As where nodes run: a full garbage collection would keep the arm waiting for longer than it may.
        self._latency = low_latency()
        self._latency.__enter__()
        self.nodes: dict[str, Any] = self._graph.nodes
        self.node = self.nodes["franka_controller"]
        self.probe = Node("probe", context=self._graph.context, use_global_arguments=False)
        self._graph.executor.add_node(self.probe)
        self.probe.create_subscription(ArmState, "arm_state", self._hear, qos.STREAM)
        self.probe.create_subscription(DiagnosticArray, "diagnostics", self.diagnostics.append, qos.EVENTS)
        self._decisions = self.probe.create_publisher(ShieldDecision, "decision", qos.NEWEST)
        self._rearm = self.probe.create_client(RearmRobot, "franka_controller/rearm")
        assert self.spin(lambda: bool(self.heard) and self._rearm.service_is_ready(), 5.0)
        self.settle(0.1)  # what was said before anybody listened comes all at once
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._latency.__exit__(kind, error, trace)
        self._graph.__exit__(kind, error, trace)

    def _hear(self, state: ArmState) -> None:
        self.heard.append(Heard(time.monotonic(), state))

    def spin(self, until: Callable[[], bool], timeout: float) -> bool:
        return self._graph.spin_until(until, timeout)

    def settle(self, seconds: float) -> None:
        self.spin(lambda: False, seconds)

    @property
    def now(self) -> Heard:
        return self.heard[-1]

    def decide(self, values: Sequence[float]) -> None:
        """Send one decision, on a state of now."""
        executed = np.array(values, np.float32)
        decision = Decision(
            risk=0.1,
            threshold=0.3,
            step_risk=np.zeros(0, np.float32),
            proposed=Proposal(executed, -0.75, 4),
            executed=executed,
            source=ActionSource.TASK,
            reason=Reason.SAFE,
            latency_ms=0.2,
            model_hash="",
        )
        self._decisions.publish(decision_message(decision, time_of(time.time_ns())))
        self.decided_at = time.monotonic()

    def drive(self, velocity: Sequence[float], seconds: float) -> list[Heard]:
        """Decide for this velocity [m/s] in every period; returns the last state of each."""
        values = np.array(velocity) / WAY_PER_SECOND
        due, ends = time.monotonic(), []
        for _ in range(round(seconds * self.rate)):
            self.decide(values.tolist())
            due += self.period
            self.spin(lambda due=due: time.monotonic() >= due, max(self.period, due - time.monotonic()))
            ends.append(self.now)
        return ends

    def first(self, wanted: Callable[[ArmState], bool], since: float, timeout: float) -> Heard | None:
        """The first state after ``since`` (monotonic) [s] that is as wanted."""

        def found() -> Heard | None:
            return next((h for h in self.heard if h.at >= since and wanted(h.state)), None)

        self.spin(lambda: found() is not None, timeout)
        return found()

    def rearm(self) -> RearmRobot.Response:
        return self.call(self._rearm, RearmRobot.Request(operator_note="test"))

    def call(self, client: Client, request: Any) -> Any:
        assert self.spin(client.service_is_ready, 5.0)
        future = client.call_async(request)
        assert self.spin(future.done, 10.0)
        return future.result()

    def figures(self, what: str) -> list[dict[str, float]]:
        """The numbers of the diagnostics that end with ``what``."""
        reports = [m.status[0] for m in self.diagnostics if m.status[0].name.endswith(what)]
        return [{pair.key: float(pair.value) for pair in status.values} for status in reports]


assert load_task(TASK).action[1].scale * load_task(TASK).control_rate_hz == WAY_PER_SECOND
