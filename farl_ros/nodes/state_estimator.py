"""Frames become the task's observation: in simulation what the simulator knows, on a robot what is seen.

The simulator numbers its states itself. On a robot the ``episode`` node says when an episode begins and ends,
and this node numbers the frames in between, one each control period, and publishes no others: without an
episode there is nothing to act on (``farl_ros.step_numbers``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from farl_interfaces.msg import EpisodeEvent, SimState, State
from rclpy.context import Context
from rclpy.node import Node

from farl_ros import qos
from farl_ros.conversions import NANOSECONDS, array_of, stamp_ns
from farl_ros.episode_gate import ENDS
from farl_ros.messages import Event
from farl_ros.nodes.common import FarlNode, NodeError
from farl_ros.nodes.running import main_of
from farl_ros.step_numbers import StepNumbers

Listener = Callable[[State], None]


class StateSource(Protocol):
    """Where observations come from. It subscribes to what it needs, and calls back with every new state.

    It fills in everything but ``task`` and the NOT_FINITE and OBJECT_LOST bits of ``validity``, and
    ``episode`` and ``step`` only where it ``numbers``. The stamp is that of the frame's acquisition.
    """

    numbers: bool
    """Whether it knows episodes and steps, and gives one state for each; else it gives every frame it has."""

    def listen(self, node: Node, listener: Listener) -> None:
        """Begin; ``node`` is the one to subscribe with."""


class PrivilegedSource:
    """The simulator's own knowledge; no camera."""

    numbers = True

    def __init__(self) -> None:
        self._state = State()

    def listen(self, node: Node, listener: Listener) -> None:
        """Subscribe to ``sim_state``."""

        def take(sim: SimState) -> None:
            state = self._state
            state.header, state.observation, state.objects = sim.header, sim.observation, sim.objects
            state.episode, state.step, state.validity = sim.episode, sim.step, State.VALID
            listener(state)

        node.create_subscription(SimState, "sim_state", take, qos.STREAM)


class TopicSource:
    """Whoever publishes ``estimate``: a perception process of its own, motion capture, a world for tests."""

    numbers = False

    def listen(self, node: Node, listener: Listener) -> None:
        """Subscribe to ``estimate``."""
        node.create_subscription(State, "estimate", listener, qos.STREAM)


class CameraSource:
    """The place of the camera: perception is not part of this release."""

    numbers = False

    def listen(self, node: Node, listener: Listener) -> None:
        """Say so.

        Raises:
            NodeError: Always.
        """
        raise NodeError(
            "parameter 'source' is 'camera', but this release has no camera: perception comes with a later "
            "one. Until then use source:=topic (--source topic), and publish State messages on 'estimate'"
        )


SOURCES: dict[str, Callable[[], StateSource]] = {
    "privileged": PrivilegedSource,
    "topic": TopicSource,
    "camera": CameraSource,
}


class StateEstimator(FarlNode):
    """Publishes ``state``."""

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("state_estimator", arguments, context)
        self._spec = self.declare_task()
        name = self.declare("source", "privileged", f"where observations come from: {', '.join(SOURCES)}")
        if name not in SOURCES:
            raise NodeError(f"parameter 'source' is {name!r}; expected one of {', '.join(SOURCES)}")
        self._states = self.create_publisher(State, "state", qos.STREAM)
        self._source = SOURCES[name]()
        self._numbers: StepNumbers | None = None
        if not self._source.numbers:
            period = round(NANOSECONDS / self._spec.control_rate_hz)
            self._numbers = StepNumbers(period, self._spec.horizon)
            self.create_subscription(EpisodeEvent, "episode_event", self._on_event, qos.EVENTS)
        self._source.listen(self, self._on_estimate)

    def _on_event(self, event: EpisodeEvent) -> None:
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
        if not all(entry.visible for entry in state.objects):
            state.validity |= State.OBJECT_LOST
        if self._numbers is not None:
            number = self._numbers.of(stamp_ns(state.header.stamp), state.validity == State.VALID)
            if number is None:
                return
            state.episode, state.step = number
        self._states.publish(state)


main = main_of(StateEstimator)

if __name__ == "__main__":
    main()
