"""All nodes of a graph in one process, on one executor: for lock-step runs and for tests.

The same specs, parameters and remappings as with one process per node; only the processes are saved.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import rclpy
from rclpy.context import Context
from rclpy.experimental import EventsExecutor
from rclpy.signals import SignalHandlerOptions

from farl_ros.graph import NodeSpec, checked, ros_arguments
from farl_ros.nodes.common import FarlNode, NodeError
from farl_ros.nodes.running import StopSignals, low_latency, spin_until

INTERRUPTED = 130
"""Exit code after SIGINT or SIGTERM."""
LAST_WORDS_S = 0.1
"""What nodes say while they close reaches those that close last within this time [s]."""


def node_class(executable: str) -> Callable[[Sequence[str], Context], FarlNode]:
    """The node behind an executable: ``safety_shield`` is ``farl_ros.nodes.safety_shield.SafetyShield``."""
    module = importlib.import_module(f"farl_ros.nodes.{executable}")
    found: Callable[[Sequence[str], Context], FarlNode] = getattr(module, executable.title().replace("_", ""))
    return found


class Composed:
    """A context manager: entering creates the nodes, leaving closes them in reverse order.

    Every node is closed even if another one raises; the recorder comes last, and hears the others close.

    Attributes:
        nodes: The nodes by name.
        context: Their own context.
        executor: What runs them; others may be added.
    """

    def __init__(
        self, specs: Sequence[NodeSpec], domain_id: int | None = None, isolated: bool = False
    ) -> None:
        """Take the graph.

        Args:
            specs: Its nodes.
            domain_id: DDS domain; None for ``ROS_DOMAIN_ID``.
            isolated: True to be seen by no other process, so that any number of such graphs can run beside
                each other on one machine in one domain; False to be seen on this machine.
        """
        self._specs = checked(specs)
        self._domain_id = domain_id
        self._range = "OFF" if isolated else "LOCALHOST"
        self.nodes: dict[str, FarlNode] = {}

    def __enter__(self) -> Self:
        """Create the nodes.

        Raises:
            NodeError, TaskError, ArmError: A node cannot start; all are closed again.
        """
        self.context = Context()
        before = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE")
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = self._range
        try:
            rclpy.init(
                args=[],
                context=self.context,
                domain_id=self._domain_id,
                signal_handler_options=SignalHandlerOptions.NO,
            )
        finally:
            if before is None:
                del os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"]
            else:
                os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = before
        try:
            for spec in self._specs:
                make = node_class(spec.executable)
                self.nodes[spec.name] = make(ros_arguments(spec), self.context)
            self.executor = EventsExecutor(context=self.context)
            for node in self.nodes.values():
                self.executor.add_node(node)
        except BaseException:
            self._close()
            raise
        self._signals = StopSignals().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        required = [spec.name for spec in self._specs if spec.required and spec.name in self.nodes]
        before = {name: self.nodes[name].exit_code or 0 for name in required}
        try:
            self._close()
        finally:
            self._signals.__exit__(kind, error, trace)
        failed = [name for name in required if self.nodes[name].exit_code and not before[name]]
        if failed and kind is None and not any(before.values()):
            raise NodeError(f"{', '.join(failed)} failed while closing; the log says why")

    def _close(self) -> None:
        nodes = list(self.nodes.values())
        with ExitStack() as closing:  # backwards, all of it, whatever raises
            closing.callback(self.context.try_shutdown)
            closing.callback(self._shut_executor)
            for node in nodes:
                closing.callback(node.destroy_node)
            last = [node for node in nodes if node.closes_last]
            for node in last:
                closing.callback(node.close)
            if last:
                closing.callback(self._hear_last_words, [node for node in nodes if not node.closes_last])
            for node in nodes:
                if not node.closes_last:
                    closing.callback(node.close)

    def _hear_last_words(self, closed: Sequence[FarlNode]) -> None:
        if hasattr(self, "executor"):
            for node in closed:
                self.executor.remove_node(node)
            deadline = time.monotonic() + LAST_WORDS_S
            spin_until(self.executor, lambda: time.monotonic() > deadline, slice_s=0.005)

    def _shut_executor(self) -> None:
        if hasattr(self, "executor"):
            self.executor.shutdown()
            del self.executor  # gives the signals back

    def spin_until(self, stop: Callable[[], bool], timeout: float) -> bool:
        """Run callbacks until ``stop`` or a signal; returns whether ``stop`` held within ``timeout`` [s]."""
        deadline = time.monotonic() + timeout
        spin_until(
            self.executor,
            lambda: stop() or time.monotonic() > deadline,
            slice_s=0.005,
            signals=self._signals,
        )
        return stop()

    def run(self) -> int:
        """Run until a required node ends or a signal comes; returns the exit code."""
        required = [self.nodes[spec.name] for spec in self._specs if spec.required]
        with low_latency():
            spin_until(
                self.executor,
                lambda: any(node.exit_code is not None for node in required),
                signals=self._signals,
            )
        codes = [node.exit_code for node in required if node.exit_code is not None]
        return max(codes, default=INTERRUPTED)
