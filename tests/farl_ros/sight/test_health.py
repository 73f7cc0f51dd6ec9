"""What is told of the camera."""

import math

import numpy as np
import pytest

from farl_ros.sight.health import Health, Level
from perception.detection.detection import Source
from perception.pipeline import Scene, Stage
from perception.problems import Problem
from perception.tracking.tracker import Track, TrackState


def scene(stamp, state=TrackState.VISIBLE, problems=Problem.NONE, detail="", seconds=0.01, ambiguous=False):
    track = Track(
        "puck", "puck", state, np.zeros(3), np.zeros(3), 4e-6 * np.eye(6), 0.1, Source.COLOUR, 0.9, ambiguous
    )
    latency = dict.fromkeys(Stage, seconds)
    return Scene(stamp, (track,), problems, detail, missed=1, latency=latency)


def test_rate_age_and_latency_of_each_stage():
    health = Health(5.0)
    for k in range(20):
        health.take(scene(0.1 * k, seconds=0.001 * (k + 1)), 0.1 * k)
    told = health.report(2.0, 2.0)
    assert told.level is Level.OK
    figures = told.figures
    assert figures["frames_per_second"] == 10.0
    assert figures["frame_age_ms"] == pytest.approx(100.0)
    assert figures["missed_frames"] == 20
    assert figures["detect_p50_ms"] == pytest.approx(10.5)
    assert figures["whole_p50_ms"] == pytest.approx(42.0)  # four stages
    assert figures["puck_sd_mm"] == pytest.approx(2.0) and figures["puck_age_s"] == pytest.approx(0.1)
    assert health.report(3.0, 1.0).figures["frames_per_second"] == 0.0  # begun anew


def test_nothing_yet_is_an_error():
    told = Health(5.0).report(0.0, 1.0)
    assert told.level is Level.ERROR and "no frame has come yet" in told.message
    assert math.isinf(told.figures["frame_age_ms"])


@pytest.mark.parametrize(
    ("last", "level", "says"),
    [
        (scene(1.0, problems=Problem.BLACK, detail="frame 3 cannot be used: black"), Level.ERROR, "black"),
        (scene(1.0, TrackState.LOST), Level.WARN, "puck is lost"),
        (scene(1.0, TrackState.LOST, ambiguous=True), Level.WARN, "several look alike"),
        (scene(1.0), Level.WARN, "1.0 frames per second, fewer than the task's 5"),
    ],
)
def test_what_is_wrong_is_said(last, level, says):
    health = Health(5.0)
    health.take(last, 1.0)
    told = health.report(1.0, 1.0)
    assert told.level is level and says in told.message
    assert told.figures["unusable_frames"] == (1.0 if last.problems else 0.0)
