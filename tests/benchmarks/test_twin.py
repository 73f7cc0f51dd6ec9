"""The robot experiment: its figures follow from runs, and its page sets them beside the paper's."""

from dataclasses import replace

import pytest

from benchmarks.twin.experiment import TASKS, TwinRow
from benchmarks.twin.report import draw, markdown, published, reduction, summaries
from farl.presets import Preset

ROW = TwinRow(
    task="FrankaDisturbedPush",
    preset="uni_o4",
    seed=0,
    episodes=50,
    steps=2000,
    failing_steps=100,
    failing_episodes=20,
    success_rate=0.8,
    recovery_share=0.0,
    return_before=200.0,
    return_before_sd=50.0,
    return_after=250.0,
    return_after_sd=30.0,
    failures_before=0.2,
    failures_after=0.1,
    steps_per_second=400.0,
    model_hash="a",
    settings_sha="b",
)
ROWS = [
    ROW,
    replace(ROW, seed=1, failing_steps=140),
    replace(ROW, preset="paper", failing_steps=20, return_after=220.0),
    replace(ROW, preset="paper", seed=1, failing_steps=40, return_after=230.0),
]


def test_a_summary_is_the_mean_over_seeds():
    found = summaries(ROWS)["FrankaDisturbedPush"]
    base = found[Preset.UNI_O4]
    assert (base.failing_steps, base.seeds, base.after_sd) == (120.0, 2, 30.0)
    assert base.failing_steps_sd == pytest.approx(28.284, abs=1e-3)  # sample deviation of 100 and 140
    assert reduction(found) == 0.75
    assert found[Preset.PAPER].gain == pytest.approx(0.125)


def test_nothing_is_reduced_from_nothing():
    found = summaries([replace(ROW, failing_steps=0), replace(ROW, preset="paper", failing_steps=0)])
    assert reduction(found["FrankaDisturbedPush"]) is None
    assert reduction(summaries(ROWS[:2])["FrankaDisturbedPush"]) is None


def test_the_papers_numbers_are_those_of_figure_7():
    """Mean reduction 73.1 %, mean gain of FARL 11.3 %: as the abstract states them."""
    cuts = [
        1 - published()[t, Preset.PAPER]["failing_steps"] / published()[t, Preset.UNI_O4]["failing_steps"]
        for t in TASKS
    ]
    gains = [
        published()[t, Preset.PAPER]["return_after"] / published()[t, Preset.PAPER]["return_before"] - 1
        for t in TASKS
    ]
    assert sum(cuts) / 3 == pytest.approx(0.731, abs=0.001)
    assert sum(gains) / 3 == pytest.approx(0.113, abs=0.001)


def test_the_page_says_what_was_met_and_what_was_missed(tmp_path):
    page = markdown(summaries(ROWS), "the command")
    assert "| FrankaDisturbedPush | 120 ± 28 | 30 ± 14 | −75.0% | 1,524 | 322 | −78.9% |" in page  # noqa: RUF001
    assert "met: failing state-action pairs avoided, mean over tasks: 75.0% (the paper: 73.1%)" in page
    worse = markdown(summaries([*ROWS[:2], replace(ROW, preset="paper", failing_steps=90)]), "the command")
    assert "**missed**: failing state-action pairs avoided" in worse
    draw(summaries(ROWS), tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5_000
