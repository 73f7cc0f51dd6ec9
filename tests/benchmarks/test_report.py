"""The report from made-up tables: self-contained, complete, honest about what is missing or stale."""

import re
from html.parser import HTMLParser

import pytest

from benchmarks.protocol import report
from benchmarks.protocol.report import write_results
from benchmarks.protocol.sizes import Cell, Size
from benchmarks.protocol.store import Store
from benchmarks.protocol.theorem import TheoremRow
from benchmarks.protocol.theorem_plot import mean_over_seeds
from farl.models import ModelError
from farl.presets import Preset
from tests.benchmarks.conftest import identity, judgement


class Sources(HTMLParser):
    """Everything that a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs) -> None:
        self.tags.append(tag)
        self.found += [value for name, value in attrs if name in ("src", "href")]


@pytest.fixture
def store(size: Size, tmp_path, monkeypatch) -> Store:
    monkeypatch.setattr(report, "identity_of", lambda size, cell: identity())
    monkeypatch.setattr(report, "PICTURE", tmp_path / "docs" / "picture.png")
    made = Store(size)
    for cell in size.cells():
        failures = 4000.0 if cell.preset == Preset.UNI_O4 else 3500.0
        made.put(
            cell, judgement(cell, failures_per_1e6_steps=failures, false_alarm_rate=None), ["python", "x"]
        )
    return made


def test_the_report_is_self_contained_plain_about_a_miss_and_always_the_same(
    size: Size, store: Store
) -> None:
    html, markdown, picture = write_results(size, store)
    page = Sources()
    page.feed(html.read_text())
    assert len(page.found) == 3  # two tasks and the theorem
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.found)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert markdown.read_text().startswith("# FailureBench, tiny\n")
    assert re.search(r"MISSED</b>BoundedPush: 12\.5% fewer failures", html.read_text())
    assert "- **missed**: BoundedPush: 12.5% fewer failures" in markdown.read_text()
    before = [path.read_bytes() for path in (html, markdown, picture)]
    assert [path.read_bytes() for path in write_results(size, store)] == before


def test_rows_of_other_models_and_missing_rows_are_named(size: Size, store: Store, monkeypatch) -> None:
    def now(size: Size, cell: Cell):
        if cell.seed == 1:
            raise ModelError("no models")
        return identity(model_hash="newer" if cell.task == "DiscTable" else "m")

    monkeypatch.setattr(report, "identity_of", now)
    for drawn in ("task_plot", "theorem_plot", "draw_picture"):  # what they draw is for other tests
        monkeypatch.setattr(report, drawn, lambda *given: "<svg/>")
    text = write_results(size.only((), (), (0, 1, 2)), store)[1].read_text()
    stale = next(line for line in text.splitlines() if "Stale" in line)
    assert "DiscTable-paper-s0" in stale and "BoundedPush-paper-s1" in stale
    assert "BoundedPush-paper-s0" not in stale
    assert "BoundedPush-paper-s2" in next(line for line in text.splitlines() if "Not run yet" in line)


def test_one_preset_and_one_seed_are_enough_for_a_report(size: Size, store: Store) -> None:
    alone = size.only(["DiscTable"], [Preset.PAPER], [0])
    for path in (store.runs.path, store.curves.path, store.theorem.path):
        path.unlink()
    store.put(alone.cells()[0], judgement(alone.cells()[0]), ["python"])
    text = write_results(alone, store)[1].read_text()
    assert "One seed" in text


def test_empty_tables_make_no_report(size: Size) -> None:
    assert write_results(size, Store(size)) == []


def test_a_term_over_seeds() -> None:
    def row(seed: int, mean: float | None, error: float | None) -> TheoremRow:
        return TheoremRow("BoundedPush", "paper", seed, "final", "delta", mean, error, 3)

    asked = ("BoundedPush", Preset.PAPER, "final", "delta")
    assert mean_over_seeds([row(0, 1.0, 3.0), row(1, 3.0, 4.0)], *asked) == (2.0, 2.5)  # √(9 + 16) / 2
    assert mean_over_seeds([row(0, 1.0, None), row(1, 3.0, 4.0)], *asked) == (2.0, None)
    assert mean_over_seeds([row(0, None, None)], *asked) is None
