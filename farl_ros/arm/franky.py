"""A Franka arm, Panda or FR3, through the franky library.

Three threads beside the caller's: one reads the robot's state, one makes the calls to the robot, one drives
the hand. No call of this class waits for the robot longer than ``FrankyOptions.call_timeout``, except
``__enter__``, ``recover`` and, where motions are poses, ``command``.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from farl_interfaces.msg import ArmState

from farl.types import ActionSource
from farl_ros.arm.backend import ArmCommand, ArmError, FaultKind, StateListener
from farl_ros.arm.franky_connection import connect, require_franky
from farl_ros.arm.franky_faults import RecoveryBudget
from farl_ros.arm.franky_options import FrankyOptions
from farl_ros.arm.franky_state import Measured
from farl_ros.arm.robots import RobotSpec

if TYPE_CHECKING:
    from farl_ros.arm.franky_gripper import FrankyGripper
    from farl_ros.arm.franky_link import FrankyLink

LOST = (FaultKind.NETWORK, FaultKind.VERSION)
"""Faults after which only a new connection helps; after all others the robot has stopped itself."""


class FrankyBackend:
    """An ``ArmBackend``; the listener is called in the thread that reads the state."""

    def __init__(
        self, robot: RobotSpec, options: FrankyOptions, action_size: int, on_state: StateListener
    ) -> None:
        self._robot, self._options, self._on_state = robot, options, on_state
        self._zeros = np.zeros(action_size, np.float32)
        self._budget = RecoveryBudget()
        self._state: ArmState | None = None
        self._lock = threading.Lock()
        self._fault: ArmError | None = None
        self._events: list[ArmError] = []
        self._link: FrankyLink | None = None
        self._hand: FrankyGripper | None = None

    def __enter__(self) -> Self:
        self._connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stand still and disconnect; a robot that is at fault does the first by itself."""
        try:
            if self._refusal() is None:
                self._do(lambda link: link.rest())
        finally:
            self._disconnect()

    def state(self) -> ArmState | None:
        """The newest measured state."""
        return self._state

    def command(self, command: ArmCommand) -> ArmCommand:
        """Start a motion to the command's target.

        Raises:
            ArmError: It has none, or the arm is at fault: it stands still, or will at its dead-man.
        """
        fault = self._refusal()
        if fault is not None:
            raise fault
        target = command.target
        if target is None:
            raise ArmError(
                FaultKind.OTHER, "the command has no target pose: it must come from a command chain"
            )
        self._do(lambda link: link.send(target))
        return command

    def hold(self, stamp_ns: int) -> ArmCommand:
        """Stand still; a robot that has stopped itself does already.

        Raises:
            ArmError: The robot is lost: what it does is not known.
        """
        self._raise_if_lost()
        self._do(lambda link: link.hold())
        return ArmCommand(self._zeros, ActionSource.HOLD, stamp_ns, math.nan, 0)

    def stop(self) -> None:
        """End the motion at once.

        Raises:
            ArmError: The robot is lost: what it does is not known.
        """
        self._raise_if_lost()
        self._do(lambda link: link.stop())

    def recover(self, automatic: bool = False) -> None:
        """Clear the fault; a lost robot is connected anew.

        Raises:
            ArmError: The fault is still there, or it needs a person.
        """
        fault = self._refusal()
        if fault is None:
            return
        now = time.monotonic()
        if automatic:
            refusal = self._budget.refusal(fault.kind, now)
            if refusal:
                raise ArmError(fault.kind, f"{refusal}: a person must look ({fault})")
            self._budget.spend(now)
        if fault.kind in LOST or self._link is None:
            self._disconnect()
            self._connect()
        else:
            self._link.recover()
            self._connect_hand()
            with self._lock:
                self._fault = None
        if not automatic:
            self._budget.reset()

    def gripper(self, width: float) -> None:
        """Ask for a width [m]; returns at once.

        Raises:
            ArmError: There is no hand.
        """
        if self._hand is None:
            raise ArmError(FaultKind.OTHER, f"no gripper is connected (asked for {width} m)")
        self._hand.go_to(width)

    @property
    def gripper_width(self) -> float | None:
        """Between the fingers after the last movement [m]; None without a hand."""
        return None if self._hand is None else self._hand.width

    def events(self) -> list[ArmError]:
        """Faults since the last call, each once."""
        self._refusal()
        with self._lock:
            events, self._events = self._events, []
        return events

    # --- connection -------------------------------------------------------------------------------

    def _connect(self) -> None:
        require_franky(self._robot)
        from farl_ros.arm.franky_link import FrankyLink  # needs franky, which only this backend needs

        arm = connect(self._robot, self._options)
        self._fault = None
        self._link = FrankyLink(arm, self._robot, self._options, self._take_state, self._record)
        self._link.pose()  # a first state is there
        self._connect_hand()

    def _connect_hand(self) -> None:
        """Connect the hand, if there is one that is not connected."""
        if not self._options.gripper or (self._hand is not None and self._hand.alive):
            return
        from farl_ros.arm.franky_gripper import connect_gripper

        self._hand = connect_gripper(self._options.host, self._robot.gripper, self._record)

    def _disconnect(self) -> None:
        for part in (self._hand, self._link):
            if part is not None:
                part.end()
        self._hand = self._link = None

    # --- faults -----------------------------------------------------------------------------------

    def _take_state(self, state: Measured) -> None:
        self._state = state.message
        self._on_state(state.message)

    def _record(self, fault: ArmError) -> None:
        """Remember a fault, unless it is one more sign of the same."""
        with self._lock:
            if self._fault is None or (self._fault.kind != fault.kind and self._fault.kind not in LOST):
                self._fault = fault
                self._events.append(fault)

    def _refusal(self) -> ArmError | None:
        """The fault that the arm is at, if any; a silent robot becomes one here."""
        link, limit = self._link, self._options.state_timeout
        if link is None:
            return self._fault or ArmError(FaultKind.NETWORK, "not connected")
        silence = link.silence()
        if silence > limit:
            self._record(
                ArmError(FaultKind.NETWORK, f"no state for {silence:.3f} s, expected one within {limit:g} s")
            )
        return self._fault

    def _raise_if_lost(self) -> None:
        fault = self._refusal()
        if fault is not None and fault.kind in LOST:
            raise fault

    def _do(self, call: Callable[[FrankyLink], None]) -> None:
        assert self._link is not None  # asked for before: _refusal
        try:
            call(self._link)
        except ArmError as error:
            self._record(error)
            raise
