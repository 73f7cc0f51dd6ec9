"""The life cycle of episodes: start and reset, transitions, failures and ends, labels by the operator.

In simulation the simulator tells every outcome, and its state 0 says that the scene is reset; with a camera
(``observations`` = state) what it says is shown to the learner as it was seen. On a robot
(``outcomes`` = observation) the scene says so in ``scene_event``; the STARTED event then tells estimator and
controller that the episode runs, and outcomes follow from the states (``farl_ros.observed_world``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from builtin_interfaces.msg import Time
from farl_interfaces.msg import Action, ArmState, EpisodeEvent, ShieldDecision, SimState, State, Transition
from farl_interfaces.srv import LabelEpisode, ResetScene
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.task import Future
from std_srvs.srv import Trigger

from farl.noise import episode_seed
from farl.types import EpisodeKind
from farl_ros import qos
from farl_ros.matching import StepMatcher
from farl_ros.nodes.common import FarlNode, NodeError
from farl_ros.nodes.running import main_of
from farl_ros.observed_world import ObservedWorld
from farl_ros.referee import RefereeError
from farl_ros.seen_outcomes import SeenOutcomes
from farl_ros.task_spec import TaskSpec

LABELS = {
    EpisodeEvent.SUCCEEDED: "succeeded",
    EpisodeEvent.FAILED: "failed",
    EpisodeEvent.ABORTED: "aborted",
}
OUTCOMES = ("simulator", "observation")
OBSERVATIONS = ("simulator", "state")
GRACE = 2.0
"""In real time the last decision of an episode may come this many control periods late."""


class Episode(FarlNode):
    """Publishes ``transition`` and ``episode_event``; offers ``~/start``, ``~/end`` and ``~/label``.

    ``~/start`` answers at once; the STARTED event says that the scene is reset, an ABORTED event that it
    could not be. A fault of the arm is a failure: the step that it falls into costs what a violation costs.
    """

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("episode", arguments, context)
        spec = self.declare_task()
        self._seed = self.declare("seed", 0, "seed of the run: the resets are a function of it", minimum=0)
        self._kind = self.declare(
            "kind",
            int(EpisodeKind.ONLINE),
            "what episodes are recorded for; may be set",
            minimum=0,
            maximum=len(EpisodeKind) - 1,
            read_only=False,
        )
        self._next = self.declare(
            "first_episode", 0, "number of the next episode to start; may be set", minimum=0, read_only=False
        )
        real_time = self.declare("real_time", False, "wall clock: decisions may come late, or not at all")
        outcomes = self.declare("outcomes", OUTCOMES[0], f"who tells them: {' or '.join(OUTCOMES)}")
        shown = self.declare(
            "observations", OBSERVATIONS[0], f"with the simulator's outcomes: {' or '.join(OBSERVATIONS)}"
        )
        play_on = self.declare(
            "play_on_every", 0, "of observed episodes, so many-th go on after a held success; 0 for none", 0
        )
        self._blind_limit = self.declare(
            "blind_limit", 5.0, "give an observed episode up after so long without a valid state [s]", 0.1
        )
        if outcomes not in OUTCOMES:
            raise NodeError(f"parameter 'outcomes' is {outcomes!r}; expected one of {', '.join(OUTCOMES)}")
        if shown not in OBSERVATIONS:
            raise NodeError(
                f"parameter 'observations' is {shown!r}; expected one of {', '.join(OBSERVATIONS)}"
            )
        if shown == "state" and real_time:
            raise NodeError("observations=state with real_time=true: only in lock-step is every step seen")
        self.add_post_set_parameters_callback(self._on_parameters)

        self._starting: int | None = None  # the episode whose scene is being reset
        self._running: int | None = None
        self._failed = False
        self._arm_fault = ""  # of the running episode, not yet part of a transition
        self._arm_latched = False
        self._verdict: int | None = None  # of the operator: the step that is under way is the last
        self._last_stamp = Time()
        self._matcher = StepMatcher(wait_for_decisions=not real_time)
        self._transitions = self.create_publisher(Transition, "transition", qos.STREAM)
        self._events = self.create_publisher(EpisodeEvent, "episode_event", qos.EVENTS)
        self._reset = self.create_client(ResetScene, "reset_scene")
        self.create_service(Trigger, "~/start", self._on_start)
        self.create_service(LabelEpisode, "~/label", self._on_label)
        self.create_service(LabelEpisode, "~/end", self._on_end)
        self._world: ObservedWorld | None = None
        if outcomes == "observation":
            self._observe(spec, play_on)
        elif shown == "state":
            seen = SeenOutcomes()
            self.create_subscription(SimState, "sim_state", self._joins(seen.add_outcome), qos.STREAM)
            self.create_subscription(State, "state", self._joins(seen.add_state), qos.STREAM)
        else:
            self.create_subscription(SimState, "sim_state", self._on_state, qos.STREAM)
        self.create_subscription(ShieldDecision, "decision", self._on_decision, qos.STREAM)
        self.create_subscription(ArmState, "arm_state", self._on_arm_state, qos.STREAM)
        self._flush = None
        if real_time:
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            period = GRACE / spec.control_rate_hz
            self._flush = self.create_timer(period, self._on_grace_over, clock=steady, autostart=False)

    def _observe(self, spec: TaskSpec, play_on_every: int) -> None:
        """Take outcomes from states; give up an episode that nothing is seen of."""
        try:
            self._world = ObservedWorld(spec, play_on_every)
        except RefereeError as error:
            raise NodeError(str(error)) from error
        self.create_subscription(State, "state", self._on_seen, qos.STREAM)
        self.create_subscription(Action, "arm_command", self._world.take_command, qos.STREAM)
        self.create_subscription(EpisodeEvent, "scene_event", self._on_scene_event, qos.EVENTS)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._blind = self.create_timer(self._blind_limit, self._on_blind, clock=steady, autostart=False)

    def _on_parameters(self, parameters: list[Parameter]) -> None:
        for parameter in parameters:
            if parameter.name == "first_episode":
                self._next = parameter.value
            elif parameter.name == "kind":
                self._kind = parameter.value

    def _on_start(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if not self._reset.service_is_ready():
            response.success = False
            response.message = f"nobody offers {self._reset.srv_name}: is the simulator or the scene running?"
            return response
        self._abort("a new episode was started")
        episode, self._next = self._next, self._next + 1
        self._starting = episode
        request_reset = ResetScene.Request(episode=episode, seed=episode_seed(self._seed, episode))
        self._reset.call_async(request_reset).add_done_callback(
            lambda future: self._on_reset(episode, future)
        )
        response.success, response.message = True, f"episode {episode}"
        return response

    def _on_reset(self, episode: int, future: Future[ResetScene.Response]) -> None:
        answer = future.result()
        if not answer.ok:
            self._give_up_reset(episode, answer.message)

    def _give_up_reset(self, episode: int, why: str) -> None:
        if self._starting == episode:
            self._starting = None
            self._publish_event(EpisodeEvent.ABORTED, episode, f"the scene was not reset: {why}")

    def _on_scene_event(self, event: EpisodeEvent) -> None:
        """The scene of a robot is reset, or it could not be."""
        if event.event == EpisodeEvent.ABORTED:
            self._give_up_reset(event.episode, event.operator_note)
        elif event.event == EpisodeEvent.STARTED and event.episode == self._starting:
            self._last_stamp = self.get_clock().now().to_msg()
            self._begin(event.episode)
            self._blind.reset()

    def _begin(self, episode: int) -> None:
        self._starting, self._running, self._failed = None, episode, False
        self._verdict = None
        self._arm_fault = ""
        self._matcher.stop()
        self._publish_event(EpisodeEvent.STARTED, episode)

    def _on_seen(self, state: State) -> None:
        """A state on a robot; only a valid one that is news ends a step."""
        if state.episode != self._running:
            return
        outcome = self._world.outcome(state)
        if outcome is None:
            return
        self._blind.reset()
        self._last_stamp = state.header.stamp
        if outcome.step == 0:
            self._matcher.start(outcome)
        else:
            self._add(outcome)

    def _on_blind(self) -> None:
        """Give the running episode up; once it has failed, that is its end: it lies where nobody sees it."""
        self._blind.cancel()
        if self._running is None:
            return
        stamp = self.get_clock().now().to_msg()
        last = self._world.cut_off(self._running, stamp) if self._failed else None
        if last is None:
            self._abort(
                f"no valid state for {self._blind_limit:g} s: is the camera there, are all objects in sight?"
            )
        else:
            self._last_stamp = stamp
            self.get_logger().warn(
                f"episode {self._running} ends: it failed, and nothing was seen for {self._blind_limit:g} s"
            )
            self._add(last)

    def _joins(self, add: Callable[[Any], SimState | None]) -> Callable[[Any], None]:
        """A listener that takes outcomes once they have been seen, too."""

        def take(message: Any) -> None:  # noqa: ANN401 - an outcome or a state
            joined = add(message)
            if joined is not None:
                self._on_state(joined)

        return take

    def _on_state(self, state: SimState) -> None:
        self._last_stamp = state.header.stamp
        if state.step == 0:
            if state.episode == self._starting:
                self._begin(state.episode)
                self._matcher.start(state)
        elif state.episode == self._running:
            self._add(state)

    def _add(self, state: SimState) -> None:
        """Take the state that ends a step."""
        if self._arm_fault:
            state.cost, self._arm_fault = 1.0, ""
        if self._verdict is not None:
            state.success = state.terminated = self._verdict == EpisodeEvent.SUCCEEDED
            state.truncated, self._verdict = not state.terminated, None
        self._publish(self._matcher.add_state(state))
        over = state.terminated or state.truncated
        if self._flush is not None and over and self._running is not None:
            self._flush.reset()

    def _on_arm_state(self, state: ArmState) -> None:
        latched = state.mode == ArmState.LATCHED
        if latched and not self._arm_latched and self._running is not None:
            self._arm_fault = state.fault
            self._failed = True
            self._publish_event(EpisodeEvent.FAILED, self._running, f"arm: {state.fault}")
        self._arm_latched = latched

    def _on_decision(self, decision: ShieldDecision) -> None:
        self._publish(self._matcher.add_decision(decision))

    def _on_grace_over(self) -> None:
        self._flush.cancel()
        self._publish(self._matcher.flush())

    def _publish(self, transitions: list[Transition]) -> None:
        for transition in transitions:
            self._transitions.publish(transition)
            if transition.cost > 0.0 and not self._failed:
                self._failed = True
                self._publish_event(EpisodeEvent.FAILED, transition.episode, stamp=transition.header.stamp)
            if transition.terminated or transition.truncated:
                self._finish(transition)

    def _finish(self, last: Transition) -> None:
        self._running = None
        if last.success:
            self._publish_event(EpisodeEvent.SUCCEEDED, last.episode)
        elif last.truncated:
            self._publish_event(EpisodeEvent.TIMED_OUT, last.episode)
        elif not self._failed:  # an end by failure has its FAILED event already
            self._publish_event(
                EpisodeEvent.ABORTED, last.episode, "ended without success, failure or time-out"
            )

    def _abort(self, why: str) -> None:
        episode = self._running if self._starting is None else self._starting
        if episode is not None:
            self._publish_event(EpisodeEvent.ABORTED, episode, why)
            self._starting = self._running = None
            self._matcher.stop()

    def _publish_event(self, event: int, episode: int, note: str = "", stamp: Time | None = None) -> None:
        message = EpisodeEvent(event=event, kind=self._kind, episode=episode, operator_note=note)
        message.header.stamp = self._last_stamp if stamp is None else stamp
        self._events.publish(message)

    def _on_label(
        self, request: LabelEpisode.Request, response: LabelEpisode.Response
    ) -> LabelEpisode.Response:
        if request.label not in LABELS:
            known = ", ".join(f"{name.upper()} ({number})" for number, name in LABELS.items())
            response.ok, response.message = False, f"label {request.label} is none; expected one of {known}"
        elif request.episode >= self._next:
            response.ok, response.message = False, f"episode {request.episode} has not been started yet"
        else:
            label = LABELS[request.label]
            note = f"{label}: {request.operator_note}" if request.operator_note else label
            self._publish_event(EpisodeEvent.LABELLED, request.episode, note)
            response.ok, response.message = True, f"episode {request.episode} is labelled {label}"
        return response

    def _on_end(
        self, request: LabelEpisode.Request, response: LabelEpisode.Response
    ) -> LabelEpisode.Response:
        """End the running episode with the step that is under way: SUCCEEDED, or ABORTED for a plain stop."""
        if request.episode != self._running:
            response.ok, response.message = False, f"episode {request.episode} does not run"
        elif request.label not in (EpisodeEvent.SUCCEEDED, EpisodeEvent.ABORTED):
            response.ok = False
            response.message = f"label {request.label}: expected SUCCEEDED (1), or ABORTED (4) for a stop"
        else:
            self._verdict = request.label
            response.ok, response.message = True, f"episode {request.episode} ends with this step"
        return response

    def close(self) -> None:
        """Say that a running episode ends here."""
        self._abort("the graph was stopped")


main = main_of(Episode)

if __name__ == "__main__":
    main()
