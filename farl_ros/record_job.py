"""Runs a recording session with its board: in this process in simulation, one process per node on a robot."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.logging import LoggingSeverity, set_logger_level
from rclpy.signals import SignalHandlerOptions

from farl_ros.composed import Composed
from farl_ros.graph import NodeSpec
from farl_ros.nodes.board import Board
from farl_ros.processes import run_processes
from farl_ros.record_board import RecordBoard

LOG = "record.log"


def run_here(specs: Sequence[NodeSpec], board: RecordBoard, kind: int | None = None) -> int:
    """Run a session in this process; returns its exit code.

    Args:
        specs: Its graph.
        board: Shows how it goes.
        kind: What to ask for, one episode after another; None to leave that to the person.
    """
    for spec in specs:  # the board shows how it goes; what is wrong is still said
        set_logger_level(spec.name, LoggingSeverity.WARN)
    with Composed(specs) as graph:
        node = Board(board, graph.context, kind)
        graph.executor.add_node(node)
        try:
            return graph.run()
        finally:
            graph.executor.remove_node(node)
            node.destroy_node()


def run_on_robot(
    specs: Sequence[NodeSpec], board: RecordBoard, out: Path, kind: int | None = None
) -> tuple[int, Path]:
    """Run a session with a process for each node; returns its exit code, and where the nodes' output is.

    Args:
        specs: Its graph.
        board: Shows how it goes.
        out: Folder of the recordings; the nodes' output goes there.
        kind: As for ``run_here``.
    """
    out.mkdir(parents=True, exist_ok=True)
    context = Context()
    rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(Board(board, context, kind))
    over = threading.Event()

    def listen() -> None:
        while not over.is_set():
            executor.spin_once(timeout_sec=0.1)

    listener = threading.Thread(target=listen, name="board")
    listener.start()
    try:
        with (out / LOG).open("a", encoding="utf-8") as log:
            return run_processes(specs, output=log), out / LOG
    finally:
        over.set()
        listener.join()
        executor.shutdown()
        context.try_shutdown()
