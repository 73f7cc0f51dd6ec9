"""Resets on a robot: the arm goes to the start pose, then a person puts the objects back and says so.

``reset_scene`` is answered at once; how it went comes in ``scene_event``: STARTED when the person has called
``~/ready``, ABORTED with the reason when that did not happen in time. An executor that cannot suspend a
callback cannot answer a service later. The arm is moved by actions like those of a policy, through the
controller's limits and under its watchdog. A latched fault is never cleared here: the scene says what to do
and waits for the person.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from enum import Enum, auto

import numpy as np
from farl_interfaces.msg import Action, ArmState, EpisodeEvent
from farl_interfaces.srv import ResetScene
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from std_srvs.srv import Trigger

from farl.types import ActionSource, Array
from farl_ros import qos
from farl_ros.conversions import action_message
from farl_ros.nodes.common import FarlNode, NodeError
from farl_ros.nodes.running import main_of
from farl_ros.task_spec import TaskSpec
from farl_ros.way_to_start import WayError, WayToStart

REARMING = "look at the robot, then: farl rearm (or call the service franka_controller/rearm)"
ARM_SILENCE_S = 2.0
"""An arm that says nothing for so long [s] is not moved."""


class Phase(Enum):
    """What a reset is waiting for."""

    NONE = auto()  # no reset is under way
    ARM = auto()  # the arm, on its way to the start
    PERSON = auto()


def instruction(spec: TaskSpec) -> str:
    """What the person is to do, in one sentence."""
    layout = spec.layout
    (x, y), (goal_x, goal_y) = layout.object_position, layout.goal_position
    first, *others = [tracked.name for tracked in spec.objects]
    rest = f", the {' and the '.join(others)} out of its way" if others else ""
    return (
        f"put the {first} at x = {x:.3f}, y = {y:.3f} m (within {layout.jitter:.3f} m) and its goal at "
        f"x = {goal_x:.3f}, y = {goal_y:.3f} m{rest}; step back; then say so: farl ready "
        "(or: ros2 service call /scene/ready std_srvs/srv/Trigger)"
    )


class Scene(FarlNode):
    """Offers ``reset_scene`` and ``~/ready``; publishes ``scene_event`` and ``scene_action``."""

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("scene", arguments, context)
        self._spec = self.declare_task()
        self._shadow = self.declare("shadow", False, "leave the arm where it is")
        self._reset_limit = self.declare("reset_limit", 300.0, "longest wait for the person [s]", 0.1)
        self._move_limit = self.declare("move_limit", 60.0, "longest way of the arm to its start [s]", 0.1)
        self._remind = self.declare("remind_every", 20.0, "say again what to do after so long [s]", 0.1)
        travel = self.declare("travel_height", 0.15, "height of the hand on its way over the table [m]", 0.0)
        share = self.declare("speed_share", 0.25, "greatest share of an action on the way", 0.0, 1.0)
        tolerance = self.declare("tolerance", 0.005, "this near to the start is there [m]", 0.0001)
        try:
            self._way = WayToStart.of(self._spec, travel, share, tolerance)
        except WayError as error:
            raise NodeError(str(error)) from error
        self._phase, self._episode = Phase.NONE, 0
        self._since = self._moving_since = 0.0
        self._said, self._said_at = "", -math.inf
        self._arm_at = -math.inf
        self._arm: ArmState | None = None
        self._events = self.create_publisher(EpisodeEvent, "scene_event", qos.EVENTS)
        self._actions = self.create_publisher(Action, "scene_action", qos.NEWEST)
        self.create_service(ResetScene, "reset_scene", self._on_reset)
        self.create_service(Trigger, "~/ready", self._on_ready)
        self.create_subscription(ArmState, "arm_state", self._on_arm_state, qos.NEWEST)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0 / self._spec.control_rate_hz, self._on_tick, clock=steady)

    def _on_arm_state(self, state: ArmState) -> None:
        self._arm, self._arm_at = state, time.monotonic()

    def _on_reset(self, request: ResetScene.Request, response: ResetScene.Response) -> ResetScene.Response:
        if self._phase != Phase.NONE:
            self._give_up("another reset was asked for")
        self._episode = request.episode
        self._since = self._moving_since = time.monotonic()
        self._enter(Phase.PERSON if self._shadow else Phase.ARM)
        response.ok, response.message = True, "under way; scene_event tells when the scene is ready"
        return response

    def _on_ready(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._phase == Phase.PERSON and not self._latched:
            self._phase = Phase.NONE
            self._tell(EpisodeEvent.STARTED, "")
            response.success, response.message = True, f"episode {self._episode} begins"
        elif self._phase == Phase.NONE:
            response.message = "no reset is under way: nobody waits for this"
        elif self._latched:
            response.message = f"the arm is latched ({self._arm.fault}): {REARMING}"
        else:
            response.message = "the arm is still on its way to the start: stand back, and say it again later"
        return response

    @property
    def _latched(self) -> bool:
        return self._arm is not None and self._arm.mode == ArmState.LATCHED

    def _on_tick(self) -> None:
        if self._phase == Phase.NONE:
            return
        now = time.monotonic()
        if now - self._since > self._reset_limit:
            self._give_up(f"{self._waited_for()} within {self._reset_limit:g} s")
        elif self._latched:
            self._say(f"the arm is latched ({self._arm.fault}): {REARMING}")
            self._moving_since = now  # its way begins when it may move again
        elif self._phase == Phase.PERSON:
            self._say(instruction(self._spec))
        else:
            self._move(now)

    def _move(self, now: float) -> None:
        """One step of the arm to its start, once it has said where it is."""
        heard = max(self._arm_at, self._moving_since)
        if now - heard > ARM_SILENCE_S:
            self._give_up(f"no arm_state for {ARM_SILENCE_S:g} s: is franka_controller running?")
            return
        if self._arm is None or self._arm_at < self._moving_since:
            self._act(np.zeros(self._spec.action_size, np.float32))  # some arms only answer
            return
        position = self._arm.end_effector_pose.position
        hand = (position.x, position.y, position.z)
        values = self._way.action(hand)
        if values is None:
            self._enter(Phase.PERSON)
        elif now - self._moving_since > self._move_limit:
            left = self._way.left(hand)
            self._give_up(f"after {self._move_limit:g} s the arm is still {left:.3f} m from its start")
        else:
            self._act(values)

    def _act(self, values: Array) -> None:
        stamp = self.get_clock().now().to_msg()
        self._actions.publish(action_message(values, ActionSource.REPLAY, math.nan, 0, stamp))

    def _enter(self, phase: Phase) -> None:
        self._phase, self._said_at = phase, -math.inf
        arm = phase == Phase.ARM
        self._say("stand back: the arm goes to its start" if arm else instruction(self._spec))

    def _waited_for(self) -> str:
        if self._latched:
            return f"the arm is latched ({self._arm.fault}), and nobody re-armed it"
        return (
            "nobody called scene/ready"
            if self._phase == Phase.PERSON
            else "the arm did not come to its start"
        )

    def _say(self, what: str) -> None:
        """Tell the person, and again now and then."""
        now = time.monotonic()
        if what != self._said or now - self._said_at > self._remind:
            self._said, self._said_at = what, now
            self.get_logger().info(f"episode {self._episode}: {what}")

    def _give_up(self, why: str) -> None:
        self._phase = Phase.NONE
        self.get_logger().error(f"episode {self._episode}: {why}")
        self._tell(EpisodeEvent.ABORTED, why)

    def _tell(self, event: int, note: str) -> None:
        message = EpisodeEvent(
            event=event, kind=EpisodeEvent.ONLINE, episode=self._episode, operator_note=note
        )
        message.header.stamp = self.get_clock().now().to_msg()
        self._events.publish(message)


main = main_of(Scene)

if __name__ == "__main__":
    main()
