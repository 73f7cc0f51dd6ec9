"""The Franka hand in a thread of its own: its calls take from a tenth of a second to seconds."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread

import franky

from farl_ros.arm.backend import ArmError, FaultKind
from farl_ros.arm.robots import Gripper

ANY_WIDTH = 1.0
"""Of what is grasped [m]: whatever stops the fingers is taken for the object."""
CLOSED_TOLERANCE = 1e-3  # [m]

FaultListener = Callable[[ArmError], None]
FAULTS = (franky.Exception, franky.GripperException, RuntimeError)


def connect_gripper(host: str, gripper: Gripper, on_fault: FaultListener) -> FrankyGripper:
    """A connected hand.

    Raises:
        ArmError: There is none.
    """
    try:
        return FrankyGripper(host, gripper, on_fault)
    except FAULTS as error:
        raise ArmError(
            FaultKind.OTHER, f"gripper: {error} Without a Franka hand, say so in the options"
        ) from error


class FrankyGripper:
    """Takes widths at any time and goes to the newest; it ends the movement that it is in first."""

    def __init__(self, host: str, gripper: Gripper, on_fault: FaultListener) -> None:
        self._hand = franky.Gripper(host)
        self._gripper, self._on_fault = gripper, on_fault
        self._changed = Condition()
        self._wanted: float | None = None
        self._ended = False
        self.alive = True
        """False after a fault: then a new connection is needed."""
        self.width = self._hand.width
        """Between the fingers after the last movement [m]."""
        Thread(target=self._run, name="gripper", daemon=True).start()

    def go_to(self, width: float) -> None:
        """Ask for a width [m]; replaces one that is still waited for."""
        with self._changed:
            self._wanted = min(max(width, self._gripper.closed_width), self._gripper.open_width)
            self._changed.notify()

    def end(self) -> None:
        """End the thread after the movement that it is in."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _run(self) -> None:
        last: float | None = None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted is not None or self._ended)
                if self._ended:
                    return
                wanted, self._wanted = self._wanted, None
            if wanted is None or wanted == last:
                continue  # an action repeats the width in every step
            last = wanted
            try:
                self._move(wanted)
                self.width = self._hand.width
            except FAULTS as error:
                self.alive = False
                self._on_fault(ArmError(FaultKind.OTHER, f"gripper: {error}"))
                return

    def _move(self, width: float) -> None:
        """Open to the width, or close and keep pressing.

        Closing succeeds whether or not something is between the fingers; that it did not is no fault either.
        """
        gripper = self._gripper
        if width <= gripper.closed_width + CLOSED_TOLERANCE:
            self._hand.grasp(width, gripper.speed, gripper.force, ANY_WIDTH, ANY_WIDTH)
        else:
            self._hand.move(width, gripper.speed)
