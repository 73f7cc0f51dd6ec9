"""Records a fine-tuning run: one MCAP bag per online episode, and a black box around what goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from farl_interfaces.msg import EpisodeEvent
from rclpy.clock import Clock, ClockType
from rclpy.context import Context

from farl.types import EpisodeKind
from farl_ros import qos, recording
from farl_ros.bag_writer import BagWriter
from farl_ros.black_box import BlackBox, BlackBoxSettings
from farl_ros.left_over import cut_off_bags
from farl_ros.messages import Topic
from farl_ros.nodes.common import FarlNode
from farl_ros.nodes.listening import mark_of, record, trigger
from farl_ros.nodes.running import main_of
from farl_ros.task_spec import TaskSpec

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
        episodes = self.declare("episodes", True, "record every episode, each as one bag in <run>/bags")
        black_box = self._make_black_box(spec, Path(run), EpisodeKind(kind))
        for line in cut_off_bags(Path(run)):
            self.get_logger().warn(line)
        self._writer = recording.Recorder(
            spec,
            Path(run) / "bags",
            EpisodeKind(kind),
            real_time,
            episodes=episodes,
            black_box=black_box,
            trigger=trigger,
        )
        record(self, self._writer)
        self.create_subscription(EpisodeEvent, Topic.EPISODE_EVENT[1:], self._on_event, qos.EVENTS, raw=True)
        self._check = self.create_timer(
            CHECK_S, self._on_check, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def _make_black_box(self, spec: TaskSpec, run: Path, kind: EpisodeKind) -> BlackBox | None:
        on = self.declare(
            "black_box", False, "keep what is around interventions and failures: <run>/black_box"
        )
        usual = BlackBoxSettings()
        before = self.declare("black_box_before", usual.before, "seconds before such an event [s]", 0.0)
        after = self.declare("black_box_after", usual.after, "seconds after it [s]", 0.0)
        least = self.declare(
            "black_box_free_mb", usual.least_free // 10**6, "disk that the black box leaves free [MB]", 0
        )
        if not on:
            return None

        def open_bag(path: Path, what: str) -> BagWriter:
            return BagWriter(path, spec, kind, {"black_box": what})

        settings = BlackBoxSettings(before, after, least * 10**6)
        return BlackBox(settings, run / "black_box", open_bag, self.get_logger().error)

    def _on_event(self, payload: bytes) -> None:
        self._writer.put(Topic.EPISODE_EVENT, payload, mark_of(payload))

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
