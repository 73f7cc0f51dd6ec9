"""Demonstrators and recoveries of the tasks on the Sawyer's table, in hand-made scenes."""

import numpy as np
import pytest

from failurebench.kit import kit
from failurebench.push_view import push_view
from failurebench.soccer_scripts import Catch, LingeringKicker
from failurebench.vase_scripts import Retreat, far_reaching_pusher
from failurebench.wall_scripts import Withdraw, near_wall_pusher


def observation(hand=(0.0, 0.6, 0.2), held=(0.15, 0.7, 0.02), opening=1.0, velocity=(0.0, 0.0, 0.0)):
    result = np.zeros(39, dtype=np.float32)
    result[:3], result[3], result[4:7] = hand, opening, held
    result[22:25] = np.subtract(held, velocity)
    return result


def test_withdraw_brings_a_held_puck_out_of_the_way_it_came():
    environment = kit("FragilePushWall").make(end_on_success=False)
    pusher = near_wall_pusher(np.random.default_rng(0))
    pusher.clearance, pusher.gain = 0.05, 3.0  # slowly straight at the wall
    pusher.reset()
    now, info = environment.reset(seed=0)
    while push_view(now).hand_distance > 0.02 or info["margin"] > 0.015:
        now, *_, info = environment.step(pusher(now))
        assert not info["failed"]
    withdraw = Withdraw()
    for _ in range(30):
        now, *_, info = environment.step(withdraw(now))
    assert not info["failed"]
    assert info["margin"] > 0.05


@pytest.mark.parametrize(
    ("puck", "way"),
    [((0.05, 0.66, 0.02), (0, -1)), ((-0.06, 0.75, 0.02), (-1, 0)), ((0.05, 0.85, 0.02), (0, 1))],
)
def test_withdraw_leaves_by_the_nearest_open_side(puck, way):
    action = Withdraw()(observation(hand=(puck[0], puck[1], 0.04), held=puck, opening=0.4))
    np.testing.assert_array_equal(np.sign(np.round(action[:2], 3)), way)
    assert action[3] == 1.0


def test_withdraw_rises_where_nothing_is_held():
    action = Withdraw()(observation(hand=(-0.1, 0.6, 0.15)))
    assert action[2] > 0 and action[3] == -1.0


@pytest.mark.parametrize("velocity", [(0.002, 0.0), (-0.0015, 0.001), (0.0, -0.001)])
def test_catch_stops_a_rolling_ball(velocity):
    environment = kit("BoundedSoccer").make(end_on_success=False)
    now, _ = environment.reset(seed=0)
    environment._sawyer._object_velocity[:2] = np.array(velocity) / 0.0125
    catch = Catch()
    for _ in range(60):
        now, *_, info = environment.step(catch(now))
    assert not info["failed"]
    assert push_view(now).opening < Catch.GRIPPED  # the ball is between the fingers
    assert push_view(now).hand_distance < 0.03


def test_a_ball_that_nobody_catches_leaves_the_box():
    environment = kit("BoundedSoccer").make(end_on_success=False)
    environment.reset(seed=0)
    environment._sawyer._object_velocity[:2] = (0.003 / 0.0125, 0.0)
    for _ in range(100):
        *_, info = environment.step(np.zeros(4, np.float32))
    assert info["failed"]


def test_a_lingering_kicker_lingers_and_then_scores():
    lengths = []
    for steps in (10, 40):
        environment = kit("BoundedSoccer").make()
        kicker = LingeringKicker(linger_steps=steps)
        now, _ = environment.reset(seed=0)
        ended, length = False, 0
        while not ended:
            now, _, terminated, truncated, info = environment.step(kicker(now))
            ended, length = terminated or truncated, length + 1
        assert info["success"] and not info["failed"]
        lengths.append(length)
    assert lengths[1] >= lengths[0] + 25


def test_retreat_draws_the_hand_home_and_keeps_what_it_holds():
    empty = Retreat()(observation(hand=(0.1, 0.8, 0.2)))
    assert empty[0] < 0 and empty[1] < 0 and empty[3] == -1.0
    holding = Retreat()(observation(hand=(0.1, 0.8, 0.05), held=(0.1, 0.8, 0.02), opening=0.4))
    assert holding[0] < 0 and holding[1] < 0 and holding[3] == 1.0


@pytest.mark.parametrize("draw", [near_wall_pusher, far_reaching_pusher])
def test_no_two_demonstrators_are_alike(draw):
    assert draw(np.random.default_rng(0)) != draw(np.random.default_rng(1))
