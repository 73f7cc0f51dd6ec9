"""The gamepad as a virtual joystick of SDL: real events of the library that reads real ones."""

import pygame
import pytest

from farl_ros.teleop.device import Command, DeviceLost, Speed
from farl_ros.teleop.gamepad import PLAYSTATION, XBOX, Gamepad, layout_of

from .virtual_pad import VirtualPad, load_sdl


@pytest.fixture
def sdl():
    with pytest.raises(DeviceLost, match="no gamepad"):
        Gamepad().open()
    yield load_sdl()
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
