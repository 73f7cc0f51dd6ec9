"""The share of flagged proposals over a run, by hand."""

import numpy as np
import pytest

from farl_ros.run_records import EpisodeRecord
from farl_ros.run_series import flagged_share


def record(steps: int, length: int, recovery_steps: int) -> EpisodeRecord:
    nan = float("nan")
    return EpisodeRecord(
        0, steps, length, 0.0, False, False, recovery_steps, recovery_steps, nan, nan, nan, nan, 0, 0.0
    )


def test_swapped_steps_are_spread_over_their_episode() -> None:
    # 10 steps with 5 flagged, then 20 with 2, in bins of 15: (5 + .5) / 15, then 1.5 / 15
    series = flagged_share([record(10, 10, 5), record(30, 20, 2)], 15)
    assert series.share == pytest.approx([5.5 / 15, 1.5 / 15])
    assert series.steps == pytest.approx([7.5, 22.5])


def test_the_last_bin_counts_only_steps_that_were_made() -> None:
    series = flagged_share([record(10, 10, 10)], 8)
    assert series.share == pytest.approx([1.0, 1.0]) and series.steps == pytest.approx([4.0, 9.0])


def test_a_run_without_episodes_has_no_bins() -> None:
    assert flagged_share([], 10).share.shape == (0,) == np.shape(flagged_share([], 10).steps)


def test_an_empty_bin_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        flagged_share([], 0)
