"""The SpaceMouse by its HID reports. One read of a hidraw device is one report: so is one of this socket."""

import os
import socket
import struct

import pytest

from farl_ros.teleop.device import Command, DeviceLost
from farl_ros.teleop.spacemouse import STALE_S, SpaceMouse, find_spacemouse


def moved(x: int, y: int, z: int) -> bytes:
    return struct.pack("<B3h", 1, x, y, z)


def buttons(mask: int) -> bytes:
    return bytes([3, mask])


@pytest.fixture
def mouse(monkeypatch):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.setblocking(False)
    monkeypatch.setattr("farl_ros.teleop.spacemouse.os.open", lambda path, flags: os.dup(theirs.fileno()))
    made = SpaceMouse("/dev/hidraw7")
    made.open()
    made.plug = ours
    yield made
    made.close()
    for end in (ours, theirs):
        end.close()


@pytest.mark.parametrize(
    ("report", "axes"),
    [
        (moved(0, -350, 0), (1.0, 0.0, 0.0)),  # pushed away from the person
        (moved(-350, 0, 0), (0.0, 1.0, 0.0)),
        (moved(0, 0, -350), (0.0, 0.0, 1.0)),  # pulled up
        (moved(175, 70, 35), (-0.2, -0.5, -0.1)),
        (moved(0, -500, 0), (1.0, 0.0, 0.0)),
        (moved(0, -350, 0) + struct.pack("<3h", 1, 2, 3), (1.0, 0.0, 0.0)),  # newer models: rotations too
    ],
)
def test_the_cap_moves(mouse, report, axes):
    mouse.plug.send(report)
    assert mouse.read(1.0).axes == pytest.approx(axes)


def test_nothing_is_held_without_the_left_button(mouse):
    mouse.plug.send(moved(0, -350, 0))
    assert not mouse.read(1.0).held
    mouse.plug.send(buttons(1))
    mouse.plug.send(moved(0, -350, 0))
    assert mouse.read(1.1).held
    mouse.plug.send(buttons(0))
    assert not mouse.read(1.2).held


def test_the_right_button_says_next_once(mouse):
    for mask in (2, 3, 0, 2):  # pressed, held with the left one, let go, pressed
        mouse.plug.send(buttons(mask))
    assert mouse.read(1.0).pressed == (Command.NEXT, Command.NEXT)


def test_rotations_and_short_reports_move_nothing(mouse):
    mouse.plug.send(struct.pack("<B3h", 2, 350, 350, 350))
    mouse.plug.send(b"\x01\x00")
    assert mouse.read(1.0).axes == (0.0, 0.0, 0.0)


def test_a_cap_that_falls_silent_moves_nothing(mouse):
    mouse.plug.send(moved(0, -350, 0))
    assert mouse.read(1.0).axes[0] == 1.0
    assert mouse.read(1.0 + STALE_S + 0.01).axes == (0.0, 0.0, 0.0)


def test_unplugged(mouse):
    mouse.plug.close()
    with pytest.raises(DeviceLost, match="is gone"):
        mouse.read(1.0)


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        (["0003:0000046D:0000C077", "0003:0000256F:0000C635"], "/dev/hidraw1"),
        (["0003:0000046D:0000C626"], "/dev/hidraw0"),  # of the time at Logitech
        (["0003:0000046D:0000C077"], None),  # a mouse of theirs
        ([], None),
    ],
)
def test_it_is_found_by_its_maker(tmp_path, ids, found):
    for number, text in enumerate(ids):
        folder = tmp_path / f"hidraw{number}" / "device"
        folder.mkdir(parents=True)
        (folder / "uevent").write_text(f"DRIVER=hid-generic\nHID_ID={text}\nHID_NAME=x\n")
    if found is None:
        with pytest.raises(DeviceLost, match="no SpaceMouse"):
            find_spacemouse(tmp_path)
    else:
        assert find_spacemouse(tmp_path) == found


def test_a_path_that_does_not_exist_is_said():
    with pytest.raises(DeviceLost, match=r"/dev/nowhere.*plug it in"):
        SpaceMouse("/dev/nowhere").open()
