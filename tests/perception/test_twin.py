"""The whole chain on the simulated Franka tables: a camera with noise, shipped files, the truth."""

import numpy as np
import pytest

from benchmarks.perception import watch
from farl_ros.sight.files import perception_of
from perception.tracking.tracker import TrackState


@pytest.mark.slow
@pytest.mark.parametrize("task", ["FrankaDisturbedPush", "FrankaFragilePushWall", "FrankaBoundedSoccer"])
def test_positions_agree_with_the_simulator(task, tmp_path):
    pytest.importorskip("OpenGL.EGL", exc_type=ImportError)
    watched = watch(task, perception_of(task), tmp_path, episodes=1, steps=14)
    errors = np.array(watched.errors)
    assert np.median(errors) < 0.006 and np.percentile(errors, 95) < 0.015
    assert watched.unusable == 0
    assert watched.states.count(TrackState.VISIBLE) > 0.8 * len(watched.states)
