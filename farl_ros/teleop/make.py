"""The device of a name."""

from __future__ import annotations

from enum import StrEnum

from farl_ros.teleop.device import Device
from farl_ros.teleop.gamepad import Gamepad
from farl_ros.teleop.keyboard import Keyboard
from farl_ros.teleop.spacemouse import SpaceMouse


class DeviceName(StrEnum):
    """The devices that move the arm."""

    KEYBOARD = "keyboard"
    GAMEPAD = "gamepad"
    SPACEMOUSE = "spacemouse"


def make_device(name: DeviceName, path: str, terminal: str) -> Device:
    """Make a device; nothing is opened yet.

    Args:
        name: Which.
        path: Of a SpaceMouse; empty to look for one.
        terminal: Of the keyboard.
    """
    if name is DeviceName.KEYBOARD:
        return Keyboard(terminal)
    return Gamepad() if name is DeviceName.GAMEPAD else SpaceMouse(path)
