"""What a recording session asks of the node ``episode`` and, on a robot, of the node ``scene``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from farl_interfaces.srv import LabelEpisode
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from std_srvs.srv import Trigger

from farl.types import EpisodeKind
from farl_ros.nodes.common import FarlNode

Answer = Callable[[str], None]
"""Gets why it could not be done; empty when it is done."""


class EpisodeControl:
    """Starts and ends episodes."""

    def __init__(self, node: FarlNode) -> None:
        """Make the clients of ``node``."""
        self._start = node.create_client(Trigger, "episode/start")
        self._end = node.create_client(LabelEpisode, "episode/end")
        self._ready = node.create_client(Trigger, "scene/ready")
        self._parameters = AsyncParameterClient(node, "episode")

    def not_ready(self) -> str:
        """What is missing before an episode can start; empty when nothing is."""
        if not self._parameters.services_are_ready() or not self._start.service_is_ready():
            return "the node episode is not there yet: is the graph still starting?"
        return ""

    def start(self, episode: int, kind: EpisodeKind, answer: Answer) -> None:
        """Number the next episode, say what it is for, and start it."""

        def started(future: Any) -> None:  # noqa: ANN401 - rclpy's futures have no types
            response = future.result()
            answer("" if response.success else response.message)

        def numbered(future: Any) -> None:  # noqa: ANN401
            problems = [result.reason for result in future.result().results if not result.successful]
            if problems:
                answer(problems[0])
            else:
                self._start.call_async(Trigger.Request()).add_done_callback(started)

        wanted = [Parameter("first_episode", value=episode), Parameter("kind", value=int(kind))]
        self._parameters.set_parameters(wanted).add_done_callback(numbered)

    def end(self, episode: int, label: int, answer: Answer) -> None:
        """End the running episode with the step that is under way; ``label`` is an event."""

        def ended(future: Any) -> None:  # noqa: ANN401
            response = future.result()
            answer("" if response.ok else response.message)

        request = LabelEpisode.Request(episode=episode, label=label)
        self._end.call_async(request).add_done_callback(ended)

    def say_ready(self, answer: Answer) -> bool:
        """Tell the scene that the objects are back; returns False where there is no scene to tell."""

        def told(future: Any) -> None:  # noqa: ANN401
            response = future.result()
            answer("" if response.success else response.message)

        if not self._ready.service_is_ready():
            return False
        self._ready.call_async(Trigger.Request()).add_done_callback(told)
        return True
