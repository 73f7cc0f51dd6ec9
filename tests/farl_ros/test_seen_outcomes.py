"""Outcomes wait for what was seen of them."""

import numpy as np
from farl_interfaces.msg import ObjectState, SimState, State

from farl_ros.conversions import array_of, floats, time_of
from farl_ros.seen_outcomes import SeenOutcomes


def outcome(stamp, reward=0.5):
    message = SimState(reward=reward, observation=floats(np.zeros(2)))
    message.header.stamp = time_of(stamp)
    return message


def state(stamp, value):
    message = State(observation=floats(np.full(2, value)), objects=[ObjectState(age=value)])
    message.header.stamp = time_of(stamp)
    return message


def test_whichever_comes_first_the_learner_sees_what_was_seen():
    for first in ("outcome", "state"):
        seen = SeenOutcomes()
        if first == "outcome":
            assert seen.add_outcome(outcome(5)) is None
            joined = seen.add_state(state(5, 2.0))
        else:
            assert seen.add_state(state(5, 2.0)) is None
            joined = seen.add_outcome(outcome(5))
        assert joined.reward == 0.5
        assert array_of(joined.observation).tolist() == [2.0, 2.0]
        assert joined.objects[0].age == 2.0


def test_other_moments_are_no_match_and_what_is_overtaken_never_comes():
    seen = SeenOutcomes()
    assert seen.add_outcome(outcome(1)) is None
    assert seen.add_state(state(2, 1.0)) is None
    assert seen.add_outcome(outcome(2)) is not None
    assert seen.add_state(state(1, 1.0)) is None
