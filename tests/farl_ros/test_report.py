"""The report: one file that says what happened, for whole, short, empty and unshielded runs."""

import base64
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from farl.types import ActionSource
from farl_ros import report_plots
from farl_ros.report import write_report
from farl_ros.run import RunError, RunFolder

UPDATE = {"policy_version": 1, "steps": 2048, "policy_loss": -0.01, "value_loss": 0.5, "approx_kl": 0.004}


class Page(HTMLParser):
    """Headings, text and pictures of a page, and everything that it would load."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.texts, self.headings, self.pictures, self.loads, self.tags = [], [], [], [], [], set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "data", "action"):
                self.loads.append(value)
            if tag == "img" and name == "src":
                self.pictures.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)
        if "style" not in self.open:
            self.texts.append(data.strip())

    @property
    def text(self) -> str:
        return " | ".join(text for text in self.texts if text)


def begin(path, spec, **settings) -> RunFolder:
    return RunFolder.create(path, spec, {"preset": "paper", "seed": 0, **settings}, ["farl", "finetune"])


@pytest.fixture(scope="module")
def run(tmp_path_factory, spec, record, watch) -> RunFolder:
    """30 episodes: every fifth fails, every third is saved."""
    run = begin(tmp_path_factory.mktemp("report") / "run", spec)
    for episode in range(30):
        recorded = record(20, episode, 12 if episode % 5 == 4 else None, success=episode % 2 == 0)
        run.add_episode(*watch(recorded, episode, (3, 4) if episode % 3 == 0 else ()))
        if episode % 10 == 9:
            run.add_update(UPDATE)
    run.close()
    return run


@pytest.fixture(scope="module")
def page(run) -> Page:
    return page_of(run)


def page_of(run: RunFolder) -> Page:
    return Page(write_report(run.path).read_text(encoding="utf-8"))


def test_it_is_one_file_that_loads_nothing_and_runs_nothing(run, page):
    text = (run.path / "report.html").read_text(encoding="utf-8")
    assert page.open == []
    assert page.loads
    assert all(value.startswith("data:image/svg+xml;base64,") for value in page.loads)
    assert not page.tags & {"script", "link", "iframe", "object", "embed"}
    assert not re.search(r"url\(|@import|\son\w+=", text)


def test_pictures_are_whole(page):
    pictures = [base64.b64decode(value.split(",")[1]) for value in page.pictures]
    assert len(pictures) == 8  # return, failures, shield, learner, two episodes of two
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        assert root.tag.endswith("svg")
        assert len(root.findall(".//{*}path")) > 10


def test_it_shows_the_figures_of_the_run(run, page):
    figures = run.summary()
    assert (figures["failures"], figures["interventions"]) == (6, 20)
    text = page.text
    for shown in ("| 6 | failures | 10,000 per 10⁶ steps", "20.0% | failure rate", "50.0% | success rate",
                  "| 20 | interventions", "3.33% | recovery share", "| 30 | episodes", "| 600 | agent steps",
                  f"{figures['mean_return']:,.1f} | mean return", "0.25 | shield check [ms]"):  # fmt: skip
        assert shown in text
    assert "short run" not in text


def test_it_says_how_the_run_was_made(page):
    text = page.text
    assert "DiscTable · paper" in text
    assert "farl finetune" in text
    assert f"numpy | {np.__version__}" in text
    assert "seed | 0" in text
    assert "environment: FailureBench/DiscTable-v0" in text


def test_it_shows_the_latest_saved_and_the_latest_failed_episode(page):
    assert page.headings == [
        "Return and success", "Failures", "Shield", "Learner", "Episode 27: an intervention, no failure",
        "Episode 29: a failure", "How it was made",
    ]  # fmt: skip


def test_it_is_the_same_every_time(run, page):
    before = (run.path / "report.html").read_bytes()
    assert write_report(run.path).read_bytes() == before


def test_an_empty_run_says_so(tmp_path, spec):
    page = page_of(begin(tmp_path / "run", spec))
    assert "No episode has been finished" in page.text
    assert page.pictures == []
    assert "n/a | failure rate" in page.text


@pytest.mark.parametrize("steps", [1, 2, 30])
def test_a_run_of_one_episode_is_reported(tmp_path, spec, record, watch, steps):
    run = begin(tmp_path / "run", spec)
    run.add_episode(*watch(record(steps)))
    page = page_of(run)
    assert "A short run of 1 episodes" in page.text
    assert page.headings[-2] == "Episode 0"


def test_the_last_episode_is_shown_when_nothing_else_happened(tmp_path, spec, record, watch):
    with begin(tmp_path / "run", spec) as run:
        for episode in range(3):
            run.add_episode(*watch(record(5, episode), episode))
    assert page_of(run).headings[-2] == "Episode 2: the last one"


def test_a_run_without_a_shield_has_no_shield_section(tmp_path, spec, record, watch):
    run = begin(tmp_path / "run", spec)
    transitions, _ = watch(record(10, failure_at=5))
    run.add_episode([replace(t, risk=math.nan) for t in transitions])
    page = page_of(run)
    assert "Shield" not in page.headings
    assert "no shield watched it" in page.text
    assert "n/a | shield check [ms] | no check made" in page.text


def test_what_users_wrote_is_shown_and_never_run(tmp_path, spec):
    page = page_of(begin(tmp_path / "run", spec, note="<script>alert(1)</script>"))
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.text


def test_something_else_than_a_run_is_an_error(tmp_path):
    with pytest.raises(RunError, match="not a run folder"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


class TestCurves:
    def test_a_rolling_mean_looks_back_over_its_window(self):
        values = np.arange(40, dtype=np.float64)
        rolled = report_plots._rolling(values)  # the window of so short a run is 5 episodes
        assert rolled[:3].tolist() == [0.0, 0.5, 1.0]
        assert rolled[20] == values[16:21].mean()

    def test_long_runs_are_thinned_and_keep_both_ends(self):
        shown = report_plots._thinned(20_000)
        assert len(shown) <= 800
        assert (shown[0], shown[-1]) == (0, 19_999)
        assert report_plots._thinned(3).tolist() == [0, 1, 2]


def test_a_shadow_run_says_so_and_invents_nothing(tmp_path, spec, record, watch):
    run = begin(tmp_path / "run", spec, shadow=True)
    transitions, decisions = watch(record(30), 0, (3, 4, 9))
    still = [replace(t, executed=0 * t.executed, source=ActionSource.HOLD) for t in transitions]
    run.add_episode(still, decisions)
    figures = run.summary()
    assert (figures["shadow"], figures["would_swap_steps"], figures["interventions"]) == (True, 3, 0)
    assert (figures["recovery_share"], figures["failures"]) == (0.0, 0)
    run.close()
    text = Page(write_report(run.path).read_text()).text
    assert "the arm was held still" in text
    assert "steps it would have swapped" in text and "swapped steps" not in text
    assert "the shield would have swapped" in text and "no failure" not in text
