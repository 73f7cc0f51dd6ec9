"""How nodes run: an executor that can be stopped, clean ends, exit codes."""

from __future__ import annotations

import _thread
import gc
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

import rclpy
from rclpy.executors import Executor
from rclpy.experimental import EventsExecutor
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from farl_ros.arm.backend import ArmError
from farl_ros.nodes.common import FarlNode, NodeError
from farl_ros.task_spec import TaskError

USAGE_ERROR = 2
"""Exit code of a node that was asked for something that does not exist or does not fit."""
SLICE_S = 0.05
"""An executor without work looks up this often [s]: its own ``spin()`` cannot be stopped by a signal."""

SWITCH_S = 1e-4
"""A thread that computes lets another one run after this time [s]; Python's default is 5 ms."""


class StopSignals:
    """While it is entered, the first SIGINT or SIGTERM asks for a clean end, the second SIGINT interrupts.

    The first completes ``future``, which ends what an executor waits for.

    Enter it after the executor exists: the events executor takes both signals for itself, and ends the
    context with them, so that a node could no longer say or save anything.
    """

    def __init__(self) -> None:
        self.received = False
        self.future: Future[None] = Future()

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
        # In a thread: what the signal interrupted may hold the lock of the future.
        _thread.start_new_thread(self.future.set_result, (None,))


@contextmanager
def low_latency() -> Iterator[None]:
    """Keep the interpreter from stopping the control loop for long.

    What exists by now is left out of garbage collections: with PyTorch loaded a full one takes some 0.2 s.
    Other threads (recorder, learner) give the interpreter back after 0.1 ms instead of 5 ms.
    """
    before = sys.getswitchinterval()
    gc.freeze()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        gc.unfreeze()


def spin_until(
    executor: Executor,
    stop: Callable[[], bool],
    slice_s: float = SLICE_S,
    signals: StopSignals | None = None,
) -> None:
    """Run callbacks until ``stop``, asked after each slice of ``slice_s`` [s], or until a signal.

    A slice lasts longer while there is work: who sets an exit code has something left to say, such as the
    result of a goal. A signal ends it at once. (``spin_once`` takes 10 % longer from state to command.)
    """
    signals = StopSignals() if signals is None else signals
    while not signals.received and not stop():
        executor.spin_until_future_complete(signals.future, slice_s)


EXPECTED_ERRORS = (NodeError, TaskError, ArmError)
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
            with ExitStack() as closing:  # backwards, all of it, whatever raises
                closing.callback(node.destroy_node)
                closing.callback(executor.remove_node, node)
                closing.callback(node.close)
                with low_latency():
                    spin_until(executor, lambda: node.exit_code is not None, signals=signals)
            return 0 if node.exit_code is None else node.exit_code
    finally:
        executor.shutdown()
        rclpy.try_shutdown()


def main_of(make: Callable[[], FarlNode]) -> Callable[[], None]:
    """The ``main`` of a node's module."""

    def main() -> None:
        """Run the node until it ends or is told to stop."""
        sys.exit(run_node(make))

    return main
