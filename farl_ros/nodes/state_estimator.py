"""Frames become the task's observation: in simulation what the simulator knows, later what a camera sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from farl_interfaces.msg import SimState, State
from rclpy.context import Context
from rclpy.node import Node

from farl_ros import qos
from farl_ros.conversions import array_of
from farl_ros.nodes.common import FarlNode, NodeError
from farl_ros.nodes.running import main_of

Listener = Callable[[State], None]


class StateSource(Protocol):
    """Where observations come from. It subscribes to what it needs, and calls back with every new state.

    It fills in everything but ``task`` and the NOT_FINITE and OBJECT_LOST bits of ``validity``. The stamp is
    that of the frame's acquisition.
    """

    def listen(self, node: Node, listener: Listener) -> None:
        """Begin; ``node`` is the one to subscribe with."""


class PrivilegedSource:
    """The simulator's own knowledge; no camera."""

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


SOURCES: dict[str, Callable[[], StateSource]] = {"privileged": PrivilegedSource}


class StateEstimator(FarlNode):
    """Publishes ``state``."""

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("state_estimator", arguments, context)
        self._spec = self.declare_task()
        name = self.declare("source", "privileged", f"where observations come from: {', '.join(SOURCES)}")
        if name not in SOURCES:
            raise NodeError(
                f"parameter 'source' is {name!r}; expected one of {', '.join(SOURCES)} "
                "(cameras come with a later release)"
            )
        self._states = self.create_publisher(State, "state", qos.STREAM)
        self._source = SOURCES[name]()
        self._source.listen(self, self._on_estimate)

    def _on_estimate(self, state: State) -> None:
        if len(state.observation) != self._spec.observation_size:
            raise NodeError(
                f"an observation of {len(state.observation)} entries came, but {self._spec.name} has "
                f"{self._spec.observation_size}: do simulator and state_estimator have the same task?"
            )
        state.task = self._spec.name
        if not np.isfinite(array_of(state.observation)).all():
            state.validity |= State.NOT_FINITE
        if not all(entry.visible for entry in state.objects):
            state.validity |= State.OBJECT_LOST
        self._states.publish(state)


main = main_of(StateEstimator)

if __name__ == "__main__":
    main()
