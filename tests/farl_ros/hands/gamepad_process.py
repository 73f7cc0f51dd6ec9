"""The command ``farl`` with a gamepad: virtual joysticks of SDL live inside the process that reads them.

    python -m tests.farl_ros.hands.gamepad_process PIPE record DiscTable --device gamepad

Orders come through the named pipe; when it is closed the gamepad is unplugged.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
import time

from farl_ros.teleop.gamepad import ENVIRONMENT
from tests.farl_ros.teleop.virtual_pad import VirtualPad, load_sdl

ORDER = struct.Struct("<BBf")
"""An order: axis or button, its number, its value."""
AXIS, BUTTON = 0, 1
PRESS_S = 0.03
"""A press is as long as that at least [s]: the buttons are looked at every 10 ms."""


def obey(pad: VirtualPad, path: str) -> None:
    """Do what the orders say until there are no more; then unplug the gamepad."""
    with open(path, "rb", buffering=0) as orders:
        while order := orders.read(ORDER.size):
            what, number, value = ORDER.unpack(order)
            if what == AXIS:
                pad.axis(number, value)
            else:
                pad.button(number, value > 0.0)
                time.sleep(PRESS_S)
    pad.unplug()


def main() -> None:
    """Plug it in, and run ``farl`` with what comes behind the pipe's path."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import pygame

    from farl_ros.cli import main as farl

    pygame.display.init()
    pygame.joystick.init()
    pad = VirtualPad(load_sdl())
    threading.Thread(target=obey, args=(pad, sys.argv[1]), name="gamepad", daemon=True).start()
    sys.argv = ["farl", *sys.argv[2:]]
    farl()


if __name__ == "__main__":
    main()
