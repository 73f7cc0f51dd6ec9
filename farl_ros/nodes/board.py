"""What the command ``farl record`` hears of the graph, and, with ``--auto``, asks of it."""

from __future__ import annotations

from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from farl_interfaces.action import RecordEpisode
from rclpy.action import ActionClient
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.node import Node
from std_msgs.msg import String

from farl_ros import qos
from farl_ros.record_board import RecordBoard

ASK_S = 0.25
"""Between two looks whether the next episode can be asked for [s]."""


class Board(Node):
    """Feeds a ``RecordBoard``; asks for one episode after another if it is told to.

    Attributes:
        results: What came of the episodes that it asked for.
    """

    def __init__(self, board: RecordBoard, context: Context, kind: int | None = None) -> None:
        """Begin to listen.

        Args:
            board: Where it is shown.
            context: Context of the graph, or one of its own.
            kind: What to ask for; None to leave that to the person.
        """
        super().__init__("record_board", context=context, use_global_arguments=False)
        self._board, self._kind = board, kind
        self.results: list[RecordEpisode.Result] = []
        self._asked = False
        self.create_subscription(String, "session/status", self._on_status, qos.NEWEST)
        self.create_subscription(DiagnosticArray, "diagnostics", self._on_diagnostics, qos.EVENTS)
        self._client = ActionClient(self, RecordEpisode, "session/record_episode")
        if kind is not None:
            self.create_timer(ASK_S, self._ask, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _on_status(self, message: String) -> None:
        self._board.take_status(message.data)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.startswith("teleop:"):
                there = status.level != DiagnosticStatus.ERROR
                self._board.take_device(f"{status.name[8:]}: {status.message}", there)

    def _ask(self) -> None:
        status = self._board.status
        idle = status is not None and status["phase"] == "idle"
        if self._asked or not idle or not self._client.server_is_ready():
            return
        self._asked = True
        goal = RecordEpisode.Goal(kind=self._kind)
        self._client.send_goal_async(goal).add_done_callback(self._on_goal_answer)

    def _on_goal_answer(self, future: Any) -> None:  # noqa: ANN401 - rclpy's futures have no types
        handle = future.result()
        if handle.accepted:
            handle.get_result_async().add_done_callback(self._on_result)
        else:
            self._asked = False

    def _on_result(self, future: Any) -> None:  # noqa: ANN401
        self.results.append(future.result().result)
        self._asked = False
