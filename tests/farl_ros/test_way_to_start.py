"""The hand's way back to its start."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farl_ros.task_spec import load_task
from farl_ros.way_to_start import WayError, WayToStart

SPEC = load_task("FrankaFragilePushWall")
WAY = WayToStart.of(SPEC, travel_height=0.15, share=0.25, tolerance=0.005)
STEP = 0.25 * 0.03  # share times the task's scale


def walk(start, way=WAY, lag=1.0):
    """Positions of an arm that does a share ``lag`` of what it is told each step, until it is there."""
    path = [np.array(start, float)]
    for _ in range(2000):
        action = way.action(tuple(path[-1]))
        if action is None:
            return np.array(path)
        path.append(path[-1] + lag * 0.03 * action.astype(float))
    raise AssertionError(f"not there after 2000 steps: {path[-1]}")


inside = st.tuples(st.floats(0.28, 0.72), st.floats(-0.25, 0.25), st.floats(0.025, 0.25))


@given(inside, st.sampled_from((1.0, 0.6)))
def test_it_arrives_slowly_and_crosses_the_table_high_up(start, lag):
    path = walk(start, lag=lag)
    assert np.linalg.norm(path[-1] - SPEC.layout.hand_position) <= 0.005
    assert np.abs(np.diff(path, axis=0)).max() <= STEP + 1e-9
    flat = np.linalg.norm(np.diff(path[:, :2], axis=0), axis=1)
    away = np.linalg.norm(path[:-1, :2] - SPEC.layout.hand_position[:2], axis=1) > 0.005
    low = path[:-1, 2] < 0.10  # above walls, ball and flower
    assert flat[low & away].max(initial=0.0) <= 1e-9
    assert (path >= np.array(SPEC.workspace.lower) - 1e-9).all()
    assert (path <= np.array(SPEC.workspace.upper) + 1e-9).all()


def test_first_up_then_across_then_down():
    np.testing.assert_allclose(WAY.action((0.6, 0.2, 0.03)), (0.0, 0.0, 0.25))
    np.testing.assert_allclose(WAY.action((0.6, 0.2, 0.15)), (-0.25, -0.25, 0.0))
    np.testing.assert_allclose(WAY.action((0.31, 0.0, 0.15)), (0.0, 0.0, -0.25))
    # Half of the 9 mm that are left, of a scale of 30 mm.
    np.testing.assert_allclose(WAY.action((0.31, 0.0, 0.069)), (0.0, 0.0, -0.15), rtol=1e-5)
    assert WAY.action((0.31, 0.002, 0.064)) is None


def test_the_way_stays_in_the_workspace():
    assert WayToStart.of(SPEC, travel_height=0.9, share=0.25, tolerance=0.005).travel_height == 0.25


def test_a_task_without_a_start_is_named():
    with pytest.raises(WayError, match=r"BoundedPush: layout\.hand_position is missing"):
        WayToStart.of(load_task("BoundedPush"), 0.15, 0.25, 0.005)


def test_actions_that_do_not_move_the_hand_along_an_axis_are_named():
    flat = SPEC.model_copy(update={"action": SPEC.action[:2]})
    with pytest.raises(WayError, match="no action moves the hand along z"):
        WayToStart.of(flat, 0.15, 0.25, 0.005)
