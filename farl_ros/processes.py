"""A graph as one process per node where there is no ``ros2 launch``: a supervisor library runs them."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from farl_ros.graph import PACKAGE, GraphError, NodeSpec, checked, ros_arguments


def process_command(spec: NodeSpec) -> list[str]:
    """The command line of a node: its installed executable, or its module in a source checkout."""
    installed = Path(sys.prefix) / "lib" / PACKAGE / spec.executable
    program = (
        [str(installed)]
        if installed.is_file()
        else [sys.executable, "-m", f"{PACKAGE}.nodes.{spec.executable}"]
    )
    return [*program, *ros_arguments(spec)]


def process_environment(domain_id: int | None, base: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of the nodes.

    Args:
        domain_id: DDS domain; None to leave it as it is.
        base: Variables of this process.
    """
    environment = dict(base)
    environment.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    if domain_id is not None:
        environment["ROS_DOMAIN_ID"] = str(domain_id)
    root = str(Path(__file__).resolve().parents[1])  # for the modules of a source checkout
    environment["PYTHONPATH"] = os.pathsep.join(p for p in (root, environment.get("PYTHONPATH")) if p)
    return environment


def run_processes(
    specs: Sequence[NodeSpec], domain_id: int | None = None, output: TextIO | None = None
) -> int:
    """Run a graph until one of its nodes ends (then all are ended), or until SIGINT or SIGTERM.

    The supervisor ends everything with the first node that ends: each counts as required.

    Args:
        specs: Its nodes.
        domain_id: DDS domain; None for ``ROS_DOMAIN_ID``.
        output: Where the nodes' output goes, line by line with their names; standard output by default.

    Returns:
        Exit code of the node that ended first; 130 or 143 after a signal.

    Raises:
        GraphError: The supervisor library is missing, or the graph is wrong.
    """
    try:
        from honcho.printer import Printer

        from farl_ros.supervisor import Supervisor
    except ImportError as error:
        raise GraphError(
            "one process per node needs the package honcho: pip install honcho (or use ros2 launch)"
        ) from error
    manager = Supervisor(Printer(sys.stdout if output is None else output))
    environment = process_environment(domain_id, os.environ)
    for spec in checked(specs):
        manager.add_process(spec.name, f"exec {shlex.join(process_command(spec))}", env=environment)
    manager.loop()
    return int(manager.returncode)
