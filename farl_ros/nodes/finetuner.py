"""Learns between episodes: drives the loop of episodes and updates, publishes verified policy versions."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from farl_interfaces.action import Finetune
from farl_interfaces.msg import EpisodeEvent, ShieldDecision, Transition
from rclpy.clock import Clock, ClockType
from rclpy.context import Context

from farl.finetuning import Limit
from farl.models import ModelError
from farl_ros import qos
from farl_ros.conversions import decision_of, stamp_ns, transition_of
from farl_ros.finetune_loop import FinetuneLoop
from farl_ros.job import Job
from farl_ros.nodes.common import NodeError
from farl_ros.nodes.goals import GoalServer, Outcome
from farl_ros.nodes.loading import ModelNode
from farl_ros.nodes.neighbours import Neighbours
from farl_ros.nodes.running import USAGE_ERROR, main_of
from farl_ros.run import RunError

TICK_S = 0.2


class Finetuner(ModelNode):
    """Offers ``~/finetune``; with ``autostart`` it begins by itself and ends the process when it is done.

    Attributes:
        loop: None until it has begun.
        on_episode: Called after every episode, for whoever shows progress in this process.
        message: How the last goal ended; empty before.
    """

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("finetuner", arguments, context)
        spec = self.declare_task()
        models = self.declare_models_folder(spec)
        preset = self.declare_preset()
        seed = self.declare("seed", 0, "everything random follows from it", minimum=0)
        run = self.declare_required("run", "run folder to write")
        resume = self.declare("resume", False, "go on from the newest checkpoint of the run")
        shadow = self.declare("shadow", False, "the arm is held still: count and record, learn nothing")
        insist = self.declare(
            "uncalibrated", False, "go online although nothing says how the shield's threshold was chosen"
        )
        self._steps = self.declare(
            "steps", 0, "with autostart: stop after this many agent steps; 0 for no limit", 0
        )
        self._episodes = self.declare(
            "episodes", 0, "with autostart: stop after this many episodes; 0 for no limit", 0
        )
        self._autostart = self.declare("autostart", False, "begin at once, and end the process when done")
        expected = self.declare("expected_nodes", [""], "nodes that must be there before it begins")
        self._report = self.declare("report", True, "write the report when the limit is reached")
        self._ready_limit = self.declare("ready_limit", 20.0, "wait this long for the other nodes [s]", 0.0)
        self._stall_limit = self.declare(
            "stall_limit", 15.0, "give up after so long without any progress [s]", 0.1
        )
        limit = Limit(steps=1)  # each goal brings its own
        try:
            self._job = Job.of(spec, models, preset, seed, limit, Path(run), resume, shadow, insist)
        except ModelError as error:
            raise NodeError(str(error)) from error
        if self._job.uncalibrated:
            self.get_logger().error("UNCALIBRATED: nothing says how the shield's threshold was chosen")
        self._neighbours = Neighbours(self, [name for name in expected if name])
        self.loop: FinetuneLoop | None = None
        self.on_episode: Callable[[], None] = lambda: None
        self.message = ""
        self._wanted: Limit | None = None
        self._asked_at = time.monotonic()
        self._canceled = False

        self._goals = GoalServer(self, Finetune, "~/finetune", self._on_goal, self._on_cancel, self._is_busy)
        self.create_subscription(Transition, "transition", self._on_transition, qos.STREAM)
        self.create_subscription(ShieldDecision, "decision", self._on_decision, qos.STREAM)
        self.create_subscription(EpisodeEvent, "episode_event", self._on_event, qos.EVENTS)
        self.create_timer(TICK_S, self._on_tick, clock=Clock(clock_type=ClockType.STEADY_TIME))
        if self._autostart:
            self._ask(self._steps, self._episodes)

    def _on_transition(self, message: Transition) -> None:
        if self.loop is not None:
            self.loop.take_transition(stamp_ns(message.header.stamp), transition_of(message))

    def _on_decision(self, message: ShieldDecision) -> None:
        if self.loop is not None:
            self.loop.take_decision(stamp_ns(message.header.stamp), decision_of(message))

    def _on_event(self, event: EpisodeEvent) -> None:
        if self.loop is not None and event.event == EpisodeEvent.ABORTED:
            self.loop.take_abort(event.episode, event.operator_note)

    def _on_goal(self, request: Finetune.Goal) -> None:
        self._ask(request.steps, request.episodes)

    def _on_cancel(self) -> None:
        self._canceled = True
        if self.loop is not None and self._wanted is None:
            self.loop.stop("cancelled")
        else:
            self._wanted = None
            self._end(False, "cancelled")

    def _is_busy(self) -> bool:
        return self._wanted is not None or (self.loop is not None and self.loop.busy)

    def _ask(self, steps: int, episodes: int) -> None:
        try:
            self._wanted = Limit(None if steps == 0 else steps, None if episodes == 0 else episodes)
        except ValueError as error:
            self._end(False, str(error), USAGE_ERROR)
        self._asked_at, self._canceled = time.monotonic(), False

    def _on_tick(self) -> None:
        if self._wanted is not None:
            self._begin_when_ready(self._wanted)
        elif self.loop is not None:
            self.loop.tick()
            if self.loop.silence() > self._stall_limit:
                who = self._neighbours.who_is_missing()
                self.loop.fail(f"nothing happened for {self._stall_limit:g} s; {who}")

    def _begin_when_ready(self, limit: Limit) -> None:
        lacking = self._neighbours.not_ready()
        if not lacking:
            self._wanted = None
            self._begin(limit)
        elif time.monotonic() - self._asked_at > self._ready_limit:
            self._wanted = None
            self._end(False, f"not ready after {self._ready_limit:g} s: {lacking}")

    def _begin(self, limit: Limit) -> None:
        if self.loop is None:
            try:
                run, learner = self._job.begin(sys.argv)
            except (RunError, ModelError) as error:
                self._end(False, str(error), USAGE_ERROR)
                return
            self.loop = FinetuneLoop(
                learner,
                run,
                self._neighbours,
                time.monotonic,
                self._on_episode,
                self._end,
                learns=not self._job.shadow,
            )
        self.loop.begin(limit)

    def _on_episode(self) -> None:
        summary = self.loop.run.summary()
        self._goals.feedback(
            Finetune.Feedback(
                steps=summary["steps"],
                episodes=summary["episodes"],
                failures=summary["failures"],
                interventions=summary["interventions"],
                mean_return=summary["mean_return"],
                success_rate=summary["success_rate"],
                policy_version=self.loop.learner.policy_version,
            )
        )
        self.on_episode()

    def _end(self, ok: bool, message: str, exit_code: int = 1) -> None:
        self.message = message
        if ok and self._report:
            from farl_ros.report import write_report  # slow to import, and only needed here

            self.loop.run.close()
            self.get_logger().info(f"report: {write_report(self._job.run)}")
        if ok or self._canceled:
            self.get_logger().info(message)
        else:
            self.get_logger().error(message)
        result = Finetune.Result(ok=ok, message=message, run=str(self._job.run))
        canceled = Outcome.CANCELED if self._canceled else Outcome.ABORTED
        self._goals.finish(result, Outcome.SUCCEEDED if ok else canceled)
        if self._autostart and not self._canceled:
            self.exit_code = 0 if ok else exit_code

    def close(self) -> None:
        """Save a checkpoint of the last episode boundary."""
        self._canceled = True
        with ExitStack() as stack:
            stack.callback(self._neighbours.close)
            if self.loop is not None:
                stack.callback(self.loop.run.close)
                self.loop.stop("stopped; it can be resumed")


main = main_of(Finetuner)

if __name__ == "__main__":
    main()
