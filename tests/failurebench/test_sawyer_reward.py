"""Parts of the push reward at points calculated by hand."""

import pytest

from failurebench.push_reward import PushReward
from failurebench.sawyer_reward import Reading, hamacher, long_tail

START, GOAL, TOOL = (0.0, 0.65, 0.02), (0.0, 0.85, 0.02), (0.0, 0.6, 0.19)
REWARD = PushReward(START, GOAL, TOOL)


def reading(puck, tool, *, pads=0.03, opening=0.5, effort=1.0):
    return Reading(puck, tool, puck[1] + pads, puck[1] - pads, opening, effort)


def test_long_tail():
    assert long_tail(0.3, 0.0, 0.5, 1.0) == 1.0
    assert long_tail(1.5, 0.0, 0.5, 1.0) == pytest.approx(0.1)  # one margin outside
    assert long_tail(-0.5, 0.0, 0.5, 1.0) == pytest.approx(1 / (0.25 * 9 + 1))
    assert long_tail(0.6, 0.0, 0.5, 0.0) == 0.0


def test_hamacher():
    assert hamacher(1.0, 0.3) == pytest.approx(0.3)
    assert hamacher(0.5, 0.5) == pytest.approx(0.25 / 0.75)
    assert hamacher(0.0, 0.0) == 0.0


def test_at_the_goal_the_reward_is_ten():
    judgement = REWARD(reading((0.0, 0.81, 0.02), (0.3, 0.6, 0.3)))
    assert judgement.reward == 10.0
    assert judgement.success
    assert judgement.terms["goal"] == 10.0


def test_on_the_rim_is_success_but_not_yet_ten():
    # 0.05 away exactly in binary arithmetic: a goal at the origin.
    reward = PushReward((0.0, 0.25, 0.0), (0.0, 0.0, 0.0), TOOL)
    judgement = reward(reading((0.0, 0.05, 0.0), (0.3, 0.6, 0.3)))
    assert judgement.success
    assert judgement.reward < 10.0


def test_holding_earns_grasp_hold_and_in_place():
    judgement = REWARD(reading(START, START))
    # Both pads within (0.015, 0.05) of the puck and the tool on it: caging 1; full effort: grasp 1.
    assert judgement.terms["grasp"] == pytest.approx(4.0)
    assert judgement.terms["hold"] == 1.0
    distance = (0.2 - 0.05) / 0.2
    assert judgement.terms["in_place"] == pytest.approx(5.0 / (9.0 * distance**2 + 1.0))
    assert judgement.reward == pytest.approx(sum(judgement.terms.values()))


def test_caging_without_squeezing_is_worth_half():
    assert REWARD(reading(START, START, effort=-1.0)).terms["grasp"] == pytest.approx(2.0)


def test_a_distant_hand_earns_no_hold():
    terms = REWARD(reading(START, (0.0, 0.6, 0.19))).terms
    assert terms["hold"] == terms["in_place"] == terms["goal"] == 0.0
    assert 0.0 < terms["grasp"] < 0.5
