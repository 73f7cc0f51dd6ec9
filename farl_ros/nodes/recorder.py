"""Records online episodes: one MCAP bag each, in the run folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from farl_interfaces.msg import ArmState, EpisodeEvent, ShieldDecision, State, Transition
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.serialization import deserialize_message

from farl.types import EpisodeKind
from farl_ros import qos, recording
from farl_ros.messages import Event, Topic
from farl_ros.nodes.common import FarlNode
from farl_ros.nodes.running import main_of

STREAMS: dict[Topic, Any] = {
    Topic.STATE: State,
    Topic.DECISION: ShieldDecision,
    Topic.TRANSITION: Transition,
    Topic.ARM_STATE: ArmState,
}
CHECK_S = 0.5


class Recorder(FarlNode):
    """Takes ``state``, ``decision``, ``transition``, ``arm_state`` and ``episode_event``, as bytes."""

    closes_last = True

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("recorder", arguments, context)
        spec = self.declare_task()
        run = self.declare_required("run", "run folder; the bags go into its folder bags")
        kind = self.declare(
            "kind", int(EpisodeKind.ONLINE), "what the episodes are recorded for", 0, len(EpisodeKind) - 1
        )
        real_time = self.declare(
            "real_time", False, "wall clock: messages are dated by when they were received"
        )
        self._writer = recording.Recorder(spec, Path(run) / "bags", EpisodeKind(kind), real_time)
        for topic, message_type in STREAMS.items():
            self.create_subscription(message_type, topic[1:], self._listener(topic), qos.STREAM, raw=True)
        self.create_subscription(EpisodeEvent, Topic.EPISODE_EVENT[1:], self._on_event, qos.EVENTS, raw=True)
        self._check = self.create_timer(
            CHECK_S, self._on_check, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def _listener(self, topic: Topic) -> Callable[[bytes], None]:
        return lambda payload: self._writer.put(topic, payload)

    def _on_event(self, payload: bytes) -> None:
        event = deserialize_message(payload, EpisodeEvent)
        mark = recording.EpisodeMark(Event(event.event), event.episode)
        self._writer.put(Topic.EPISODE_EVENT, payload, mark)

    def _on_check(self) -> None:
        error = self._writer.error()
        if error is not None:
            self._check.cancel()
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self.get_logger().error(f"recording has ended: {error}")
        self.exit_code = 1

    def close(self) -> None:
        """Write what is waiting; sets ``exit_code`` where that fails."""
        try:
            self._writer.close()
        except Exception as error:
            if self.exit_code is None:  # else it was told already
                self._fail(error)


main = main_of(Recorder)

if __name__ == "__main__":
    main()
