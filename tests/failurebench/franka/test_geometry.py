"""Failure sets, reward, flower and turf, against numbers worked out by hand."""

import math

import numpy as np
import pytest

from failurebench.franka.disturber import Disturber
from failurebench.franka.field import Field
from failurebench.franka.flower import Flower
from failurebench.franka.reward import push_terms
from failurebench.franka.turf import Turf


# The wall spans x 0.488 to 0.512 and y -0.2 to 0; the puck's radius is 0.035.
@pytest.mark.parametrize(
    ("x", "y", "margin"),
    [
        (0.40, -0.10, 0.053),  # 0.088 before the front
        (0.453, -0.10, 0.0),  # the rim touches
        (0.50, 0.055, 0.02),  # beside the open end
        (0.482, 0.008, 0.01 - 0.035),  # 6 mm and 8 mm from the corner
        (0.50, -0.10, -0.047),  # in the middle of it
        (0.65, 0.0, 0.103),
    ],
)
def test_wall_margin(make, x, y, margin):
    assert make("FrankaFragilePushWall").margin_at(x, y) == pytest.approx(margin)


# The field spans x 0.29 to 0.71 and y -0.18 to 0.18.
@pytest.mark.parametrize(
    ("x", "y", "margin"),
    [
        (0.5, 0.0, 0.18),
        (0.69, 0.0, 0.02),
        (0.5, -0.18, 0.0),
        (0.28, 0.0, -0.01),
        (0.74, 0.22, -0.05),  # 3 cm and 4 cm off the corner
    ],
)
def test_field_margin(make, x, y, margin):
    assert Field((0.5, 0.0), (0.21, 0.18)).margin_at(x, y) == pytest.approx(margin)
    assert make("FrankaBoundedSoccer").margin_at(x, y) == pytest.approx(margin)


FLOWER = Flower(0.04, 0.05)


@pytest.mark.parametrize(
    ("away", "margin"),
    [
        ((0.0, 0.0, 0.02), 0.04 * -1.0 + 0.03 - 0.01),  # between the fingers: 0.03 from each axis
        ((-0.06, 0.03, 0.026), 0.01),  # one finger straight behind: 0.06 - 0.04 - 0.01
        ((-0.09, 0.03, 0.09), math.hypot(0.04, 0.04)),  # 3 cm farther and 4 cm higher than the flower
        ((0.0, 0.0, 0.07), 0.02),  # straight above
        ((0.0, 0.09, 0.026), 0.01),  # palm 2.1 cm above it, finger 0.06 away from its axis
        ((0.0, 0.2, 0.026), math.hypot(0.06, 0.021)),  # the palm's end is 0.1 from the axis
    ],
)
def test_hand_and_flower(away, margin):
    assert FLOWER.gap_to_hand(*away) == pytest.approx(margin)


def test_puck_and_flower(make):
    assert FLOWER.gap_to_puck(0.06, 0.08, 0.035) == pytest.approx(0.025)
    env = make("FrankaDisturbedPush")
    far_hand = [0.3, 0.0, 0.2]
    assert env.margin_at((0.5, 0.0), far_hand, (0.5, 0.075)) == pytest.approx(0.0)
    # The hand counts as well: a finger's axis is 0.05 from the flower's.
    assert env.margin_at((0.7, 0.2), [0.45, -0.03, 0.03], (0.5, 0.0)) == pytest.approx(0.0, abs=1e-9)


def test_reward_terms():
    terms = push_terms([0.4, 0.0, 0.02], [0.5, 0.0, 0.02], 0.15, False)
    assert terms == pytest.approx({"reach": math.exp(-1.0), "place": 4.0 * math.exp(-1.0), "goal": 0.0})
    assert sum(push_terms([0.5, 0.0, 0.02], [0.5, 0.0, 0.02], 0.0, True).values()) == 10.0


def test_the_way_to_the_goal_leads_around_the_wall(make):
    env = make("FrankaFragilePushWall")
    rules, goal = env.rules, env.goal_position  # goal 0.65, 0; the way's corner is 0.5, 0.065
    assert rules.way_left((0.5, 0.0), goal) == pytest.approx(0.15)  # no way through, but past it
    before = math.hypot(0.13, 0.065) + math.hypot(0.15, 0.065)
    assert rules.way_left((0.37, 0.0), goal) == pytest.approx(before)
    assert rules.way_left((0.45, 0.12), goal) == pytest.approx(math.hypot(0.2, 0.12))  # the goal in sight
    assert rules.way_left((0.6, 0.0), goal) == pytest.approx(0.05)


def test_the_flower_keeps_to_its_lane_and_crosses_the_way():
    crossings = 0
    for seed in range(20):
        disturber = Disturber((0.485, 0.515))
        disturber.draw(np.random.default_rng(seed))
        path = np.array([disturber.position(0.05 * i) for i in range(600)])
        assert path[:, 0].min() >= 0.485 and path[:, 0].max() <= 0.515
        assert np.abs(path[:, 1]).max() == pytest.approx(0.26)
        speed = np.linalg.norm(np.diff(path, axis=0), axis=1) / 0.05
        assert speed.max() <= 0.08 + 1e-9
        crossings += int(np.sum(np.diff(np.sign(path[:, 1])) != 0))
        velocity = [disturber.velocity(0.05 * i + 0.025) for i in range(599)]
        same = np.isclose(np.linalg.norm(velocity, axis=1), speed)
        assert same.mean() > 0.9  # but where it starts or stops in between
    assert crossings > 40


def test_a_plan_is_unpacked_as_it_was_packed():
    one, two = Disturber((0.48, 0.52)), Disturber((0.48, 0.52))
    one.draw(np.random.default_rng(3))
    two.unpack(one.packed())
    assert [one.position(t) for t in (0.0, 3.3, 9.9, 99.0)] == [
        two.position(t) for t in (0.0, 3.3, 9.9, 99.0)
    ]


def test_the_turfs_slope_is_within_its_bounds_and_that_of_a_height():
    turf = Turf(tilt=0.03, waviness=0.02)
    assert turf.slope(0.5, 0.1) == (0.0, 0.0)
    for seed in range(20):
        turf.draw(np.random.default_rng(seed))
        assert np.hypot(*turf.slope(0.5, 0.0)) <= 0.03 + 3 * 0.02
        # A slope field is that of a height only where it has no curl.
        step = 1e-5
        curl = (turf.slope(0.5 + step, 0.1)[1] - turf.slope(0.5 - step, 0.1)[1]) - (
            turf.slope(0.5, 0.1 + step)[0] - turf.slope(0.5, 0.1 - step)[0]
        )
        assert abs(curl / (2 * step)) < 1e-6


def roll(env, slope, speed, steps):
    env.reset(seed=0)
    env.turf.unpack(np.array((0.0, slope, 0.0, 0.0, 0.0, 0.0)))
    env._data.qvel[7:13] = (0.0, speed, 0.0, -speed / 0.03, 0.0, 0.0)
    env._data.qpos[7:9] = (0.5, -0.1)
    for _ in range(steps):
        env.step(np.array((-1.0, 0.0, 1.0), np.float32))
    return env.object_now[1] + 0.1


def test_a_ball_rolls_as_physics_says(make):
    """A rolling sphere gains 5/7 of g times (slope less resistance); the turf's resistance is 0.03."""
    env = make("FrankaBoundedSoccer", end_on_success=False)
    assert roll(env, 0.0, 0.2, 6) == pytest.approx(0.2**2 / (2 * 5 / 7 * 9.81 * 0.03), rel=0.05)
    assert roll(env, -0.06, 0.0, 5) == pytest.approx(0.5 * 5 / 7 * 9.81 * 0.03, rel=0.1)  # 1 s downhill
    assert roll(env, -0.02, 0.0, 5) < 0.015  # holds, but for the engine's creep
