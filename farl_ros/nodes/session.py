"""A recording session: demonstrations one after another, each as one bag, as the person at the device says.

Every command is a service (``~/start``, ``~/success``, …); the keys and buttons of ``teleop`` call them, and
the action ``~/record_episode`` records one episode for a program. What it says of itself is in ``~/status``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from farl_interfaces.action import RecordEpisode
from farl_interfaces.msg import EpisodeEvent, State, Transition
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.serialization import deserialize_message
from std_msgs.msg import String
from std_srvs.srv import Trigger

from farl.noise import episode_seed
from farl.types import EpisodeKind
from farl_ros import qos, recording
from farl_ros.conversions import stamp_ns, time_of
from farl_ros.desk import (
    DEMONSTRATED,
    Attempt,
    Order,
    Phase,
    counts,
    folder_of,
    next_number,
    set_aside,
)
from farl_ros.episode_gate import ENDS
from farl_ros.left_over import cut_off_bags
from farl_ros.messages import Event, Topic
from farl_ros.nodes.common import FarlNode
from farl_ros.nodes.episode_control import EpisodeControl
from farl_ros.nodes.goals import GoalServer, Outcome
from farl_ros.nodes.listening import Pictures, mark_of, record, record_proposals
from farl_ros.nodes.running import main_of
from farl_ros.teleop.device import Command

GRACE_S = 0.3
"""After the end of an episode: what is still on its way belongs to its bag [s]."""
STATUS_S = 0.5
RESET_SEED = "reset_seed"
"""Key of a bag's metadata: what brings the simulator back to the start of the episode."""


class Session(FarlNode):
    """Offers ``~/record_episode`` and a service for each ``Command``; publishes ``~/status``."""

    closes_last = True

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("session", arguments, context)
        spec = self.declare_task()
        self._out = Path(self.declare_required("out", "folder for the bags; they go into its folder KIND"))
        kind = self.declare("kind", int(EpisodeKind.TASK), "what is recorded", 0, len(DEMONSTRATED) - 1)
        self._kind = EpisodeKind(kind)
        self._target = self.declare("target", 0, "how many of the kind are wanted; 0 for no target", 0)
        self._operator = self.declare("operator", "", "who demonstrates")
        self._reaction = self.declare("reaction_time", 0.3, "a marked failure was so long ago [s]", 0.0, 5.0)
        quality = self.declare("pictures", 0, "quality of recorded pictures (JPEG); 0 for none", 0, 100)
        pictures_of = self.declare("pictures_of", "camera/color/image_raw", "topic of the pictures")
        self._stops = self.declare("stop_at_target", False, "end once the folder holds the target")
        self._seed = self.declare("seed", 0, "seed of the simulator's resets", minimum=0)
        self._simulated = self.declare("simulated", True, "the scene is a simulator's: it can be reset again")
        self._least_free = self.declare("free_mb", 500, "start nothing with less disk than this [MB]", 0)
        self._real_time = self.declare("real_time", False, "wall clock, or lock-step")
        self._writer = recording.Recorder(
            spec,
            folder_of(self._out, self._kind),
            self._kind,
            self._real_time,
            quality=max(quality, 1),
            durable=self._real_time,
        )
        self.left_over = cut_off_bags(self._out)
        for line in self.left_over:
            self.get_logger().warn(line)
        self._phase, self._attempt = Phase.IDLE, None
        self._last: Path | None = None
        self._said = self.left_over[-1] if self.left_over else ""
        self._stamp_ns = 0
        self._counts = dict(counts(self._out))
        self._control = EpisodeControl(self)
        record(self, self._writer)
        record_proposals(self, self._writer)
        self._pictures = Pictures(self, self._writer, pictures_of) if quality > 0 else None
        self._events = self.create_publisher(EpisodeEvent, "episode_event", qos.EVENTS)
        self._status = self.create_publisher(String, "~/status", qos.NEWEST)
        self.create_subscription(EpisodeEvent, "episode_event", self._on_event, qos.EVENTS, raw=True)
        self.create_subscription(Transition, "transition", self._on_transition, qos.STREAM)
        self.create_subscription(State, "state", self._on_state, qos.NEWEST)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._grace = self.create_timer(GRACE_S, self._close_bag, clock=steady, autostart=False)
        self.create_timer(STATUS_S, self._look, clock=steady)
        for command in Command:
            self.create_service(Trigger, f"~/{command}", self._answering(command))
        self._goal = GoalServer(
            self,
            RecordEpisode,
            "~/record_episode",
            self._on_goal,
            lambda: self._obey(Command.DISCARD),
            lambda: self._phase is not Phase.IDLE,
        )

    # What is asked for.

    def _answering(self, command: Command) -> Callable[[Trigger.Request, Trigger.Response], Trigger.Response]:
        def answer(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            refusal = self._obey(command)
            response.success, response.message = not refusal, refusal or self._said
            if refusal:
                self._say(f"{command}: {refusal}")
            return response

        return answer

    def _obey(self, command: Command) -> str:
        """Do what a person wants; returns why not, empty when it is done or under way."""
        attempt, phase = self._attempt, self._phase
        if command is Command.NEXT:
            command = Command.SUCCESS if phase is Phase.RUNNING else Command.START
        if command is Command.START:
            return self._start()
        if command in (Command.DISCARD, Command.AGAIN) and phase is Phase.IDLE:
            return self._discard_last(again=command is Command.AGAIN)
        if attempt is None or phase not in (Phase.RUNNING, Phase.ENDING):
            return "no episode is being recorded"
        if command is Command.FAILED_JUST_NOW:
            self._mark_failure(attempt)
            return ""
        if command in (Command.DISCARD, Command.AGAIN):
            attempt.discard, attempt.again = True, command is Command.AGAIN
        elif phase is Phase.ENDING:
            return "the episode is over already"
        if command is Command.FAILURE:
            self._mark_failure(attempt)
        if phase is Phase.RUNNING:
            success = command is Command.SUCCESS
            label = EpisodeEvent.SUCCEEDED if success else EpisodeEvent.ABORTED
            self._control.end(attempt.episode, label, self._tell_problem)
            self._say(f"episode {attempt.episode}: {command.replace('_', ' ')}")
        return ""

    def _start(self) -> str:
        if self._phase is Phase.STARTING:
            asked = self._control.say_ready(self._tell_problem)
            return "" if asked else "the scene is being reset already"
        if self._phase is not Phase.IDLE:
            return "an episode is being recorded already"
        return self._begin(Order(self._kind, folder_of(self._out, self._kind), self._operator))

    def _on_goal(self, request: RecordEpisode.Goal) -> None:
        if request.kind not in list(DEMONSTRATED):
            kinds = ", ".join(f"{kind.name} ({kind:d})" for kind in DEMONSTRATED)
            self._refuse_goal(f"kind {request.kind}: expected one of {kinds}")
            return
        kind = EpisodeKind(request.kind)
        folder = Path(request.out) if request.out else folder_of(self._out, kind)
        refusal = self._begin(Order(kind, folder, request.operator_note or self._operator))
        if refusal:
            self._refuse_goal(refusal)

    def _refuse_goal(self, why: str) -> None:
        self._goal.finish(RecordEpisode.Result(ok=False, message=why), Outcome.ABORTED)

    # One episode.

    def _begin(self, order: Order) -> str:
        """Start an episode; returns why not."""
        if self.exit_code is not None:  # a busy executor may look for it late, and be asked for more before
            return "the session is over"
        missing = self._control.not_ready()
        if missing:
            return missing
        order.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(order.folder).free // 10**6
        if free < self._least_free:
            return f"{order.folder} has {free} MB free, expected {self._least_free}: make room first"
        attempt = Attempt(order, next_number(order.folder))
        remarks = {"operator": self._operator, "note": order.note, "episode": str(attempt.episode)}
        if self._simulated:
            remarks[RESET_SEED] = str(episode_seed(self._seed, attempt.episode))
        self._writer.place = recording.Place(order.folder, order.kind, remarks)
        self._attempt, self._phase = attempt, Phase.STARTING
        self._say(f"episode {attempt.episode}: the scene is being reset")
        self._control.start(attempt.episode, order.kind, self._on_start_answer)
        return ""

    def _on_start_answer(self, problem: str) -> None:
        if problem and self._phase is Phase.STARTING:
            self._give_up(problem)

    def _give_up(self, why: str) -> None:
        self._phase, self._attempt = Phase.IDLE, None
        self._say(why)
        self._refuse_goal(why)

    def _on_event(self, payload: bytes) -> None:
        mark = mark_of(payload)
        self._writer.put(Topic.EPISODE_EVENT, payload, mark)
        attempt = self._attempt
        if attempt is None or mark.episode != attempt.episode:
            return
        if self._phase is Phase.STARTING:
            if mark.event == Event.STARTED:
                self._phase = Phase.RUNNING
                self._say(f"episode {attempt.episode} runs")
            elif mark.event == Event.ABORTED:
                self._give_up(deserialize_message(payload, EpisodeEvent).operator_note)
        elif mark.event == Event.FAILED:
            attempt.failed = True
        elif mark.event in ENDS:
            attempt.success = mark.event == Event.SUCCEEDED
            self._end()

    def _on_transition(self, transition: Transition) -> None:
        attempt = self._attempt
        if attempt is None or self._phase is not Phase.RUNNING or transition.episode != attempt.episode:
            return
        attempt.steps += 1
        attempt.episode_return += transition.reward
        attempt.failed |= transition.cost > 0.0
        feedback = RecordEpisode.Feedback(steps=attempt.steps, episode_return=attempt.episode_return)
        self._goal.feedback(feedback)
        if transition.terminated or transition.truncated:
            attempt.success = transition.success
            self._end()

    def _on_state(self, state: State) -> None:
        self._stamp_ns = stamp_ns(state.header.stamp)

    def _mark_failure(self, attempt: Attempt) -> None:
        """Say that a failure has just been seen: it happened a reaction time ago."""
        now = self.get_clock().now().nanoseconds if self._real_time else self._stamp_ns
        event = EpisodeEvent(event=EpisodeEvent.FAILED, kind=attempt.order.kind, episode=attempt.episode)
        event.header.stamp = time_of(max(0, now - round(self._reaction * 1e9)))
        event.operator_note = f"marked by the operator, {self._reaction:g} s after it happened"
        self._events.publish(event)
        attempt.failed = True
        attempt.marks += 1
        self._say(f"episode {attempt.episode}: failure marked")

    def _end(self) -> None:
        if self._phase is Phase.RUNNING:
            self._phase = Phase.ENDING
            self._grace.reset()

    def _close_bag(self) -> None:
        self._grace.cancel()
        attempt = self._attempt
        remarks = {
            "outcome": attempt.outcome,
            "success": str(attempt.success).lower(),
            "failed": str(attempt.failed).lower(),
            "marked_failures": str(attempt.marks),
        }
        closed = self._writer.finish_episode(remarks)
        closed.add_done_callback(lambda future: self.executor.create_task(self._on_closed, attempt, future))

    def _on_closed(self, attempt: Attempt, closed: Future[Path | None]) -> None:
        if closed.exception() is not None:
            return  # ``_look`` says so, and ends the node
        bag, self._phase, self._attempt = closed.result(), Phase.IDLE, None
        result = RecordEpisode.Result(steps=attempt.steps, success=attempt.success, failed=attempt.failed)
        if bag is None:
            result.message = f"episode {attempt.episode} left no bag"
        elif attempt.discard:
            result.message = f"episode {attempt.episode} was discarded; it is kept in {set_aside(bag)}"
            self._last = None
        else:
            result.ok, result.bag, self._last = True, str(bag), bag
            result.message = f"{bag.name}: {attempt.outcome}"
        self._counts = dict(counts(self._out))
        self._say(result.message)
        self._goal.finish(result, Outcome.SUCCEEDED if result.ok else Outcome.ABORTED)
        if self._stops and self._counts[self._kind] >= self._target:
            self.exit_code = 0
        elif attempt.again:
            self._tell_problem(self._begin(attempt.order))

    def _discard_last(self, again: bool) -> str:
        if self._last is None or not self._last.exists():
            return "nothing was recorded in this session that could be discarded"
        last, self._last = self._last, None
        aside = set_aside(last)
        self._counts = dict(counts(self._out))
        self._say(f"{last.name} was discarded; it is kept in {aside}")
        return self._start() if again else ""

    # What is said.

    def _tell_problem(self, problem: str) -> None:
        if problem:
            self._say(problem)

    def _say(self, what: str) -> None:
        self._said = what
        self.get_logger().info(what)
        self._publish_status()

    def _look(self) -> None:
        if self._pictures is not None:
            self._pictures.look()
        error = self._writer.error()
        if error is not None and self.exit_code is None:
            self._fail(error)
        self._publish_status()

    def _fail(self, error: BaseException) -> None:
        where = self._writer.place.folder
        self.get_logger().error(f"RECORDING HAS ENDED: {error}. What was written stays in {where}/*.partial")
        self.exit_code = 1

    def _publish_status(self) -> None:
        attempt = self._attempt
        status = {
            "phase": self._phase.value,
            "kind": self._kind.name.lower(),
            "target": self._target,
            "counts": {kind.name.lower(): count for kind, count in self._counts.items()},
            "episode": None if attempt is None else attempt.episode,
            "steps": 0 if attempt is None else attempt.steps,
            "return": 0.0 if attempt is None else round(attempt.episode_return, 2),
            "failed": attempt is not None and attempt.failed,
            "last": None if self._last is None else self._last.name,
            "dropped": self._writer.dropped + self._writer.dropped_pictures,
            "said": self._said,
        }
        self._status.publish(String(data=json.dumps(status)))

    def close(self) -> None:
        """Write what is waiting; an episode that runs is kept as it is."""
        try:
            self._writer.close()
        except Exception as error:
            if self.exit_code is None:  # else it was told already
                self._fail(error)


main = main_of(Session)

if __name__ == "__main__":
    main()
