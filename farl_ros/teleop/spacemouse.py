"""A 3Dconnexion SpaceMouse, by its HID reports (``/dev/hidraw*``); no driver and no library is needed.

Report 1: x right, y towards the person, z down as three little-endian int16 of at most 350 (newer models add
rotations to it); report 3: buttons. The left button is the dead-man; the right one is NEXT.
"""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

from farl_ros.teleop.device import Command, DeviceLost, Reading, fraction

FULL_SCALE = 350.0
STALE_S = 0.25
"""A deflected cap reports every 16 ms; one that was silent for so long [s] does not move the arm."""
VENDOR = 0x256F
LOGITECH, OF_LOGITECH = 0x046D, range(0xC603, 0xC62C)
"""Models sold before 2011 carry Logitech's number; these products of it are 3Dconnexion's."""
LEFT, RIGHT = 1, 2


def find_spacemouse(system: Path = Path("/sys/class/hidraw"), devices: Path = Path("/dev")) -> str:
    """Path of the first SpaceMouse.

    Raises:
        DeviceLost: There is none.
    """
    for entry in sorted(system.glob("hidraw*")):
        lines = (entry / "device" / "uevent").read_text(encoding="ascii", errors="replace").splitlines()
        for line in lines:
            if line.startswith("HID_ID="):
                _, vendor, product = (int(part, 16) for part in line[len("HID_ID=") :].split(":"))
                if vendor == VENDOR or (vendor == LOGITECH and product in OF_LOGITECH):
                    return str(devices / entry.name)
    raise DeviceLost("no SpaceMouse among the HID devices; plug it in, or give its /dev/hidraw… as `path`")


class SpaceMouse:
    """The SpaceMouse at ``path``; empty for the first one that is found."""

    def __init__(self, path: str = "") -> None:
        self.name = "spacemouse"
        self._path = path
        self._fd: int | None = None
        self._reset()

    def _reset(self) -> None:
        self._axes, self._moved_at, self._buttons = (0.0, 0.0, 0.0), 0.0, 0

    def open(self) -> None:
        """Find and open it."""
        path = self._path or find_spacemouse()
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            hint = (
                'allow it: a udev rule KERNEL=="hidraw*", ATTRS{idVendor}=="256f", TAG+="uaccess"'
                if error.errno == errno.EACCES
                else "plug it in"
            )
            raise DeviceLost(f"SpaceMouse {path}: {error.strerror}; {hint}") from error
        self._reset()

    def read(self, now: float) -> Reading:
        """Reports since the last reading."""
        pressed: list[Command] = []
        while report := self._report():
            if report[0] == 1 and len(report) >= 7:
                x, y, z = struct.unpack_from("<3h", report, 1)
                self._axes = (fraction(-y / FULL_SCALE), fraction(-x / FULL_SCALE), fraction(-z / FULL_SCALE))
                self._moved_at = now
            elif report[0] == 3 and len(report) >= 2:
                if report[1] & RIGHT and not self._buttons & RIGHT:
                    pressed.append(Command.NEXT)
                self._buttons = report[1]
        axes = self._axes if now - self._moved_at <= STALE_S else (0.0, 0.0, 0.0)
        return Reading(axes, 0, bool(self._buttons & LEFT), tuple(pressed))

    def _report(self) -> bytes:
        """The next report; empty when there is none for now."""
        if self._fd is None:
            raise DeviceLost("the SpaceMouse is not open")
        try:
            report = os.read(self._fd, 64)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise DeviceLost(f"the SpaceMouse is gone: {error.strerror}") from error
        if not report:
            raise DeviceLost("the SpaceMouse is gone: end of its reports")
        return report

    def close(self) -> None:
        """Close it."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)
