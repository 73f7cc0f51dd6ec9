"""A terminal's keyboard. It tells no key-up: a key counts as held for a moment after each of its repeats."""

from __future__ import annotations

import os
import termios
import tty
from collections.abc import Mapping
from typing import Any

from farl_ros.teleop.device import Command, DeviceLost, Press, Reading, Speed

HOLD_S = 0.25
"""A key is held for so long after it came [s]; repeats come every 30 ms, the first after 200-600 ms."""
MOTION: Mapping[bytes, tuple[int, int]] = {
    b"w": (0, 1), b"s": (0, -1), b"a": (1, 1), b"d": (1, -1), b"r": (2, 1), b"f": (2, -1),
    b"\x1b[A": (0, 1), b"\x1b[B": (0, -1), b"\x1b[D": (1, 1), b"\x1b[C": (1, -1),
    b"\x1b[5~": (2, 1), b"\x1b[6~": (2, -1),
}  # fmt: skip
"""Key to axis and direction; arrows and page up/down do the same as the letters."""
GRIPPER: Mapping[bytes, int] = {b"c": 1, b"o": -1}
COMMANDS: Mapping[bytes, Press] = {
    b"\n": Command.START,
    b"\r": Command.START,
    b".": Command.STOP,
    b"y": Command.SUCCESS,
    b"n": Command.FAILURE,
    b"m": Command.FAILED_JUST_NOW,
    b"\x7f": Command.DISCARD,
    b"\x08": Command.DISCARD,
    b"t": Command.AGAIN,
    b"+": Speed.FASTER,
    b"-": Speed.SLOWER,
}
HELP = (
    "enter start, y success, n failure, m failed just now, . stop, backspace discard, t again; "
    "hold w/s a/d r/f to move, c/o gripper, +/- speed"
)


class Keyboard:
    """The terminal at ``path``; with ``moves`` off only commands are heard."""

    def __init__(self, path: str, moves: bool = True) -> None:
        self.name = "keyboard"
        self._path, self._moves = path, moves
        self._fd: int | None = None
        self._before: list[Any] = []
        self._until: dict[tuple[int, int], float] = {}
        self._grip = (0, 0.0)

    def open(self) -> None:
        """Take single keys from the terminal; Ctrl-C keeps its meaning."""
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise DeviceLost(
                f"terminal {self._path!r}: {error.strerror}; give the output of `tty`"
            ) from error
        try:
            self._before = termios.tcgetattr(fd)
            tty.setcbreak(fd, termios.TCSANOW)
        except termios.error as error:
            os.close(fd)
            raise DeviceLost(f"{self._path} is no terminal; give the output of `tty`") from error
        self._fd, self._until, self._grip = fd, {}, (0, 0.0)

    def read(self, now: float) -> Reading:
        """Keys since the last reading."""
        pressed: list[Press] = []
        rest = self._bytes()
        while rest:
            key = next((k for k in MOTION if len(k) > 1 and rest.startswith(k)), rest[:1])
            rest = rest[len(key) :]
            if key in COMMANDS:
                pressed.append(COMMANDS[key])
            elif key in MOTION and self._moves:
                self._until[MOTION[key]] = now + HOLD_S
            elif key in GRIPPER and self._moves:
                self._grip = GRIPPER[key], now + HOLD_S
        down = [key for key, until in self._until.items() if now < until]
        axes = [float(sum(sign for axis, sign in down if axis == i)) for i in range(3)]
        gripper = self._grip[0] if now < self._grip[1] else 0
        return Reading((axes[0], axes[1], axes[2]), gripper, bool(down) or gripper != 0, tuple(pressed))

    def _bytes(self) -> bytes:
        if self._fd is None:
            raise DeviceLost(f"terminal {self._path} is not open")
        try:
            data = os.read(self._fd, 4096)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise DeviceLost(f"terminal {self._path}: {error.strerror}") from error
        if not data:
            raise DeviceLost(f"terminal {self._path} was closed")
        return data

    def close(self) -> None:
        """Make the terminal what it was."""
        fd, self._fd = self._fd, None
        if fd is None:
            return
        try:
            termios.tcsetattr(fd, termios.TCSANOW, self._before)
        except termios.error:
            pass  # it is gone: nothing to restore
        finally:
            os.close(fd)
