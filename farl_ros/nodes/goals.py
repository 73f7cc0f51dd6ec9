"""An action server that does one goal at a time, driven by callbacks.

The events executor cannot suspend a coroutine without spinning: so a goal is only accepted here, worked on
elsewhere, and executed (which sends its result) when the work is over. Until then its status is ACCEPTED, or
CANCELING.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle

from farl_ros.nodes.common import FarlNode

Message = Any  # generated types share no base class


class Outcome(Enum):
    """How a goal ends."""

    SUCCEEDED = auto()
    ABORTED = auto()
    CANCELED = auto()


class GoalServer:
    """One action, one goal at a time; without a goal, feedback and result go nowhere."""

    def __init__(
        self,
        node: FarlNode,
        action: Message,
        name: str,
        start: Callable[[Message], None],
        cancel: Callable[[], None],
        busy: Callable[[], bool],
    ) -> None:
        """Offer the action.

        Args:
            node: Whose action it is.
            action: Its type.
            name: Its name.
            start: Called with the request of an accepted goal.
            cancel: Called when the goal shall be cancelled; ``finish`` must follow soon.
            busy: Asked before a goal is accepted.
        """
        self._node, self._start, self._cancel, self._busy = node, start, cancel, busy
        self._handle: ServerGoalHandle | None = None
        self._ended: tuple[Message, Outcome] | None = None
        self._server = ActionServer(
            node,
            action,
            name,
            execute_callback=self._on_execute,
            goal_callback=self._on_goal,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=self._on_cancel,
        )

    def feedback(self, message: Message) -> None:
        """Publish feedback."""
        if self._handle is not None:
            self._handle.publish_feedback(message)

    def finish(self, result: Message, outcome: Outcome) -> None:
        """Send the result."""
        handle, self._handle = self._handle, None
        if handle is not None:
            self._ended = (result, outcome)
            handle.execute()

    def _on_goal(self, request: Message) -> GoalResponse:
        if self._handle is None and not self._busy():
            return GoalResponse.ACCEPT
        self._node.get_logger().warn("refused a goal: another one is under way")
        return GoalResponse.REJECT

    def _on_accepted(self, handle: ServerGoalHandle) -> None:
        self._handle = handle
        self._start(handle.request)

    def _on_cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        self._node.executor.create_task(self._cancel)  # after the goal has become a cancelled one
        return CancelResponse.ACCEPT

    def _on_execute(self, handle: ServerGoalHandle) -> Message:
        result, outcome = self._ended
        {
            Outcome.SUCCEEDED: handle.succeed,
            Outcome.ABORTED: handle.abort,
            Outcome.CANCELED: handle.canceled,
        }[outcome]()
        return result
