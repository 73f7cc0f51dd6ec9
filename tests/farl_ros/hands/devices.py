"""The person's end of virtual devices: keys into a terminal, HID reports into a pipe, orders."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from pathlib import Path
from typing import Protocol

from farl_ros.teleop.gamepad import XBOX
from farl_ros.teleop.spacemouse import FULL_SCALE, LEFT, RIGHT
from tests.farl_ros.hands.gamepad_process import AXIS, BUTTON, ORDER

COARSE = 0.38
"""An axis that a hand at the keyboard does not press a key for: 22.5 degrees beside the other one."""


class Hand(Protocol):
    """What the person does with a device; axes are forward and left, each in [-1, 1]."""

    def move(self, forward: float, left: float) -> None:
        """Hold the dead-man, and deflect."""

    def let_go(self) -> None:
        """Let go of everything."""


class KeyboardHand:
    """Keys of a terminal, repeated as long as they are held; ``press`` is there beside every device."""

    def __init__(self, terminal: int) -> None:
        """Take the controlling end of a pseudo terminal."""
        self._terminal = terminal

    def press(self, key: bytes) -> None:
        """Press one key."""
        os.write(self._terminal, key)

    def move(self, forward: float, left: float) -> None:
        """Press one or two of w, s, a, d."""
        size = max(abs(forward), abs(left), 1e-9)
        for value, (more, less) in ((forward, (b"w", b"s")), (left, (b"a", b"d"))):
            if abs(value) / size > COARSE:
                self.press(more if value > 0 else less)

    def let_go(self) -> None:
        """Keys that are not pressed again are let go."""


class SpaceMouseHand:
    """Reports as the device sends them: in packet mode one write is one read, as of a hidraw device."""

    def __init__(self, path: Path) -> None:
        """Make the pipe, and plug the device in."""
        os.mkfifo(path)
        self._path = path
        self._fd: int | None = None
        self.plug_in()

    def plug_in(self) -> None:
        """Open the pipe; for reading too, so that it does not wait for the other end."""
        fd = os.open(self._path, os.O_RDWR)
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_DIRECT)
        self._fd = fd

    def unplug(self) -> None:
        """Close the pipe, which the reader sees."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def move(self, forward: float, left: float) -> None:
        """Hold the left button and push the cap."""
        self._report(bytes([3, LEFT]))
        x, y = round(-left * FULL_SCALE), round(-forward * FULL_SCALE)
        self._report(struct.pack("<B3h", 1, x, y, 0))

    def let_go(self) -> None:
        """Take the hand off."""
        self._report(struct.pack("<B3h", 1, 0, 0, 0))
        self._report(bytes([3, 0]))

    def press_right(self) -> None:
        """Press the right button and let it go: start, or success."""
        self._report(bytes([3, RIGHT]))
        time.sleep(0.03)
        self._report(bytes([3, 0]))

    def _report(self, report: bytes) -> None:
        if self._fd is not None:
            os.write(self._fd, report)


class GamepadHand:
    """Orders to the joystick that ``gamepad_process`` plugs into the session's process."""

    def __init__(self, path: Path) -> None:
        """Make the pipe of the orders; ``plug_in`` once the process listens."""
        os.mkfifo(path)
        self._path = path
        self._fd: int | None = None
        self._held = False

    def plug_in(self) -> None:
        """Open the pipe: waits for the process."""
        self._fd = os.open(self._path, os.O_WRONLY)

    def unplug(self) -> None:
        """Close the pipe: the process unplugs the joystick."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def press(self, button: int) -> None:
        """Press a button and let it go."""
        self._order(BUTTON, button, 1.0)
        self._order(BUTTON, button, 0.0)

    def move(self, forward: float, left: float) -> None:
        """Hold the shoulder button and push the left stick."""
        if not self._held:
            self._order(BUTTON, XBOX.dead_man, 1.0)
        self._held = True
        self._order(AXIS, XBOX.left_y, -forward)
        self._order(AXIS, XBOX.left_x, -left)

    def let_go(self) -> None:
        """Let go of stick and button."""
        self._order(AXIS, XBOX.left_y, 0.0)
        self._order(AXIS, XBOX.left_x, 0.0)
        if self._held:
            self._order(BUTTON, XBOX.dead_man, 0.0)
        self._held = False

    def _order(self, what: int, number: int, value: float) -> None:
        if self._fd is not None:
            os.write(self._fd, ORDER.pack(what, number, value))
