"""Recovery primitives of Bounded Push."""

import numpy as np
import pytest

from failurebench.recoveries import Block, Drag, Freeze, Retract, Up


def observation(hand=(0.0, 0.6, 0.2), puck=(0.15, 0.7, 0.02), opening=1.0, velocity=(0.0, 0.0, 0.0)):
    result = np.zeros(39, dtype=np.float32)
    result[:3], result[3], result[4:7] = hand, opening, puck
    result[22:25] = np.subtract(puck, velocity)
    return result


def test_up_rises_and_stops():
    assert Up()(observation())[2] == 1.0
    assert Up()(observation(hand=(0.0, 0.6, 0.3)))[2] == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize(("opening", "effort"), [(1.0, 0.0), (0.4, 1.0)])
def test_freeze_keeps_holding_what_it_holds(opening, effort):
    np.testing.assert_array_equal(Freeze()(observation(opening=opening)), [0, 0, 0, effort])


def test_retract_goes_home_with_open_fingers():
    action = Retract()(observation(hand=(0.2, 0.8, 0.05)))
    assert action[0] < 0 and action[1] < 0 and action[2] > 0 and action[3] == -1


def test_drag_pulls_a_held_puck_inward():
    action = Drag()(observation(hand=(0.19, 0.7, 0.05), puck=(0.19, 0.7, 0.02), opening=0.4))
    assert action[0] == -1.0 and action[3] == 1.0


def test_drag_goes_to_where_a_rolling_puck_will_be():
    still = Drag()(observation(hand=(0.11, 0.7, 0.15)))
    rolling = Drag()(observation(hand=(0.11, 0.7, 0.15), velocity=(-0.01, 0.0, 0.0)))
    assert still[0] > 0 > rolling[0]


def test_block_goes_to_the_outer_side():
    action = Block()(observation(hand=(0.14, 0.62, 0.2)))
    assert action[0] > 0 and action[1] > 0
    pushing = Block()(observation(hand=(0.2, 0.7, 0.05)))
    assert pushing[0] < 0


@pytest.mark.parametrize("primitive", [Block, Drag, Freeze, Retract, Up])
def test_actions_stay_in_range(primitive):
    random = np.random.default_rng(0)
    controller = primitive()
    controller.reset()
    for _ in range(100):
        action = controller(random.uniform(-1, 1, 39).astype(np.float32))
        assert action.shape == (4,) and action.dtype == np.float32
        assert np.abs(action).max() <= 1.0
