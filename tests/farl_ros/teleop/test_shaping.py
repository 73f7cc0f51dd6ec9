"""From a device to an action; and a device that comes and goes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farl_ros.task_spec import load_task
from farl_ros.teleop.device import Command, DeviceLost, Reading, Speed
from farl_ros.teleop.link import RETRY_S, DeviceLink
from farl_ros.teleop.shaping import Feel, Shaper, ShapingError

FRANKA, PUSH, DISC = (load_task(name) for name in ("FrankaFragilePushWall", "BoundedPush", "DiscTable"))
AT_ONCE = Feel(dead_zone=0.0, ramp=0.0, speeds=(1.0,))


def held(*axes: float, gripper: int = 0) -> Reading:
    return Reading(axes, gripper, True)


@given(
    st.tuples(*[st.floats(-1.0, 1.0)] * 3),
    st.floats(0.0, 0.9),
    st.floats(0.0, 2.0),
    st.floats(-4.0, 4.0),
    st.lists(st.booleans(), max_size=8),
)
def test_an_action_is_always_one_and_nothing_moves_unless_held(axes, dead_zone, ramp, facing, holds):
    shaper = Shaper(PUSH, Feel(dead_zone, ramp, (0.3, 1.0), facing))
    for hold in holds:
        values = shaper.action(Reading(axes, 1, hold), 0.1)
        assert (values is not None) == hold
        if hold:
            assert values.shape == (4,)
            assert np.abs(values).max() <= 1.0


def test_without_a_device_nothing_moves():
    assert Shaper(FRANKA, AT_ONCE).action(None, 0.2) is None


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_no_number_moves_nothing(bad):
    assert Shaper(FRANKA, AT_ONCE).action(held(bad, 0.0, 0.0), 0.2) is None


def test_axes_are_the_action_of_the_task():
    np.testing.assert_array_equal(
        Shaper(FRANKA, AT_ONCE).action(held(0.1, 0.2, 0.3), 0.2), np.float32([0.1, 0.2, 0.3])
    )
    np.testing.assert_array_equal(
        Shaper(DISC, AT_ONCE).action(held(0.1, 0.2, 0.3), 0.2), np.float32([0.1, 0.2])
    )


def test_who_faces_the_robot_pushes_it_away_from_himself():
    shaper = Shaper(FRANKA, Feel(0.0, 0.0, (1.0,), math.pi))
    np.testing.assert_allclose(shaper.action(held(1.0, 0.5, 0.25), 0.2), (-1.0, -0.5, 0.25), atol=1e-7)
    side = Shaper(FRANKA, Feel(0.0, 0.0, (1.0,), math.pi / 2))
    np.testing.assert_allclose(side.action(held(1.0, 0.0, 0.0), 0.2), (0.0, 1.0, 0.0), atol=1e-7)


def test_the_ramp_begins_anew_each_time_the_dead_man_is_taken():
    shaper = Shaper(FRANKA, Feel(0.0, 0.6, (1.0,)))
    forward = held(1.0, 0.0, 0.0)
    assert [shaper.action(forward, 0.2)[0] for _ in range(4)] == pytest.approx([1 / 3, 2 / 3, 1.0, 1.0])
    assert shaper.action(Reading((1.0, 0.0, 0.0), 0, False), 0.2) is None
    assert shaper.action(forward, 0.2)[0] == pytest.approx(1 / 3)
    assert shaper.action(None, 0.2) is None  # the device was lost for a moment
    assert shaper.action(forward, 0.2)[0] == pytest.approx(1 / 3)


def test_the_dead_zone_moves_nothing_and_takes_nothing_from_the_end():
    shaper = Shaper(FRANKA, Feel(0.1, 0.0, (1.0,)))
    values = [shaper.action(held(axis, 0.0, 0.0), 0.2)[0] for axis in (0.1, 0.55, 1.0, -1.0)]
    assert values == pytest.approx([0.0, 0.5, 1.0, -1.0])


def test_speeds_go_up_and_down_and_end():
    shaper = Shaper(FRANKA, Feel(0.0, 0.0, (0.25, 0.5, 1.0)))
    assert shaper.speed == 0.5
    for change, speed in (
        (Speed.FASTER, 1.0),
        (Speed.FASTER, 1.0),
        (Speed.SLOWER, 0.5),
        (Speed.SLOWER, 0.25),
    ):
        shaper.change(change)
        assert shaper.action(held(1.0, 0.0, 0.0), 0.2)[0] == pytest.approx(speed)
    shaper.change(Speed.SLOWER)
    assert shaper.speed == 0.25


def test_the_gripper_keeps_its_grip_and_knows_no_speed():
    shaper = Shaper(PUSH, Feel(0.0, 0.0, (0.5,)))
    assert [shaper.action(held(0.0, 0.0, 0.0, gripper=g), 0.1)[3] for g in (0, 1, 0, -1)] == [0, 1, 1, -1]


@pytest.mark.parametrize(
    "feel",
    [
        {"dead_zone": 1.0},
        {"ramp": -1.0},
        {"ramp": math.nan},
        {"speeds": ()},
        {"speeds": (0.5, 0.5)},
        {"speeds": (0.5, 1.5)},
        {"speeds": (0.0,)},
    ],
)
def test_settings_that_make_no_sense_are_refused(feel):
    with pytest.raises(ShapingError):
        Feel(**feel)


class FakeDevice:
    name = "fake"

    def __init__(self) -> None:
        self.there, self.opened, self.closed = False, 0, 0

    def open(self) -> None:
        self.opened += 1
        if not self.there:
            raise DeviceLost("plug it in")

    def read(self, now: float) -> Reading:
        if not self.there:
            raise DeviceLost("it is gone")
        return Reading((1.0, 0.0, 0.0), 0, True, (Command.START,))

    def close(self) -> None:
        self.closed += 1


def test_a_device_that_is_lost_is_said_and_comes_back():
    device = FakeDevice()
    link = DeviceLink(device)
    assert (link.poll(0.0), link.reading, link.problem) == ((), None, "plug it in")
    device.there = True
    assert link.poll(RETRY_S / 2) == ()  # not tried again at once
    assert link.poll(RETRY_S) == (Command.START,)
    assert (link.problem, link.reading.held, link.losses) == ("", True, 0)
    device.there = False
    assert (link.poll(2.0), link.reading, link.problem, link.losses) == ((), None, "it is gone", 1)
    device.there = True
    assert link.poll(2.0 + RETRY_S) == (Command.START,)
    assert (link.problem, link.losses) == ("", 1)
