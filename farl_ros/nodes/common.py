"""What every node shares: declared parameters, the spin loop, clean ends, exit codes."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

import rclpy
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.context import Context
from rclpy.exceptions import ParameterException
from rclpy.executors import Executor
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from farl_ros.arm.backend import ArmError
from farl_ros.task_spec import TaskError, TaskSpec, load_task

USAGE_ERROR = 2
"""Exit code of a node that was asked for something that does not exist or does not fit."""
SLICE_S = 0.05
"""The executor runs in slices of this length [s]: its own ``spin()`` cannot be stopped by a signal."""

P = TypeVar("P", bool, int, float, str, list[str])


class NodeError(ValueError):
    """A node cannot start or go on; the message says what was expected, what came, and what to do."""


class FarlNode(Node):
    """A node with read-only parameters that can end its process.

    Attributes:
        exit_code: None while the node wants to go on; setting it ends the process, or the composed graph.
    """

    def __init__(
        self, name: str, arguments: Sequence[str] | None = None, context: Context | None = None
    ) -> None:
        """Create the node.

        Args:
            name: Default name; the arguments can remap it.
            arguments: ROS arguments of this node alone; None to take those of the process.
            context: For a node that shares a process; None for the default context.
        """
        super().__init__(
            name,
            context=context,
            cli_args=None if arguments is None else list(arguments),
            use_global_arguments=arguments is None,
        )
        self.exit_code: int | None = None

    def declare(
        self,
        name: str,
        default: P,
        description: str,
        minimum: float | None = None,
        maximum: float | None = None,
        read_only: bool = True,
    ) -> P:
        """Declare a parameter; returns its value.

        Args:
            name: Its name.
            default: Its default; also gives its type.
            description: What it is for, with the unit.
            minimum: Least value of a number.
            maximum: Greatest value of a number.
            read_only: Whether it is fixed once the node runs.

        Raises:
            ParameterException: A value of another type or outside of the range was given.
        """
        descriptor = ParameterDescriptor(description=description, read_only=read_only)
        if minimum is not None or maximum is not None:
            low, high = minimum if minimum is not None else 0, maximum if maximum is not None else 2**53
            if isinstance(default, float):
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=float(low), to_value=float(high))
                ]
            else:
                descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
        value: P = self.declare_parameter(name, default, descriptor).value
        return value

    def declare_required(self, name: str, description: str) -> str:
        """Declare a text parameter that has no default; returns its value.

        Raises:
            NodeError: It was not given.
        """
        value = self.declare(name, "", description)
        if not value:
            raise NodeError(f"parameter {name!r} is empty; expected: {description}")
        return value

    def declare_task(self) -> TaskSpec:
        """Declare ``task`` and load it."""
        return load_task(self.declare_required("task", "task name, or a task YAML file"))

    def missing(self, names: Sequence[str]) -> list[str]:
        """Those of ``names`` (node names) that are not in the graph."""
        present = {name for name, _ in self.get_node_names_and_namespaces()}
        return [name for name in names if name not in present]

    def close(self) -> None:
        """Finish what is under way; called once, after the last callback and before the node is destroyed."""


class StopSignals:
    """While it is entered, the first SIGINT or SIGTERM asks for a clean end, the second SIGINT interrupts.

    Enter it after the executor exists: the events executor takes both signals for itself, and ends the context with
    them, so that a node could no longer say or save anything.
    """

    def __init__(self) -> None:
        self.received = False

    def __enter__(self) -> Self:
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:
            self._before = [(s, signal.signal(s, self._take)) for s in (signal.SIGINT, signal.SIGTERM)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._main:
            for number, handler in self._before:
                signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.received and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = True


def spin_until(executor: Executor, stop: Callable[[], bool], slice_s: float = SLICE_S) -> None:
    """Run callbacks until ``stop``, which is asked between slices of ``slice_s`` [s]."""
    never: Future[None] = Future()
    while not stop():
        executor.spin_until_future_complete(never, slice_s)


EXPECTED_ERRORS = (NodeError, TaskError, ArmError, ParameterException)
"""What ends a node with one clear sentence instead of a traceback."""


def run_node(make: Callable[[], FarlNode], arguments: Sequence[str] | None = None) -> int:
    """Run one node as a process; returns its exit code.

    Args:
        make: Creates the node.
        arguments: Command line; None for that of the process.
    """
    rclpy.init(
        args=sys.argv if arguments is None else list(arguments),
        signal_handler_options=SignalHandlerOptions.NO,
    )
    executor = EventsExecutor()
    try:
        with StopSignals() as signals:
            try:
                node = make()
            except EXPECTED_ERRORS as error:
                print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
                return USAGE_ERROR
            executor.add_node(node)
            try:
                spin_until(executor, lambda: signals.received or node.exit_code is not None)
            finally:
                node.close()
                executor.remove_node(node)
                node.destroy_node()
            return 0 if node.exit_code is None else node.exit_code
    finally:
        executor.shutdown()
        rclpy.try_shutdown()


def main_of(make: Callable[[], FarlNode]) -> Any:  # noqa: ANN401 - an entry point
    """The ``main`` of a node's module."""

    def main() -> None:
        """Run the node until it ends or is told to stop."""
        sys.exit(run_node(make))

    return main
