"""When a real arm may move."""

from farl_ros.episode_gate import EpisodeGate
from farl_ros.messages import Event


def test_it_is_closed_before_and_after_episodes_and_for_the_last_state():
    gate = EpisodeGate()
    assert not gate.is_open(5)
    assert not gate.take(Event.ABORTED, 1)  # of an episode that never began
    assert not gate.take(Event.STARTED, 10)
    assert gate.running
    assert [gate.is_open(stamp) for stamp in (9, 10, 1000)] == [False, True, True]
    assert not gate.take(Event.FAILED, 20)  # the episode goes on
    assert not gate.take(Event.LABELLED, 21)
    assert gate.is_open(22)
    assert gate.take(Event.SUCCEEDED, 30)
    assert not gate.running
    assert [gate.is_open(stamp) for stamp in (29, 30, 31)] == [True, False, False]
    assert not gate.take(Event.TIMED_OUT, 40)  # nothing runs any more
    gate.take(Event.STARTED, 50)
    assert [gate.is_open(stamp) for stamp in (29, 49, 50)] == [False, False, True]


def test_every_end_closes_it():
    for event in (Event.SUCCEEDED, Event.TIMED_OUT, Event.ABORTED):
        gate = EpisodeGate()
        gate.take(Event.STARTED, 1)
        assert gate.take(event, 2)
        assert not gate.is_open(3)
