"""A gamepad, through SDL (pygame). The right shoulder button is the dead-man."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from farl_ros.teleop.device import Command, DeviceLost, Press, Reading, Speed, fraction

TRIGGER = 0.5
"""A trigger pulled further than this works the gripper; it rests at -1."""
ENVIRONMENT = {
    "SDL_VIDEODRIVER": "dummy",  # events without a window
    "SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS": "1",
    "SDL_NO_SIGNAL_HANDLERS": "1",  # SDL would take Ctrl-C for itself
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
}


@dataclass(frozen=True)
class Layout:
    """Numbers of a model's axes and buttons, as SDL counts them on Linux."""

    left_x: int
    left_y: int
    right_y: int
    left_trigger: int
    right_trigger: int
    dead_man: int
    buttons: Mapping[int, Press]


XBOX = Layout(
    0, 1, 4, 2, 5, 5,
    {0: Command.SUCCESS, 1: Command.FAILURE, 2: Command.FAILED_JUST_NOW, 3: Command.DISCARD,
     4: Command.AGAIN, 6: Command.STOP, 7: Command.START},
)  # fmt: skip
PLAYSTATION = Layout(
    0, 1, 3, 4, 5, 10,
    {0: Command.SUCCESS, 1: Command.FAILURE, 2: Command.FAILED_JUST_NOW, 3: Command.DISCARD,
     9: Command.AGAIN, 4: Command.STOP, 6: Command.START, 11: Speed.FASTER, 12: Speed.SLOWER},
)  # fmt: skip


def layout_of(name: str) -> Layout:
    """The layout of a model by its name; what is not Sony's has Microsoft's."""
    sony = ("PS4", "PS5", "DualSense", "DualShock", "Sony", "PLAYSTATION")
    return PLAYSTATION if any(part.lower() in name.lower() for part in sony) else XBOX


class Gamepad:
    """The first gamepad; left stick forward and left, right stick up, triggers the gripper."""

    def __init__(self) -> None:
        self.name = "gamepad"
        self._joystick: Any = None
        self._layout = XBOX

    def open(self) -> None:
        """Find and open it."""
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        import pygame  # slow to import, and only needed here

        pygame.display.init()
        pygame.joystick.init()
        pygame.event.pump()
        if pygame.joystick.get_count() == 0:
            raise DeviceLost("no gamepad; plug it in, or see whether this user may read /dev/input/event*")
        self._joystick = pygame.joystick.Joystick(0)
        self._layout = layout_of(self._joystick.get_name())
        needed = max(self._layout.right_trigger, self._layout.right_y) + 1
        if self._joystick.get_numaxes() < needed or self._joystick.get_numbuttons() <= self._layout.dead_man:
            name = self._joystick.get_name()
            self.close()
            raise DeviceLost(f"{name!r} has too few axes or buttons: expected two sticks and two triggers")
        pygame.event.clear()

    def read(self, now: float) -> Reading:
        """State of the sticks, and buttons pressed since the last reading."""
        import pygame

        if self._joystick is None:
            raise DeviceLost("the gamepad is not open")
        layout, pressed = self._layout, []
        for event in pygame.event.get():
            gone = event.type == pygame.JOYDEVICEREMOVED
            if gone and event.instance_id == self._joystick.get_instance_id():
                raise DeviceLost("the gamepad is gone")
            if event.type == pygame.JOYBUTTONDOWN and event.button in layout.buttons:
                pressed.append(layout.buttons[event.button])
            elif event.type == pygame.JOYHATMOTION and event.value[1] != 0:
                pressed.append(Speed.FASTER if event.value[1] > 0 else Speed.SLOWER)
        axis = self._joystick.get_axis
        closing, opening = axis(layout.right_trigger) > TRIGGER, axis(layout.left_trigger) > TRIGGER
        axes = (-axis(layout.left_y), -axis(layout.left_x), -axis(layout.right_y))
        return Reading(
            (fraction(axes[0]), fraction(axes[1]), fraction(axes[2])),
            int(closing) - int(opening),
            bool(self._joystick.get_button(layout.dead_man)),
            tuple(pressed),
        )

    def close(self) -> None:
        """Close it; SDL looks for it anew when it is opened again."""
        joystick, self._joystick = self._joystick, None
        if joystick is not None:
            joystick.quit()
