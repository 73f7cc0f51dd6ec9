"""The person: watches what the graph publishes, moves the device, says how it went."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np
import rclpy
from farl_interfaces.msg import State
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import String

from farl.types import Array
from farl_ros import qos
from tests.farl_ros.hands.devices import Hand

SOON_S = 30.0
"""What a person waits for comes within that time, or something is broken [s]."""
Steering = Callable[[Array], tuple[float, float] | None]
"""From an observation to forward and left; None when the person is done."""


class NotSeenError(Exception):
    """What the person waited for did not come; the message says what, and what was there instead."""


class Person:
    """Sees states and the session's status in a thread of its own.

    Attributes:
        domain_id: DDS domain of the sessions.
        states_seen: States of the newest episode that were published so far.
        node: For clients of its own.
    """

    def __init__(self, domain_id: int) -> None:
        """Begin to look.

        Args:
            domain_id: DDS domain of the sessions.
        """
        self.domain_id = domain_id
        self.states_seen = 0
        self._context = Context()
        rclpy.init(
            args=[],
            context=self._context,
            domain_id=domain_id,
            signal_handler_options=SignalHandlerOptions.NO,
        )
        self.node = Node("person", context=self._context, use_global_arguments=False)
        self.node.create_subscription(State, "state", self._on_state, qos.NEWEST)
        self.node.create_subscription(String, "session/status", self._on_status, qos.NEWEST)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._fresh = threading.Condition()
        self._status: Mapping[str, Any] = {}
        self._state: tuple[int, int, Array] | None = None
        self._over = threading.Event()
        self._eyes = threading.Thread(target=self._look, name="person")

    def __enter__(self) -> Self:
        """Open the eyes."""
        self._eyes.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Go."""
        self._over.set()
        self._eyes.join()
        self._executor.shutdown()
        self._context.try_shutdown()

    def _look(self) -> None:
        while not self._over.is_set():
            self._executor.spin_once(timeout_sec=0.05)

    def _on_state(self, message: State) -> None:
        with self._fresh:
            observation = np.array(message.observation, np.float32)
            self._state = message.episode, message.step, observation
            self.states_seen = message.step + 1
            self._fresh.notify_all()

    def _on_status(self, message: String) -> None:
        with self._fresh:
            self._status = json.loads(message.data)
            self._fresh.notify_all()

    def forget(self) -> None:
        """What was seen of a session that has ended says nothing of the next one."""
        with self._fresh:
            self._status, self._state = {}, None

    def wait(self, what: str, until: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
        """Wait for something in the status; returns it.

        Raises:
            NotSeenError: It did not come.
        """
        with self._fresh:
            seen = self._fresh.wait_for(lambda: bool(self._status) and until(self._status), SOON_S)
            if not seen:
                raise NotSeenError(f"no {what} within {SOON_S:g} s; the session says {dict(self._status)}")
            return self._status

    def wait_for_phase(self, phase: str) -> Mapping[str, Any]:
        """Wait until the session is ``idle`` or ``running``."""
        return self.wait(f"phase {phase}", lambda status: status["phase"] == phase)

    def steer(self, hand: Hand, steering: Steering) -> bool:
        """Answer each new state with the hand, until the person is done or the episode is over.

        Returns:
            Whether the person was done before the episode was over.
        """
        last = -1
        try:
            while True:
                with self._fresh:
                    self._fresh.wait_for(
                        lambda last=last: self._state is not None and self._state[1] != last, 1.0
                    )
                    running, state = self._status["phase"] == "running", self._state
                if not running or state is None:
                    return False
                last = state[1]
                way = steering(state[2])
                if way is None:
                    return True
                hand.move(*way)
        finally:
            hand.let_go()
            time.sleep(0.02)
