"""Replays of a bag as an action: into the simulator, into a shield, onto the arm.

The first two are computed in a thread and shown as ``state`` and ``decision``. On the arm the node stands
where the scene and the shield stand online: ``scene_action`` takes the hand to the recorded start, an
``episode_event`` opens the controller's gate, ``decision`` carries the recorded actions. All limits of the
controller hold, and the first fault ends it. Nothing moves unless the parameter ``move_the_arm`` is true.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from farl_interfaces.action import ReplayBag
from farl_interfaces.msg import Action, ArmState, EpisodeEvent, ShieldDecision, State
from farl_interfaces.srv import ResetScene
from rclpy.clock import Clock, ClockType
from rclpy.context import Context

from farl.models import ModelError
from farl.types import ActionSource, Array, Decision, EpisodeKind, Proposal, Reason
from farl_ros import qos
from farl_ros.bag_writer import BagError
from farl_ros.conversions import action_message, decision_message, floats, time_of
from farl_ros.nodes.common import NodeError
from farl_ros.nodes.goals import GoalServer, Outcome
from farl_ros.nodes.loading import ModelNode
from farl_ros.nodes.running import main_of
from farl_ros.paths import share_folder
from farl_ros.replay.into_arm import ArmPlan, ArmReplay, Heard, Phase
from farl_ros.replay.offline_replay import Asked, shield_replay, sim_replay
from farl_ros.replay.pace import PaceError
from farl_ros.replay.recorded import Recorded, load_recorded
from farl_ros.task_spec import TaskError
from farl_ros.way_to_start import WayError

FORESEEN = (BagError, TaskError, ModelError, PaceError, WayError)
STOPPED = (ArmState.STOPPED, ArmState.LATCHED)
REST_TICKS = 2
"""After the end the arm is told to stand still for so many control periods."""


LOOK_S, WAIT_S = 0.05, 30.0
"""How often it looks for the controller, and for how long [s]."""


class _Cancelled(Exception):
    """Raised inside of a replay to stop it."""


@dataclass(frozen=True)
class _Ended:
    result: ReplayBag.Result
    outcome: Outcome


class Replay(ModelNode):
    """Offers ``~/replay_bag``; with ``autostart`` it replays at once and then ends the process."""

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("replay", arguments, context)
        into = self.declare(
            "into", int(ReplayBag.Goal.SIMULATOR), "with autostart: 0 sim, 1 shield, 2 arm", 0, 2
        )
        goal = ReplayBag.Goal(
            bag=self.declare("bag", "", "with autostart: the bag"),
            into=into,
            speed=self.declare("speed", 0.0, "with autostart: 1.0 as recorded, 0.0 as fast as possible", 0.0),
        )
        self._out = self.declare(
            "out", "replays", "folder for CSV, figures and plots, one folder in it per bag"
        )
        self._task = self.declare("task", "", "task name or file; empty for the one that the bag names")
        self._models = self.declare(
            "models", "", "of the shield: folder of models; empty for the shipped ones"
        )
        self._preset = self.declare_preset()
        self._from = self.declare(
            "from_step", -1, "first step of the replay; -1 for the first of the bag", -1
        )
        self._to = self.declare("to_step", -1, "last step of the replay; -1 for the last of the bag", -1)
        self._seed = self.declare("reset_seed", -1, "reset of the simulator; -1 for what the bag says", -1)
        self._may_move = self.declare(
            "move_the_arm", False, "somebody stands at the robot and wants it to move"
        )
        self._reset = self.declare("reset_scene", False, "the arm is the simulator's: reset it to the start")
        self._autostart = self.declare("autostart", False, "replay at once, and end the process when done")
        self._cancelled, self._running, self._closed = threading.Event(), False, False
        self._worker = ThreadPoolExecutor(1, "replay")
        self._goals = GoalServer(
            self, ReplayBag, "~/replay_bag", self._on_goal, self._on_cancel, lambda: self._running
        )
        self._states = self.create_publisher(State, "state", qos.STREAM)
        self._decisions = self.create_publisher(ShieldDecision, "decision", qos.STREAM)
        self._actions = self.create_publisher(Action, "scene_action", qos.NEWEST)
        self._events = self.create_publisher(EpisodeEvent, "episode_event", qos.EVENTS)
        self._scene = self.create_client(ResetScene, "reset_scene")
        self.create_subscription(ArmState, "arm_state", self._on_arm_state, qos.NEWEST)
        self._arm: ArmState | None = None
        self._arm_at = -math.inf
        self._replay: ArmReplay | None = None
        self._ticker = None
        if self._autostart:
            self._since = time.monotonic()
            self._begin = self.create_timer(LOOK_S, lambda: self._on_look(goal))

    def _on_look(self, goal: ReplayBag.Goal) -> None:
        """Begin as soon as those are there that the goal needs; they start at the same time as this node."""
        waiting = goal.into == ReplayBag.Goal.ARM and (
            self.missing(["franka_controller"]) or (self._reset and not self._scene.service_is_ready())
        )
        if not waiting or time.monotonic() - self._since > WAIT_S:
            self._begin.cancel()
            self._on_goal(goal)

    def _on_goal(self, goal: ReplayBag.Goal) -> None:
        self._running = True
        self._cancelled.clear()
        if goal.into == ReplayBag.Goal.ARM:
            self._start_arm(goal)
        else:
            self._worker.submit(self._compute, goal).add_done_callback(self._on_computed)

    def _on_cancel(self) -> None:
        self._cancelled.set()
        if self._replay is not None:
            self._replay.stop("cancelled")

    def _compute(self, goal: ReplayBag.Goal) -> _Ended:
        """In another thread: replay, and put every foreseen end into words."""
        try:
            recorded = self._recorded(goal)
            begin, end = self._window()
            into = "shield" if goal.into == ReplayBag.Goal.SHIELD else "sim"
            asked = Asked(Path(self._out) / into / recorded.path.name, begin, end, float(goal.speed))
            if goal.into == ReplayBag.Goal.SHIELD:
                folder = self._models or share_folder() / "models" / recorded.spec.name
                result = shield_replay(
                    recorded,
                    asked,
                    Path(folder),
                    self._preset,
                    lambda n, d: self._show(recorded, n, decision=d),
                )
                apart = np.abs(result.risk_now - result.risk_then)
                divergence = float(np.nanmax(apart)) if np.isfinite(apart).any() else math.nan
                said = f"{int(result.changed.sum())} of {len(result.steps)} decisions differ"
            else:
                seed = None if self._seed < 0 else self._seed
                replay = sim_replay(
                    recorded, asked, lambda n, o: self._show(recorded, n, observation=o), seed
                )
                divergence = replay.divergence.greatest
                exact = (
                    "bit for bit the same" if replay.divergence.same else f"at most {divergence:.4g} m apart"
                )
                said = f"{len(replay.observations) - 1} steps, {exact}"
        except _Cancelled:
            return _Ended(ReplayBag.Result(message="cancelled"), Outcome.CANCELED)
        except FORESEEN as error:
            return _Ended(ReplayBag.Result(message=str(error)), Outcome.ABORTED)
        message = f"{said}; see {asked.out}"
        return _Ended(ReplayBag.Result(ok=True, message=message, divergence=divergence), Outcome.SUCCEEDED)

    def _recorded(self, goal: ReplayBag.Goal) -> Recorded:
        return load_recorded(Path(goal.bag), self._task or None)

    def _window(self) -> tuple[int | None, int | None]:
        return (None if self._from < 0 else self._from, None if self._to < 0 else self._to)

    def _show(
        self,
        recorded: Recorded,
        index: int,
        observation: Array | None = None,
        decision: Decision | None = None,
    ) -> None:
        """Publish a state or a decision, from the replaying thread."""
        if self._cancelled.is_set():
            raise _Cancelled
        stamp = time_of(round(1e9 * (index + 1) / recorded.spec.control_rate_hz))
        if observation is not None:
            state = State(
                task=recorded.spec.name,
                observation=floats(observation),
                episode=recorded.episode,
                step=recorded.first_step + index,
            )
            state.header.stamp = stamp
            self._states.publish(state)
        if decision is not None:
            self._decisions.publish(decision_message(decision, stamp))
        feedback = ReplayBag.Feedback(step=index, steps=len(recorded))
        self.executor.create_task(self._goals.feedback, feedback)

    def _on_computed(self, future: Future[_Ended]) -> None:
        if not self._closed:
            self.executor.create_task(lambda: self._end(future.result()))

    def _start_arm(self, goal: ReplayBag.Goal) -> None:
        try:
            if not self._may_move:
                raise NodeError(
                    "the arm is not moved: nobody has confirmed it; stand at the robot with the user stop in "
                    "your hand and set move_the_arm"
                )
            recorded = self._recorded(goal)
            plan = ArmPlan.of(recorded, recorded.window(*self._window()), float(goal.speed))
        except (*FORESEEN, NodeError) as error:
            self._end(_Ended(ReplayBag.Result(message=str(error)), Outcome.ABORTED))
            return
        self._episode, self._rest = recorded.episode, REST_TICKS
        self._arm, self._arm_at = None, -math.inf
        self._replay = ArmReplay(plan, time.monotonic())
        if self._reset:
            seed = 0 if recorded.start is None else recorded.start.seed
            self._scene.call_async(ResetScene.Request(episode=recorded.episode, seed=seed))
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._ticker = self.create_timer(1.0 / recorded.spec.control_rate_hz, self._on_tick, clock=steady)

    def _on_arm_state(self, state: ArmState) -> None:
        self._arm, self._arm_at = state, time.monotonic()

    def _on_tick(self) -> None:
        """One control period."""
        replay, now = self._replay, time.monotonic()
        before = replay.phase
        action = replay.next(self._heard(now), now)
        stamp = self.get_clock().now().to_msg()
        if before == Phase.APPROACH and replay.phase == Phase.SETTLE:
            self._tell(EpisodeEvent.STARTED, stamp)  # periods before the first action: none may overtake it
        if action is None:
            self._come_to_rest(stamp)
        elif replay.phase == Phase.APPROACH:
            self._actions.publish(action_message(action, ActionSource.REPLAY, math.nan, 0, stamp))
        else:
            self._decisions.publish(self._decision(action, ActionSource.REPLAY, stamp))
            self._goals.feedback(ReplayBag.Feedback(step=replay.step, steps=len(replay.plan.actions)))

    def _heard(self, now: float) -> Heard:
        if self._arm is None:
            return Heard(None, now - self._arm_at, "")
        position = self._arm.end_effector_pose.position
        fault = f"the arm is latched or stopped ({self._arm.fault})" if self._arm.mode in STOPPED else ""
        return Heard((position.x, position.y, position.z), now - self._arm_at, fault)

    def _come_to_rest(self, stamp: object) -> None:
        """End the episode, which makes the controller hold, and then the goal."""
        replay = self._replay
        done = replay.phase == Phase.DONE
        if self._rest == REST_TICKS:
            self._tell(EpisodeEvent.TIMED_OUT if done else EpisodeEvent.ABORTED, stamp, replay.message)
        self._rest -= 1
        if self._rest > 0:
            return
        self.destroy_timer(self._ticker)
        self._ticker, self._replay = None, None
        outcome = (
            Outcome.SUCCEEDED if done else Outcome.CANCELED if self._cancelled.is_set() else Outcome.ABORTED
        )
        result = ReplayBag.Result(ok=done, message=replay.message, divergence=float(replay.greatest))
        self._end(_Ended(result, outcome))

    def _decision(self, values: Array, source: ActionSource, stamp: object) -> ShieldDecision:
        proposal = Proposal(values, math.nan, 0, source)
        nothing = np.empty(0, np.float32)
        decision = Decision(math.nan, math.nan, nothing, proposal, values, source, Reason.SHIELD_OFF, 0.0, "")
        return decision_message(decision, stamp)

    def _tell(self, event: int, stamp: object, note: str = "") -> None:
        message = EpisodeEvent(
            event=event, kind=int(EpisodeKind.ONLINE), episode=self._episode, operator_note=note
        )
        message.header.stamp = stamp
        self._events.publish(message)

    def _end(self, ended: _Ended) -> None:
        self._running = False
        if ended.result.ok:
            self.get_logger().info(ended.result.message)
        else:
            self.get_logger().error(ended.result.message)
        self._goals.finish(ended.result, ended.outcome)
        if self._autostart:
            self.exit_code = 0 if ended.result.ok else 2

    def close(self) -> None:
        """Stop a replay that is under way; the controller's watchdog makes the arm stand still."""
        self._closed = True
        self._cancelled.set()
        if self._replay is not None:
            self._tell(EpisodeEvent.ABORTED, self.get_clock().now().to_msg(), "the replay was stopped")
        self._worker.shutdown()


main = main_of(Replay)

if __name__ == "__main__":
    main()
