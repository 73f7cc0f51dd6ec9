"""Which of a camera's frames are steps."""

from hypothesis import given
from hypothesis import strategies as st

from farl_ros.step_numbers import StepNumbers

MS = 1_000_000
PERIOD = 200 * MS


def numbers(horizon=100, start=1000):
    given = StepNumbers(PERIOD, horizon)
    given.start(7, start * MS)
    return given


def taken(counter, stamps, valid=lambda _: True):
    """(stamp [ms], step) of the frames that got a number."""
    result = [(stamp, counter.of(round(stamp * MS), valid(stamp))) for stamp in stamps]
    return [(stamp, number[1]) for stamp, number in result if number is not None]


def test_without_an_episode_no_frame_is_a_step():
    counter = StepNumbers(PERIOD, 10)
    assert counter.of(0, True) is None
    counter.start(3, 0)
    assert counter.of(5, True) == (3, 0)
    counter.stop()
    assert counter.of(PERIOD + 5, True) is None


def test_frames_of_before_the_episode_are_left_out():
    assert taken(numbers(), (960, 999, 1000, 1033)) == [(1000, 0)]


def test_a_camera_of_30_hz_gives_every_sixth_frame():
    frames = [1010 + k * 1000 / 30 for k in range(31)]
    assert [step for _, step in taken(numbers(), frames)] == [0, 1, 2, 3, 4, 5]
    stamps = [stamp for stamp, _ in taken(numbers(), frames)]
    assert [round(stamp) for stamp in stamps] == [1010, 1210, 1410, 1610, 1810, 2010]


def test_a_frame_each_period_with_jitter_loses_none():
    frames = [1000 + 200 * k + (-9, 7, 0, 9, -8)[k % 5] for k in range(1, 30)]
    assert [step for _, step in taken(numbers(), frames)] == list(range(29))


def test_a_blind_frame_is_no_step_and_is_shown_only_when_the_step_is_overdue():
    frames = [1000, 1200, 1233, 1266, 1300, 1333, 1450, 1500, 1533, 1700, 1733]
    blind = range(1150, 1720)
    shown = taken(numbers(), frames, lambda stamp: stamp not in blind)
    assert shown == [(1000, 0), (1300, 0), (1500, 0), (1700, 0), (1733, 1)]


def test_one_blind_frame_costs_33_ms_and_no_step():
    shown = taken(numbers(), [1000, 1200, 1233, 1400], lambda stamp: stamp != 1200)
    assert shown == [(1000, 0), (1233, 1), (1400, 2)]


def test_there_is_no_step_before_everything_was_seen_once():
    assert taken(numbers(), [1000, 1200, 1400, 1410], lambda stamp: stamp == 1410) == [(1410, 0)]


def test_after_a_gap_steps_are_a_period_apart_again():
    assert taken(numbers(), [1000, 1900, 1950, 2050, 2099, 2100]) == [(1000, 0), (1900, 1), (2099, 2)]


def test_there_is_none_after_the_horizon():
    assert taken(numbers(horizon=2), range(1000, 3000, 200))[-1] == (1400, 2)


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=1, max_size=60))
def test_steps_count_up_by_one_and_are_most_of_a_period_apart(frames):
    counter, stamp, last, at = numbers(), 1000, -1, None
    for gap, valid in frames:
        stamp += gap
        number = counter.of(stamp * MS, valid)
        if number is None:
            continue
        assert number[0] == 7
        assert number[1] == last + int(valid)
        if valid:
            assert at is None or stamp - at >= 130 - 1
            last, at = number[1], stamp
