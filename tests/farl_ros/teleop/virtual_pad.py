"""A gamepad that is a virtual joystick of SDL: real events of the library that reads real ones.

SDL keeps it inside its process: it must be made where the gamepad is read.
"""

import ctypes
from pathlib import Path

FULL = 32767
TRIGGERS = (2, 5)


def load_sdl() -> ctypes.CDLL:
    """The library inside pygame's wheel; pygame's joystick module must be running."""
    import pygame

    (library,) = (Path(pygame.__file__).parents[1] / "pygame.libs").glob("libSDL2-2*.so*")
    return ctypes.CDLL(str(library))


class VirtualPad:
    """An Xbox pad by the number of its axes and buttons, at rest."""

    def __init__(self, sdl: ctypes.CDLL, axes: int = 6) -> None:
        """Plug it in."""
        self._sdl = sdl
        self._index = sdl.SDL_JoystickAttachVirtual(1, axes, 11, 1)
        assert self._index >= 0
        sdl.SDL_JoystickOpen.restype = ctypes.c_void_p
        self._pad = ctypes.c_void_p(sdl.SDL_JoystickOpen(self._index))
        for trigger in TRIGGERS:
            self.axis(trigger, -1.0)

    def axis(self, number: int, value: float) -> None:
        """Deflect an axis, to a value in [-1, 1]."""
        self._sdl.SDL_JoystickSetVirtualAxis(self._pad, number, ctypes.c_int16(round(value * FULL)))

    def button(self, number: int, down: bool) -> None:
        """Press or release a button."""
        self._sdl.SDL_JoystickSetVirtualButton(self._pad, number, ctypes.c_uint8(down))

    def hat(self, value: int) -> None:
        """Press the cross: 1 is up, 4 is down, 0 lets go."""
        self._sdl.SDL_JoystickSetVirtualHat(self._pad, 0, ctypes.c_uint8(value))

    def unplug(self) -> None:
        """Take it away."""
        self._sdl.SDL_JoystickDetachVirtual(self._index)
