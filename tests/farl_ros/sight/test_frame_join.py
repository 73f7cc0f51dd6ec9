"""Colour, depth and information of one moment, whatever order they come in."""

from itertools import permutations

import pytest

from farl_ros.sight.frame_join import FrameJoin, Stream

C, D, N = Stream.COLOUR, Stream.DEPTH, Stream.INFO


@pytest.mark.parametrize("order", list(permutations([C, D, N])))
def test_three_of_one_moment_are_a_frame_in_any_order(order):
    join = FrameJoin(0)
    results = [join.add(stream, 100, stream.name) for stream in order]
    assert results == [None, None, ("COLOUR", "DEPTH", "INFO")]


def test_neighbouring_moments_are_kept_apart():
    join = FrameJoin(10)
    assert join.add(C, 100, "c1") is None and join.add(D, 111, "d2") is None
    assert join.add(N, 100, "i1") is None
    assert join.add(D, 95, "d1") == ("c1", "d1", "i1")
    assert join.add(C, 110, "c2") is None
    assert join.add(N, 108, "i2") == ("c2", "d2", "i2")


def test_the_newest_whole_frame_wins_and_what_is_older_is_dropped():
    join = FrameJoin(0)
    for stamp in (1, 2, 3):
        join.add(C, stamp, f"c{stamp}")
        join.add(D, stamp, f"d{stamp}")
    assert join.add(N, 3, "i3") == ("c3", "d3", "i3")
    assert join.dropped == 2
    assert join.add(N, 2, "i2") is None


def test_a_stream_that_stays_away_costs_no_memory():
    join = FrameJoin(0)
    for stamp in range(100):
        assert join.add(C, stamp, "c") is None
    assert join.dropped == 92  # eight still wait


def test_a_frame_that_is_sent_twice_comes_twice():
    join = FrameJoin(0)
    for _ in range(2):
        join.add(C, 5, "c")
        join.add(D, 5, "d")
        assert join.add(N, 5, "i") == ("c", "d", "i")
