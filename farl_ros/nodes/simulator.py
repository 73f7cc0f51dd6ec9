"""The simulated world: a FailureBench task behind commands and states.

Lock-step: the world advances by one control period when the command that answers its newest state has come;
stamps are simulated time. Real time: it advances with the wall clock, executes the newest command that is at
most two periods old, and else stands still; stamps are wall-clock time.

With ``render`` it also shows the world as the camera beside the robot sees it: one picture for each state,
with its stamp, and in lock-step some on the way there, because velocities are seen by differences. A reset
then takes time, as on a robot, and a few pictures come before the first state.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from farl_interfaces.msg import Action, ArmState, ObjectState, SimState
from farl_interfaces.srv import ResetScene
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rosgraph_msgs.msg import Clock as ClockMessage

from farl.noise import plays_on
from farl.rollout import PLAY_ON
from farl.types import ActionSource, Array
from farl_ros import qos
from farl_ros.conversions import NANOSECONDS, action_message, array_of, floats, stamp_ns, time_of
from farl_ros.environments import make_environment
from farl_ros.nodes.common import FarlNode, NodeError
from farl_ros.nodes.running import main_of

if TYPE_CHECKING:
    from farl_ros.sight.twin_camera import TwinCamera

PICTURES = 3
"""Of an agent step of 0.2 s, half of a D435's rate: velocities are half as wrong as with one picture."""
RESET_NS = NANOSECONDS
"""With pictures, time that a reset takes in lock-step [ns]: longer than what was seen is remembered."""
COMMAND_LIFE = 2.0
"""In real time a command moves the arm for this many control periods."""

ENDLESS = 1_000_000
"""Agent steps that no episode lasts."""


class Simulator(FarlNode):
    """Publishes ``sim_state``, ``sim/arm_state``, ``/clock``; obeys ``reset_scene`` and ``arm_command``."""

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("simulator", arguments, context)
        self._spec = self.declare_task()
        self._real_time = self.declare("real_time", False, "wall clock (true) or lock-step (false)")
        self._play_on_every = self.declare(
            "play_on_every", 0, "every so many-th episode goes on after a held success; 0 for none", minimum=0
        )
        endless = self.declare("endless", False, "whoever moves the arm says when it is over, as on a robot")
        render = self.declare("render", False, "publish what the camera beside the robot sees")
        pictures = self.declare(
            "pictures_per_step", PICTURES, "pictures of each agent step in lock-step", minimum=1
        )
        timed = self._spec.model_copy(update={"horizon": ENDLESS}) if endless else self._spec
        self._environment = make_environment(timed, evaluation=endless)
        self._period_ns = round(NANOSECONDS / self._spec.control_rate_hz)
        self._running = False
        self._stamp_ns = 0
        self._command: Action | None = None
        self._command_at = -math.inf

        self._state = SimState(objects=[ObjectState(object_class=o.object_class) for o in self._spec.objects])
        self._arm = ArmState(mode=ArmState.IDLE)
        self._clock_message = ClockMessage()
        self._states = self.create_publisher(SimState, "sim_state", qos.STREAM)
        self._arm_states = self.create_publisher(ArmState, "sim/arm_state", qos.STREAM)
        self._clocks = self.create_publisher(ClockMessage, "/clock", qos.NEWEST)
        self._camera = self._make_camera(pictures) if render else None
        self.create_service(ResetScene, "reset_scene", self._on_reset)
        self.create_subscription(Action, "arm_command", self._on_command, qos.NEWEST)
        if self._real_time:
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self._timer = self.create_timer(1.0 / self._spec.control_rate_hz, self._on_tick, clock=steady)

    def _make_camera(self, pictures: int) -> TwinCamera:
        """The camera of the simulated table; imported only here, because it needs OpenGL."""
        from farl_ros.sight.errors import SightError
        from farl_ros.sight.twin_camera import TwinCamera

        try:
            return TwinCamera(self, self._environment, not self._real_time, self._period_ns, pictures)
        except SightError as error:
            raise NodeError(str(error)) from error

    def _on_reset(self, request: ResetScene.Request, response: ResetScene.Response) -> ResetScene.Response:
        options = PLAY_ON if plays_on(request.episode, self._play_on_every) else None
        observation, info = self._environment.reset(seed=request.seed, options=options)
        self._running, self._command = True, None
        self._state.episode, self._state.step = request.episode, 0
        self._state.executed = Action()
        if self._camera is not None and not self._real_time:
            self._stamp_ns += RESET_NS
            self._camera.begin(request.seed, self._stamp_ns + self._period_ns)
        self._publish(observation, 0.0, False, False, info)
        if self._real_time:
            self._timer.reset()
        response.ok = True
        return response

    def _on_command(self, command: Action) -> None:
        if self._real_time:
            self._command, self._command_at = command, time.monotonic()
        elif self._running and stamp_ns(command.state_stamp) == self._stamp_ns:
            self._step(command)

    def _on_tick(self) -> None:
        if not self._running:
            return
        fresh = time.monotonic() - self._command_at <= COMMAND_LIFE / self._spec.control_rate_hz
        if self._command is not None and fresh:
            self._step(self._command)
        else:
            self._step(self._hold())

    def _step(self, command: Action) -> None:
        values = array_of(command.values)
        if values.shape != (self._spec.action_size,) or not np.isfinite(values).all():
            self.get_logger().error(f"refused the command {values.tolist()}: standing still instead")
            command = self._hold()
            values = array_of(command.values)
        elif np.abs(values).max() > 1.0:
            values = np.clip(values, -1.0, 1.0)
            command.values = floats(values)
        observation, reward, terminated, truncated, info = self._environment.step(values)
        self._state.step += 1
        self._state.executed = command
        self._publish(observation, reward, terminated, truncated, info)

    def _hold(self) -> Action:
        zeros = np.zeros(self._spec.action_size, np.float32)
        return action_message(zeros, ActionSource.HOLD, math.nan, 0, time_of(self._stamp_ns))

    def _publish(
        self, observation: Array, reward: float, terminated: bool, truncated: bool, info: dict[str, Any]
    ) -> None:
        stamp = time_of(self._advance_clock())
        state = self._state
        state.header.stamp = stamp
        state.observation = floats(observation)
        for message, entry in zip(state.objects, self._spec.objects, strict=True):
            position = message.pose.position
            position.x, position.y, position.z = info["objects"][entry.name].tolist()
            message.visible = True
        state.reward, state.cost = float(reward), float(info["cost"])
        state.terminated, state.truncated = terminated, truncated
        state.success, state.failed = bool(info["success"]), bool(info["failed"])
        state.margin = float(info["margin"])
        self._running = not (terminated or truncated)
        self._states.publish(state)
        self._arm.header.stamp = stamp
        hand = self._arm.end_effector_pose.position
        hand.x, hand.y, hand.z = self._spec.position(self._spec.hand, observation).tolist()
        self._arm_states.publish(self._arm)
        self._clock_message.clock = stamp
        self._clocks.publish(self._clock_message)
        if self._camera is not None:
            self._camera.show(self._stamp_ns)

    def _advance_clock(self) -> int:
        """The next stamp [ns]: unique and increasing over all episodes."""
        now = self.get_clock().now().nanoseconds if self._real_time else 0
        self._stamp_ns = max(now, self._stamp_ns + (1 if self._real_time else self._period_ns))
        return self._stamp_ns

    def close(self) -> None:
        """Give the graphics memory back."""
        if self._camera is not None:
            self._camera.close()


main = main_of(Simulator)

if __name__ == "__main__":
    main()
