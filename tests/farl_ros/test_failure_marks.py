"""A failure marked by a person falls into the step of its stamp."""

import numpy as np
import pytest

from farl_ros.failure_marks import marked

STAMPS = np.array([100, 200, 300], np.int64)


@pytest.mark.parametrize(
    ("failures", "costs"),
    [
        ([], [0, 0, 0]),
        ([200], [0, 1, 0]),
        ([299], [0, 1, 0]),
        ([300], [0, 0, 1]),
        ([5000], [0, 0, 1]),  # after the last step
        ([50], [1, 0, 0]),  # back-dated to before the first
        ([100, 350], [1, 0, 1]),
    ],
)
def test_the_step_that_a_mark_falls_into_costs(failures, costs):
    np.testing.assert_array_equal(marked(STAMPS, np.zeros(3, np.float32), failures), costs)


def test_what_costs_already_still_does_and_the_recording_is_not_touched():
    recorded = np.float32([0, 0, 1])
    np.testing.assert_array_equal(marked(STAMPS, recorded, [100]), [1, 0, 1])
    np.testing.assert_array_equal(recorded, [0, 0, 1])
    assert len(marked(STAMPS[:0], recorded[:0], [100])) == 0
