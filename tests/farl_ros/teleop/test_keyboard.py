"""The keyboard of a real terminal: a pseudo terminal whose other end types."""

import os
import termios
from contextlib import suppress

import pytest

from farl_ros.teleop.device import Command, DeviceLost, Speed
from farl_ros.teleop.keyboard import HOLD_S, Keyboard


@pytest.fixture
def terminal():
    master, slave = os.openpty()
    yield master, os.ttyname(slave), slave
    for fd in (master, slave):
        with suppress(OSError):  # closed by the test
            os.close(fd)


@pytest.fixture
def keyboard(terminal):
    made = Keyboard(terminal[1])
    made.open()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("keys", "axes"),
    [
        (b"w", (1.0, 0.0, 0.0)),
        (b"s", (-1.0, 0.0, 0.0)),
        (b"a", (0.0, 1.0, 0.0)),
        (b"d", (0.0, -1.0, 0.0)),
        (b"r", (0.0, 0.0, 1.0)),
        (b"f", (0.0, 0.0, -1.0)),
        (b"\x1b[A", (1.0, 0.0, 0.0)),
        (b"\x1b[D", (0.0, 1.0, 0.0)),
        (b"\x1b[6~", (0.0, 0.0, -1.0)),
        (b"wa", (1.0, 1.0, 0.0)),
        (b"ws", (0.0, 0.0, 0.0)),  # against each other
        (b"z", (0.0, 0.0, 0.0)),
    ],
)
def test_keys_move(keyboard, terminal, keys, axes):
    os.write(terminal[0], keys)
    reading = keyboard.read(10.0)
    assert reading.axes == axes
    assert reading.held == (keys != b"z")


def test_a_key_is_held_for_a_moment_only(keyboard, terminal):
    assert not keyboard.read(9.0).held
    os.write(terminal[0], b"w")
    assert keyboard.read(10.0).held
    assert keyboard.read(10.0 + HOLD_S - 0.01).held
    let_go = keyboard.read(10.0 + HOLD_S)
    assert (let_go.held, let_go.axes) == (False, (0.0, 0.0, 0.0))


def test_repeats_hold_on(keyboard, terminal):
    for i in range(20):
        os.write(terminal[0], b"w")
        assert keyboard.read(10.0 + 0.1 * i).held


def test_commands_come_once_and_in_order(keyboard, terminal):
    os.write(terminal[0], b"\nm+\x7fy-.nt")
    assert keyboard.read(10.0).pressed == (
        Command.START, Command.FAILED_JUST_NOW, Speed.FASTER, Command.DISCARD, Command.SUCCESS, Speed.SLOWER,
        Command.STOP, Command.FAILURE, Command.AGAIN,
    )  # fmt: skip
    assert keyboard.read(10.01).pressed == ()


def test_the_gripper(keyboard, terminal):
    os.write(terminal[0], b"c")
    assert (keyboard.read(1.0).gripper, keyboard.read(1.0).held) == (1, True)
    os.write(terminal[0], b"o")
    assert keyboard.read(2.0).gripper == -1
    assert keyboard.read(3.0).gripper == 0


def test_without_motion_only_commands_are_heard(terminal):
    keyboard = Keyboard(terminal[1], moves=False)
    keyboard.open()
    os.write(terminal[0], b"wy")
    reading = keyboard.read(1.0)
    assert (reading.held, reading.pressed) == (False, (Command.SUCCESS,))
    keyboard.close()


def test_the_terminal_is_what_it_was_afterwards(terminal):
    before = termios.tcgetattr(terminal[2])
    keyboard = Keyboard(terminal[1])
    keyboard.open()
    during = termios.tcgetattr(terminal[2])
    assert not during[3] & (termios.ICANON | termios.ECHO)
    assert during[3] & termios.ISIG  # Ctrl-C
    keyboard.close()
    assert termios.tcgetattr(terminal[2]) == before


def test_a_terminal_that_is_closed_is_lost(terminal):
    keyboard = Keyboard(terminal[1])
    keyboard.open()
    os.close(terminal[0])
    with pytest.raises(DeviceLost, match="terminal"):
        keyboard.read(1.0)
    keyboard.close()
    with pytest.raises(DeviceLost, match="give the output of `tty`"):
        Keyboard("/nowhere").open()


def test_a_file_is_no_terminal(tmp_path):
    (tmp_path / "f").write_text("")
    with pytest.raises(DeviceLost, match="is no terminal"):
        Keyboard(str(tmp_path / "f")).open()
