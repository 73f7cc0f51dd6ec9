"""Frames become the task's observation: in simulation what the simulator knows, on a robot what is seen.

The simulator numbers its states itself. On a robot the ``episode`` node says when an episode begins and ends,
and this node numbers the frames in between, one each control period, and publishes no others: without an
episode there is nothing to act on (``farl_ros.step_numbers``).

It has ROS 2's life cycle: configure loads what the source needs and warms it up, activate opens the camera
and publishes. With ``autostart`` (the default) it does both by itself, and what is wrong ends it with one
sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from farl_interfaces.msg import EpisodeEvent, ObjectState, SimState, State
from rclpy.context import Context
from rclpy.lifecycle import LifecycleNodeMixin, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node

from farl_ros import qos
from farl_ros.conversions import NANOSECONDS, array_of, stamp_ns
from farl_ros.episode_gate import ENDS
from farl_ros.messages import Event
from farl_ros.nodes.common import FarlNode, NodeError
from farl_ros.nodes.running import main_of
from farl_ros.step_numbers import StepNumbers

if TYPE_CHECKING:
    from farl_ros.sight.camera_source import CameraOptions

Listener = Callable[[State], None]


class StateSource(Protocol):
    """Where observations come from: making it loads everything, ``listen`` begins, ``close`` ends.

    It fills in everything but ``task`` and the NOT_FINITE bit of ``validity``, and ``episode`` and ``step``
    only where it ``numbers``. The stamp is that of the frame's acquisition.
    """

    numbers: bool
    """Whether it knows episodes and steps, and gives one state for each; else it gives every frame it has."""

    def listen(self, node: Node, listener: Listener) -> None:
        """Begin to call back with every new state; ``node`` is the one to subscribe with."""

    def close(self) -> None:
        """Stop; ``listen`` may begin anew."""


class _Subscribed:
    """A source with one subscription."""

    def __init__(self) -> None:
        self._node: Node | None = None

    def _subscribe(self, node: Node, kind: type, topic: str, take: Callable[..., None]) -> None:
        self._node = node
        self._subscription = node.create_subscription(kind, topic, take, qos.STREAM)

    def close(self) -> None:
        """Stop listening."""
        if self._node is not None:
            self._node.destroy_subscription(self._subscription)
            self._node = None


class PrivilegedSource(_Subscribed):
    """The simulator's own knowledge; no camera."""

    numbers = True

    def listen(self, node: Node, listener: Listener) -> None:
        """Subscribe to ``sim_state``."""
        state = State()

        def take(sim: SimState) -> None:
            state.header, state.observation, state.objects = sim.header, sim.observation, sim.objects
            state.episode, state.step = sim.episode, sim.step
            state.validity = _validity_of(sim.objects)
            listener(state)

        self._subscribe(node, SimState, "sim_state", take)


class TopicSource(_Subscribed):
    """Whoever publishes ``estimate``: a perception process of its own, motion capture, a world for tests."""

    numbers = False

    def listen(self, node: Node, listener: Listener) -> None:
        """Subscribe to ``estimate``."""

        def take(state: State) -> None:
            state.validity |= _validity_of(state.objects)
            listener(state)

        self._subscribe(node, State, "estimate", take)


def _validity_of(objects: Sequence[ObjectState]) -> int:
    """Whoever does not predict has lost what it does not see."""
    return State.VALID if all(entry.visible for entry in objects) else State.OBJECT_LOST


SOURCES = ("privileged", "topic", "camera")


class StateEstimator(LifecycleNodeMixin, FarlNode):
    """Publishes ``state``; with a camera also ``diagnostics`` and ``~/debug_image``."""

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        FarlNode.__init__(self, "state_estimator", arguments, context)
        self._spec = self.declare_task()
        self._name = self.declare("source", SOURCES[0], f"where observations come from: {', '.join(SOURCES)}")
        if self._name not in SOURCES:
            raise NodeError(f"parameter 'source' is {self._name!r}; expected one of {', '.join(SOURCES)}")
        self._camera = self.declare("camera", "franka_twin", "camera name, or a camera YAML file")
        self._frames = self.declare("frames", "topics", "of the camera: topics, realsense or recording")
        self._recording = self.declare("recording", "", "with frames=recording: the file")
        self._real_time = self.declare(
            "real_time", False, "of the camera: wall clock, or lock-step with a simulator that renders"
        )
        self._debug_rate = self.declare(
            "debug_rate", 2.0, "pictures on ~/debug_image per second [Hz]; 0 for none", 0.0, 60.0
        )
        self._always = self.declare("without_episodes", False, "every frame is a state, numbered 0")
        autostart = self.declare("autostart", True, "configure and activate by itself")
        self._source: StateSource | None = None
        self._numbers: StepNumbers | None = None
        self._failure = ""
        LifecycleNodeMixin.__init__(self)
        self._states = self.create_lifecycle_publisher(State, "state", qos.STREAM)
        self.create_subscription(EpisodeEvent, "episode_event", self._on_event, qos.EVENTS)
        if autostart:
            for step in (self.trigger_configure, self.trigger_activate):
                if step() != TransitionCallbackReturn.SUCCESS:
                    raise NodeError(self._failure)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load what the source needs, and warm it up."""
        return super().on_configure(state) if self._managed(self._load) else TransitionCallbackReturn.FAILURE

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open the camera, and publish from now on."""
        done = super().on_activate(state)
        if self._managed(lambda: self._source.listen(self, self._on_estimate)):
            return done
        self._source.close()
        super().on_deactivate(state)
        return TransitionCallbackReturn.FAILURE

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Close the camera; what was loaded stays."""
        self._source.close()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget what was loaded."""
        self._source = None
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """End the process."""
        self.close()
        self.exit_code = 0
        return super().on_shutdown(state)

    def _managed(self, action: Callable[[], None]) -> bool:
        """Do something that may be refused; the life cycle itself would swallow the reason."""
        try:
            action()
        except Exception as error:  # told here, whatever it is: the caller of the service gets only False
            self._failure = str(error)
            self.get_logger().error(self._failure)
            return False
        return True

    def _load(self) -> None:
        if self._name == "camera":
            # Only here are OpenCV, ONNX Runtime and the camera's library needed.
            from farl_ros.sight.camera_source import CameraSource

            self._source = CameraSource(self._spec, self._options())
        else:
            self._source = PrivilegedSource() if self._name == "privileged" else TopicSource()
        self._numbers = None
        if not self._source.numbers and not self._always:
            period = round(NANOSECONDS / self._spec.control_rate_hz)
            self._numbers = StepNumbers(period, self._spec.horizon)

    def _options(self) -> CameraOptions:
        from farl_ros.sight.camera_source import CameraOptions
        from farl_ros.sight.devices import Frames

        if self._frames not in list(Frames):
            raise NodeError(f"parameter 'frames' is {self._frames!r}; expected one of {', '.join(Frames)}")
        recording = Path(self._recording) if self._recording else None
        return CameraOptions(self._camera, Frames(self._frames), recording, self._real_time, self._debug_rate)

    def _on_event(self, event: EpisodeEvent) -> None:
        if self._numbers is None:
            return
        if event.event == EpisodeEvent.STARTED:
            self._numbers.start(event.episode, stamp_ns(event.header.stamp))
        elif Event(event.event) in ENDS:
            self._numbers.stop()

    def _on_estimate(self, state: State) -> None:
        if len(state.observation) != self._spec.observation_size:
            raise NodeError(
                f"an observation of {len(state.observation)} entries came, but {self._spec.name} has "
                f"{self._spec.observation_size}: do state_estimator and its source have the same task?"
            )
        state.task = self._spec.name
        if not np.isfinite(array_of(state.observation)).all():
            state.validity |= State.NOT_FINITE
        if self._numbers is not None:
            number = self._numbers.of(stamp_ns(state.header.stamp), state.validity == State.VALID)
            if number is None:
                return
            state.episode, state.step = number
        self._states.publish(state)

    def close(self) -> None:
        """Close the camera."""
        if self._source is not None:
            self._source.close()


main = main_of(StateEstimator)

if __name__ == "__main__":
    main()
