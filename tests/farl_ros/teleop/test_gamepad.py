"""The gamepad as a virtual joystick of SDL: real events of the library that reads real ones."""

import ctypes
from pathlib import Path

import pygame
import pytest

from farl_ros.teleop.device import Command, DeviceLost, Speed
from farl_ros.teleop.gamepad import PLAYSTATION, XBOX, Gamepad, layout_of

FULL = 32767


class VirtualPad:
    def __init__(self, sdl: ctypes.CDLL, axes: int = 6) -> None:
        self._sdl = sdl
        self._index = sdl.SDL_JoystickAttachVirtual(1, axes, 11, 1)
        assert self._index >= 0
        sdl.SDL_JoystickOpen.restype = ctypes.c_void_p
        self._pad = ctypes.c_void_p(sdl.SDL_JoystickOpen(self._index))
        for trigger in (2, 5):
            self.axis(trigger, -1.0)

    def axis(self, number: int, value: float) -> None:
        self._sdl.SDL_JoystickSetVirtualAxis(self._pad, number, ctypes.c_int16(round(value * FULL)))

    def button(self, number: int, down: bool) -> None:
        self._sdl.SDL_JoystickSetVirtualButton(self._pad, number, ctypes.c_uint8(down))

    def hat(self, value: int) -> None:
        self._sdl.SDL_JoystickSetVirtualHat(self._pad, 0, ctypes.c_uint8(value))

    def unplug(self) -> None:
        self._sdl.SDL_JoystickDetachVirtual(self._index)


@pytest.fixture
def sdl():
    folder = Path(pygame.__file__).parents[1] / "pygame.libs"
    (library,) = folder.glob("libSDL2-2*.so*")
    with pytest.raises(DeviceLost, match="no gamepad"):
        Gamepad().open()
    yield ctypes.CDLL(str(library))
    pygame.joystick.quit()
    pygame.display.quit()


@pytest.fixture
def pad(sdl):
    made = VirtualPad(sdl)
    yield made
    made.unplug()


@pytest.fixture
def gamepad(pad):
    made = Gamepad()
    made.open()
    yield made
    made.close()


def test_sticks_triggers_and_dead_man(gamepad, pad):
    assert not gamepad.read(0.0).held
    pad.axis(1, -1.0)  # left stick away from the person
    pad.axis(0, -0.5)  # and to the left
    pad.axis(4, -0.25)  # right stick
    reading = gamepad.read(0.0)
    assert reading.axes == pytest.approx((1.0, 0.5, 0.25), abs=1e-3)
    assert (reading.held, reading.gripper) == (False, 0)
    pad.button(5, True)
    pad.axis(5, 1.0)
    reading = gamepad.read(0.0)
    assert (reading.held, reading.gripper) == (True, 1)
    pad.axis(5, -1.0)
    pad.axis(2, 1.0)
    pad.button(5, False)
    reading = gamepad.read(0.0)
    assert (reading.held, reading.gripper) == (False, -1)


def test_buttons_are_commands_and_the_cross_is_the_speed(gamepad, pad):
    for number, expected in XBOX.buttons.items():
        pad.button(number, True)
        assert gamepad.read(0.0).pressed == (expected,)
        assert gamepad.read(0.0).pressed == ()
        pad.button(number, False)
    pad.hat(1)  # up
    assert gamepad.read(0.0).pressed == (Speed.FASTER,)
    pad.hat(0)
    assert gamepad.read(0.0).pressed == ()
    pad.hat(4)  # down
    assert gamepad.read(0.0).pressed == (Speed.SLOWER,)


def test_unplugged_and_back(gamepad, pad, sdl):
    pad.unplug()
    with pytest.raises(DeviceLost, match="is gone"):
        gamepad.read(0.0)
    gamepad.close()
    with pytest.raises(DeviceLost, match="no gamepad"):
        gamepad.open()
    again = VirtualPad(sdl)
    gamepad.open()
    again.button(0, True)
    assert gamepad.read(0.0).pressed == (Command.SUCCESS,)
    again.unplug()


def test_what_has_too_few_axes_is_refused(sdl):
    stick = VirtualPad(sdl, axes=3)
    with pytest.raises(DeviceLost, match="too few axes"):
        Gamepad().open()
    stick.unplug()


def test_every_layout_reaches_every_command():
    for layout in (XBOX, PLAYSTATION):
        assert {*layout.buttons.values()} >= set(Command) - {Command.NEXT}
        assert layout.dead_man not in layout.buttons
    assert layout_of("Sony Interactive Entertainment DualSense") is PLAYSTATION
    assert layout_of("Xbox Wireless Controller") is XBOX
