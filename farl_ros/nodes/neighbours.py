"""What the fine-tuning loop asks of the nodes around it, as ROS services."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from farl_interfaces.srv import LoadModels
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from std_srvs.srv import Trigger

from farl_ros.finetune_loop import Answer
from farl_ros.nodes.common import FarlNode

RosFuture = Any  # rclpy's has no types


class Neighbours:
    """The ``Graph`` of a ``FinetuneLoop``; ``close`` must be called."""

    def __init__(self, node: FarlNode, expected: Sequence[str]) -> None:
        """Make the clients.

        Args:
            node: Whose clients they are.
            expected: Names of the nodes that must be there.
        """
        self._node, self._expected = node, expected
        self._start = node.create_client(Trigger, "episode/start")
        self._numbering = AsyncParameterClient(node, "episode")
        self._loaders = [
            node.create_client(LoadModels, f"{name}/load_models") for name in ("policy", "safety_shield")
        ]
        self._worker = ThreadPoolExecutor(1, "learner")

    def start_episode(self, episode: int, answer: Answer) -> None:
        """Number the next episode and start it."""

        def started(future: RosFuture) -> None:
            response = future.result()
            answer("" if response.success else response.message)

        def numbered(future: RosFuture) -> None:
            problems = [result.reason for result in future.result().results if not result.successful]
            if problems:
                answer(problems[0])
            else:
                self._start.call_async(Trigger.Request()).add_done_callback(started)

        number = Parameter("first_episode", value=episode)
        self._numbering.set_parameters([number]).add_done_callback(numbered)

    def load_policy(self, version: int, path: Path, sha256: str, answer: Answer) -> None:
        """Have policy and shield load a version."""
        request = LoadModels.Request(policy_version=version, path=str(path.resolve()), sha256=sha256)
        futures = [client.call_async(request) for client in self._loaders]

        def loaded(_: RosFuture) -> None:
            if all(future.done() for future in futures):
                answer("; ".join(f.result().message for f in futures if not f.result().ok))

        for future in futures:
            future.add_done_callback(loaded)

    def in_background(self, work: Callable[[], None], done: Callable[[], None]) -> Future[None]:
        """Do ``work`` in the learner's thread; what it raises ends the node."""

        def back(future: Future[None]) -> None:
            future.result()
            done()

        future = self._worker.submit(work)
        future.add_done_callback(lambda ended: self._node.executor.create_task(back, ended))
        return future

    def not_ready(self) -> str:
        """What is still missing; empty when nothing is."""
        services = [self._start, *self._loaders]
        absent = [client.srv_name for client in services if not client.service_is_ready()]
        if not self._numbering.services_are_ready():
            absent.append("the parameters of episode")
        parts = [f"services {', '.join(absent)} are missing"] if absent else []
        if self._node.missing(self._expected):
            parts.append(self.who_is_missing())
        return "; ".join(parts)

    def who_is_missing(self) -> str:
        """Which of the expected nodes are not in the graph, in words."""
        missing = self._node.missing(self._expected)
        return f"not in the graph: {', '.join(missing)}" if missing else "all expected nodes are in the graph"

    def close(self) -> None:
        """End the learner's thread."""
        self._worker.shutdown()
