"""The tables: one order, whole files, typed rows; sizes and curves."""

from pathlib import Path
from threading import Thread

import pytest

from benchmarks.protocol import tables
from benchmarks.protocol.judge import POINTS, Judgement, curve_of
from benchmarks.protocol.sizes import PAPER_TASKS, SIZES, Cell, Size
from benchmarks.protocol.tables import CurveRow, RunRow, Table
from farl.presets import Preset
from farl_ros.run_records import EpisodeRecord
from tests.benchmarks.conftest import judgement, run_row

CELLS = [
    Cell("BoundedPush", Preset.UNI_O4, 0),
    Cell("BoundedPush", Preset.UNI_O4, 10),
    Cell("BoundedPush", Preset.PAPER, 2),
    Cell("ObstructedPush", Preset.PAPER, 0),
    Cell("DiscTable", Preset.UNI_O4, 0),  # not one of the paper's: after them
]


@pytest.fixture
def table(tmp_path: Path) -> Table[RunRow]:
    return Table(tmp_path / "runs.csv", RunRow, tmp_path / "lock")


def test_rows_stand_in_one_order_however_they_came(table: Table[RunRow]) -> None:
    for cell in reversed(CELLS):
        table.put(cell, [run_row(cell)])
    assert [row.cell for row in table.rows()] == CELLS
    text = table.path.read_text()
    for cell in CELLS:
        table.put(cell, [run_row(cell)])
    assert table.path.read_text() == text


def test_rows_come_back_as_they_went(table: Table[RunRow]) -> None:
    row = run_row(CELLS[0], false_alarm_rate=None, cpu_s=None, final_return=-123.456)
    table.put(CELLS[0], [row])
    assert table.rows() == [row]
    assert table.path.read_text().splitlines()[0].startswith("task,preset,seed,steps,episodes,failures,")


def test_a_cells_rows_are_replaced_together(tmp_path: Path) -> None:
    curves = Table(tmp_path / "curves.csv", CurveRow, tmp_path / "lock")
    for cell in CELLS[:2]:
        curves.put(cell, judgement(cell).curve)
    shorter = judgement(CELLS[0]).curve[:5]
    curves.put(CELLS[0], shorter)
    assert curves.of(CELLS[0]) == shorter
    assert len(curves.of(CELLS[1])) == 101


def test_a_write_that_fails_leaves_the_table_as_it_was(table: Table[RunRow], monkeypatch) -> None:
    table.put(CELLS[0], [run_row(CELLS[0])])
    before = table.path.read_bytes()

    def fail(path: Path, data: bytes) -> str:
        path.with_name("partial").write_bytes(data[:10])
        raise OSError("disk full")

    monkeypatch.setattr(tables, "write_atomic", fail)
    with pytest.raises(OSError, match="disk full"):
        table.put(CELLS[1], [run_row(CELLS[1])])
    assert table.path.read_bytes() == before


def test_writers_side_by_side_lose_no_row(tmp_path: Path) -> None:
    cells = [Cell("BoundedPush", Preset.PAPER, seed) for seed in range(12)]

    def write(cell: Cell) -> None:
        Table(tmp_path / "runs.csv", RunRow, tmp_path / "lock").put(cell, [run_row(cell)])

    threads = [Thread(target=write, args=(cell,)) for cell in cells]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.cell for row in Table(tmp_path / "runs.csv", RunRow, tmp_path / "lock").rows()] == cells


def test_a_table_of_another_version_says_what_to_do(table: Table[RunRow]) -> None:
    table.path.write_text("task,preset,seed\nBoundedPush,paper,0\n")
    with pytest.raises(ValueError, match="delete the file"):
        table.rows()


def test_a_judgement_comes_back_as_it_went(tmp_path: Path) -> None:
    made = judgement(CELLS[0])
    made.write(tmp_path / "judgement.json")
    assert Judgement.read(tmp_path / "judgement.json") == made


def test_the_sizes_are_those_of_the_protocol() -> None:
    small, full = SIZES["small"], SIZES["full"]
    assert (small.steps, small.seeds, small.tasks) == (200_000, (0,), PAPER_TASKS)
    assert (full.steps, full.seeds, len(full.cells())) == (1_000_000, (0, 1, 2), 24)
    assert not SIZES["smoke"].shipped


def test_a_size_can_be_cut_down(size: Size) -> None:
    assert size.only((), (), ()).cells() == size.cells()
    assert size.only(["DiscTable"], [Preset.PAPER], [5]).cells() == [Cell("DiscTable", Preset.PAPER, 5)]


def record(steps: int, length: int, earned: float, failed: bool, recovery: int) -> EpisodeRecord:
    nan = float("nan")
    return EpisodeRecord(
        0, steps, length, earned, failed, not failed, recovery, recovery, nan, nan, nan, nan, 0, 1.0
    )


def test_a_curve_counts_from_the_start() -> None:
    records = [record(50, 50, 100.0, True, 10), record(200, 150, 300.0, False, 0)]
    curve = curve_of(CELLS[0], records)
    assert len(curve) == POINTS + 1
    first, middle, last = curve[0], curve[25], curve[-1]  # at 0, 50 and 200 steps
    assert (first.steps, first.episodes, first.reward) == (0.0, 0.0, 0.0)
    assert (middle.steps, middle.episodes, middle.failures, middle.successes) == (50.0, 1.0, 1.0, 0.0)
    assert (last.steps, last.episodes, last.failures, last.successes) == (200.0, 2.0, 1.0, 1.0)
    assert (last.reward, last.recovery_steps) == (400.0, 10.0)
    assert curve[50].reward == pytest.approx(100.0 + 300.0 * 50 / 150)  # 100 steps: a third into the second
