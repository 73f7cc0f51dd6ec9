import numpy as np
import pytest

from perception.problems import Problem, StreamCheck, StreamLimits


@pytest.fixture
def check():
    return StreamCheck(StreamLimits())


def test_good_frames_have_no_problem(check, make_frame):
    for n in range(8):
        assert check.check(make_frame(n / 30, n), n / 30 + 0.02) == Problem.NONE


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"colour": np.full((480, 640, 3), (3, 5, 4), np.uint8)}, Problem.BLACK),
        ({"colour": np.full((480, 640, 3), 90, np.uint8)}, Problem.COLOURLESS),
        ({"depth": np.full((480, 640), 800.0, np.float32)}, Problem.DEPTH_UNIT),
        ({"depth": np.full((480, 640), 0.0008, np.float32)}, Problem.DEPTH_UNIT),
        ({"depth": np.zeros((480, 640), np.float32)}, Problem.DEPTH_EMPTY),
        ({"depth": np.full((480, 640), np.nan, np.float32)}, Problem.DEPTH_EMPTY),
        ({"depth": np.full((480, 640), -1.0, np.float32)}, Problem.DEPTH_EMPTY),
        ({"intrinsics": None}, Problem.NO_INTRINSICS),
    ],
)
def test_each_fault_of_a_picture_is_named(check, make_frame, change, problem):
    assert check.check(make_frame(1.0, **change), 1.0) == problem


def test_a_picture_that_repeats_is_frozen_from_the_fifth_on(check, make_frame):
    still = make_frame()
    found = [
        check.check(make_frame(n / 30, n, colour=still.colour, depth=still.depth), n / 30) for n in range(7)
    ]
    assert found == [Problem.NONE] * 4 + [Problem.FROZEN] * 3
    assert check.check(make_frame(0.3, 8), 0.3) == Problem.NONE


def test_a_picture_may_repeat_where_the_limits_say_so(make_frame):
    check, still = StreamCheck(StreamLimits(frozen_frames=None)), make_frame()
    for n in range(9):
        frame = make_frame(n / 30, n, colour=still.colour, depth=still.depth)
        assert check.check(frame, n / 30) == Problem.NONE


def test_a_stamp_or_number_that_repeats_is_frozen(check, make_frame):
    check.check(make_frame(1.0, 1), 1.0)
    assert check.check(make_frame(1.0, 2), 1.1) == Problem.FROZEN
    assert check.check(make_frame(1.2, 2), 1.2) == Problem.FROZEN


def test_clock_jumps_are_named_once_and_the_new_clock_is_taken(check, make_frame):
    check.check(make_frame(10.0, 1), 10.0)
    assert check.check(make_frame(9.0, 2), 9.0) == Problem.CLOCK_JUMP
    assert check.check(make_frame(9.1, 3), 9.1) == Problem.NONE
    assert check.check(make_frame(20.0, 4), 9.2) == Problem.CLOCK_JUMP
    assert check.check(make_frame(float("nan"), 5), 9.3) == Problem.CLOCK_JUMP


def test_an_old_frame_is_stale_and_the_limit_itself_is_not(check, make_frame):
    assert check.check(make_frame(1.0, 1), 1.5) == Problem.NONE
    assert check.check(make_frame(1.1, 2), 1.7) == Problem.STALE
