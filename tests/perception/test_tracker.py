import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception.detection.detection import Source
from perception.geometry import Measurement
from perception.tracking.kalman import ConstantVelocity
from perception.tracking.tracker import TrackedObject, Tracker, TrackLimits, TrackState

PERIOD = 1.0 / 30.0
LIMITS = TrackLimits(acceleration=2.0, lost_after=0.5, confirm=2)
NOISE = 0.003


def seen(*position, score=0.9, name="puck", deviation=NOISE):
    return Measurement(
        name, np.array(position, float), deviation**2 * np.eye(3), score, Source.COLOUR, 1.0, 1.0
    )


@pytest.fixture
def tracker():
    return Tracker([TrackedObject("puck", "puck")], LIMITS)


def follow(tracker, path, start=0, count=30):
    """Feed a path; returns the last tracks and the next frame's number."""
    for n in range(start, start + count):
        tracks = tracker.update(n * PERIOD, [seen(*path(n * PERIOD))])
    return tracks, start + count


# --- the filter


def test_first_prediction_by_hand():
    start = ConstantVelocity(np.array((1.0, 2.0, 3.0)), 0.01**2 * np.eye(3), acceleration=2.0)
    mean, covariance = start.at(0.5)
    assert mean == pytest.approx((1, 2, 3, 0, 0, 0))
    # position: 0.01^2 + 0.5^2 * 0.3^2 + (0.5 * 0.5^2 * 2)^2; rate: 0.3^2 + (0.5 * 2)^2;
    # both: 0.5 * 0.3^2 + 0.25 * 1
    assert covariance[0, 0] == pytest.approx(0.0001 + 0.0225 + 0.0625)
    assert covariance[3, 3] == pytest.approx(0.09 + 1.0)
    assert covariance[0, 3] == pytest.approx(0.045 + 0.25)
    assert covariance[0, 1] == covariance[0, 4] == 0.0


def test_equally_sure_prediction_and_measurement_meet_in_the_middle():
    point = ConstantVelocity(np.zeros(3), np.eye(3), acceleration=1.0)
    point.update(np.array((1.0, 0.0, -2.0)), np.eye(3))
    assert point.mean[:3] == pytest.approx((0.5, 0.0, -1.0))
    assert point.covariance[0, 0] == pytest.approx(0.5)
    assert point.distance(np.array((1.5, 0.0, -1.0)), 0.5 * np.eye(3)) == pytest.approx(1.0)


@given(st.lists(st.tuples(st.floats(0.0, 0.5), st.floats(-1.0, 1.0), st.floats(1e-4, 1.0)), max_size=30))
def test_covariance_stays_symmetric_and_positive(steps):
    point = ConstantVelocity(np.zeros(3), 1e-6 * np.eye(3), acceleration=2.0)
    for step, x, deviation in steps:
        point.predict(step)
        point.update(np.array((x, 0.0, 0.0)), deviation**2 * np.eye(3))
        assert point.covariance == pytest.approx(point.covariance.T, abs=1e-12)
        assert np.linalg.eigvalsh(point.covariance).min() > 0.0


def test_velocity_is_learnt_and_noise_is_reduced(tracker):
    random = np.random.default_rng(0)
    errors = []
    for n in range(90):
        truth = np.array((0.4 + 0.1 * n * PERIOD, 0.0, 0.02))
        (track,) = tracker.update(n * PERIOD, [seen(*(truth + NOISE * random.standard_normal(3)))])
        if n > 30:
            errors.append(track.position - truth)
    assert track.velocity == pytest.approx((0.1, 0.0, 0.0), abs=0.06)
    assert np.std(errors) < NOISE


# --- the states


def test_an_object_that_was_never_seen_is_lost_and_has_no_position(tracker):
    (track,) = tracker.view(5.0)
    assert track.state is TrackState.LOST and np.isnan(track.position).all()
    assert math.isinf(track.age) and track.source is None


def test_an_object_is_found_in_the_second_frame(tracker):
    assert tracker.update(0.0, [seen(0.4, 0.0, 0.02)])[0].state is TrackState.LOST
    (track,) = tracker.update(PERIOD, [seen(0.4, 0.0, 0.02)])
    assert track.state is TrackState.VISIBLE and track.age == 0.0
    assert track.position == pytest.approx((0.4, 0.0, 0.02), abs=1e-6)


def test_one_frame_with_a_reflection_finds_nothing(tracker):
    tracker.update(0.0, [seen(0.7, 0.2, 0.02)])
    tracker.update(PERIOD, [])
    assert tracker.update(2 * PERIOD, [seen(0.4, 0.0, 0.02)])[0].state is TrackState.LOST


def test_visible_predicted_lost_with_growing_age_and_covariance(tracker):
    _, n = follow(tracker, lambda t: (0.4 + 0.1 * t, 0.0, 0.02))
    last = (n - 1) * PERIOD
    spread = 0.0
    while n * PERIOD - last <= 0.5:
        (track,) = tracker.update(n * PERIOD, [])
        assert track.state is TrackState.PREDICTED
        assert track.age == pytest.approx(n * PERIOD - last)
        assert track.position[0] == pytest.approx(0.4 + 0.1 * n * PERIOD, abs=0.01)
        assert track.covariance[0, 0] > spread
        spread, n = track.covariance[0, 0], n + 1
    (track,) = tracker.update(n * PERIOD, [])
    assert track.state is TrackState.LOST
    assert track.velocity == pytest.approx((0, 0, 0)) and track.covariance[0, 0] == 1.0
    assert np.isfinite(track.position).all()


def test_a_view_without_a_new_frame_is_predicted_and_changes_nothing(tracker):
    _, n = follow(tracker, lambda t: (0.4, 0.0, 0.02))
    last = (n - 1) * PERIOD
    assert tracker.view(last)[0].state is TrackState.VISIBLE
    assert tracker.view(last + 0.1)[0].state is TrackState.PREDICTED
    assert tracker.view(last + 0.6)[0].state is TrackState.LOST
    assert tracker.view(last)[0].state is TrackState.VISIBLE
    # frames that were on their way while somebody looked ahead are still welcome
    assert tracker.update(n * PERIOD, [seen(0.4, 0.0, 0.02)])[0].state is TrackState.VISIBLE


def test_after_a_long_pause_the_first_frame_finds_nothing_yet(tracker):
    _, n = follow(tracker, lambda t: (0.4, 0.0, 0.02))
    later = n * PERIOD + 5.0
    assert tracker.update(later, [seen(0.4, 0.0, 0.02)])[0].state is TrackState.LOST
    assert tracker.update(later + PERIOD, [seen(0.4, 0.0, 0.02)])[0].state is TrackState.VISIBLE


def test_time_does_not_run_backwards_until_reset(tracker):
    follow(tracker, lambda t: (0.4, 0.0, 0.02))
    with pytest.raises(ValueError, match="reset after a clock jump"):
        tracker.update(0.5, [])
    with pytest.raises(ValueError, match="got nan"):
        tracker.update(math.nan, [])
    tracker.reset()
    (track,) = tracker.update(0.5, [])
    assert track.state is TrackState.LOST and np.isnan(track.position).all()


# --- identity


def test_a_measurement_beyond_the_gate_does_not_pull_the_track(tracker):
    _, n = follow(tracker, lambda t: (0.4, 0.0, 0.02))
    (track,) = tracker.update(n * PERIOD, [seen(0.6, 0.1, 0.02)])
    assert track.state is TrackState.PREDICTED
    assert track.position == pytest.approx((0.4, 0.0, 0.02), abs=0.002)


def test_a_distractor_nearby_loses_against_the_object(tracker):
    _, n = follow(tracker, lambda t: (0.4, 0.0, 0.02))
    for k in range(n, n + 10):
        (track,) = tracker.update(
            k * PERIOD, [seen(0.6, 0.1, 0.02, score=0.99), seen(0.401, 0.0, 0.02, score=0.3)]
        )
        assert track.state is TrackState.VISIBLE
    assert track.position[0] == pytest.approx(0.401, abs=0.001)


def test_identity_of_two_alike_through_crossing_and_occlusion():
    both = Tracker([TrackedObject("left", "puck"), TrackedObject("right", "puck")], LIMITS)

    def left(t):
        return np.array((0.5 + 0.05 * np.sin(t), 0.2 - 0.2 * t, 0.02))

    def right(t):
        return np.array((0.6 - 0.05 * np.sin(t), -0.2 + 0.2 * t, 0.02))

    names = None
    for n in range(61):
        t = n * PERIOD
        truth = {"a": left(t), "b": right(t)}
        visible = [seen(*truth["b"])] if 24 <= n < 36 else [seen(*truth["b"]), seen(*truth["a"])]
        tracks = {track.name: track for track in both.update(t, visible)}
        if n == 5:
            near = np.linalg.norm(tracks["left"].position - truth["a"]) < 0.02
            names = {"left": "a", "right": "b"} if near else {"left": "b", "right": "a"}
        if n > 5:
            for name, which in names.items():
                assert np.linalg.norm(tracks[name].position - truth[which]) < 0.03, (n, name)
    states = {names[track.name]: track.state for track in tracks.values()}
    assert set(states.values()) == {TrackState.VISIBLE}


def test_two_candidates_alike_find_nothing_and_say_so(tracker):
    for n in range(4):
        (track,) = tracker.update(
            n * PERIOD, [seen(0.4, 0.0, 0.02, score=0.9), seen(0.6, 0.0, 0.02, score=0.8)]
        )
        assert track.state is TrackState.LOST and track.ambiguous
    for n in range(4, 6):
        (track,) = tracker.update(
            n * PERIOD, [seen(0.4, 0.0, 0.02, score=0.9), seen(0.6, 0.0, 0.02, score=0.5)]
        )
    assert track.state is TrackState.VISIBLE and not track.ambiguous
    assert track.position[0] == pytest.approx(0.4, abs=1e-3)


def test_an_object_that_was_carried_elsewhere_is_lost_and_found_there(tracker):
    _, n = follow(tracker, lambda t: (0.4, 0.0, 0.02))
    states = []
    for k in range(n, n + 20):
        (track,) = tracker.update(k * PERIOD, [seen(0.65, 0.2, 0.02)])
        states.append(track.state)
    assert states.index(TrackState.LOST) > states.index(TrackState.PREDICTED)
    assert states[-1] is TrackState.VISIBLE
    assert track.velocity == pytest.approx((0, 0, 0), abs=1e-6)
    assert track.position == pytest.approx((0.65, 0.2, 0.02), abs=1e-3)


def test_classes_do_not_mix():
    tracker = Tracker([TrackedObject("puck", "puck"), TrackedObject("flower", "flower")], LIMITS)
    for n in range(3):
        puck, flower = tracker.update(
            n * PERIOD, [seen(0.4, 0.0, 0.0, name="flower"), seen(0.5, 0.1, 0.0, name="cup")]
        )
    assert puck.state is TrackState.LOST and flower.state is TrackState.VISIBLE
