"""Whether a container does its work: the health checks of compose.yaml.

Usage:
    health.py nodes NAME...              these ROS nodes are in the graph
    health.py written SECONDS FOLDER     a file below the folder was written within so many seconds

Ends with 1 and one sentence when it does not.
"""

import os
import sys
import time
from collections.abc import Collection
from pathlib import Path

DISCOVERY_S = 10.0
"""Longest wait for nodes: discovery takes 0.1 s as a rule, and up to 3 s after an unclean exit."""


def missing_nodes(expected: Collection[str], limit_s: float = DISCOVERY_S) -> list[str]:
    """Which of the nodes are not in the graph.

    Args:
        expected: Their names.
        limit_s: Longest wait for them [s].
    """
    import rclpy  # only this check needs it

    rclpy.init()
    try:
        node = rclpy.create_node(f"health_{os.getpid()}", enable_rosout=False, start_parameter_services=False)
        until = time.monotonic() + limit_s
        while (missing := sorted(set(expected) - set(node.get_node_names()))) and time.monotonic() < until:
            time.sleep(0.1)
    finally:
        rclpy.shutdown()
    return missing


def newest_age(folder: Path, now: float) -> float:
    """Seconds since a file below the folder was written last; infinite where there is none."""
    times = [path.stat().st_mtime for path in folder.rglob("*") if path.is_file()]
    return now - max(times, default=float("-inf"))


def problem(arguments: list[str]) -> str:
    """What is wrong, in a sentence; empty when nothing is.

    Raises:
        ValueError: The arguments are none of the usage above.
    """
    match arguments:
        case ["nodes", *names] if names:
            missing = missing_nodes(names)
            return f"not in the graph: {', '.join(missing)}" if missing else ""
        case ["written", seconds, folder]:
            age = newest_age(Path(folder), time.time())
            return f"{folder}: nothing written for {age:.0f} s" if age > float(seconds) else ""
    raise ValueError(f"expected nodes NAME..., or written SECONDS FOLDER, got {arguments}")


if __name__ == "__main__":
    sys.exit(problem(sys.argv[1:]) or None)
