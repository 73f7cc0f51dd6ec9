"""Cells side by side: failures stay with their cell, a stop ends all, the view follows a growing run."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

from rich.console import Console

from benchmarks.protocol.attempt import watch
from benchmarks.protocol.cells import Stopped
from benchmarks.protocol.pool import Phase, Progress, make_all
from benchmarks.protocol.sizes import Cell, Size
from benchmarks.protocol.view import CellsView, Tail
from farl.presets import Preset

CELLS = [Cell("BoundedPush", preset, seed) for seed in range(3) for preset in Preset]


class Quiet:
    def show(self, cells) -> None: ...


def test_a_failed_cell_leaves_the_others_alone() -> None:
    def make(cell: Cell, say: Callable[[str], None]) -> bool:
        if cell.seed == 1:
            raise ValueError(f"{cell.name} is broken")
        return cell.seed == 0

    made = make_all(CELLS, make, 2, Event(), Quiet())
    expected = {0: Phase.DONE, 1: Phase.FAILED, 2: Phase.SKIPPED}
    assert [progress.phase for progress in made] == [expected[cell.seed] for cell in CELLS]
    assert "BoundedPush-paper-s1 is broken" in next(p.error for p in made if p.cell == CELLS[3])


def test_no_more_than_the_workers_run_side_by_side() -> None:
    running, most = [], []

    def make(cell: Cell, say: Callable[[str], None]) -> bool:
        running.append(cell)
        most.append(len(running))
        time.sleep(0.01)
        running.remove(cell)
        return True

    make_all(CELLS, make, 2, Event(), Quiet())
    assert max(most) <= 2


def test_ctrl_c_stops_what_runs_and_begins_nothing_more() -> None:
    stop, begun = Event(), []

    class Interrupts:
        def show(self, cells) -> None:
            if not stop.is_set() and begun:
                raise KeyboardInterrupt

    def make(cell: Cell, say: Callable[[str], None]) -> bool:
        begun.append(cell)
        assert stop.wait(5.0)
        raise Stopped

    made = make_all(CELLS, make, 2, stop, Interrupts())
    assert {progress.phase for progress in made} == {Phase.STOPPED}
    assert len(begun) == 2


def test_a_process_is_watched(tmp_path: Path) -> None:
    work = "import os; print(os.environ['OMP_NUM_THREADS']); x = bytes(200 * 2**20); sum(range(3_000_000))"
    slow = f"{work}; import time; time.sleep(0.5); raise SystemExit(3)"
    attempt = watch([sys.executable, "-c", slow], tmp_path / "log", 2, Event())
    assert attempt.code == 3
    assert (tmp_path / "log").read_text() == "1\n"
    assert 0.02 < attempt.cpu_s < 5.0
    assert 5.0 < attempt.max_rss_mb < 1000.0


def test_a_process_is_interrupted_when_the_benchmark_stops(tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    program = (
        "import signal, time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    raise SystemExit(130)"
    )
    started = time.monotonic()
    assert watch([sys.executable, "-c", program], tmp_path / "log", 2, stop).code in (130, -2)
    assert time.monotonic() - started < 30.0


def test_the_tail_reads_whole_rows_once_and_starts_again_after_a_resume(tmp_path: Path) -> None:
    metrics = tmp_path / "episodes.csv"
    tail = Tail(metrics)
    tail.read()
    assert (tail.steps, tail.failures) == (0, 0)
    metrics.write_text("episode,steps,failed\n0,100,1\n1,220,0\n2,3")
    tail.read()
    assert (tail.steps, tail.failures) == (220, 1)
    with metrics.open("a") as file:
        file.write("00,1\n")
    tail.read()
    assert (tail.steps, tail.failures) == (300, 2)
    metrics.write_text("episode,steps,failed\n0,100,1\n")
    tail.read()
    assert (tail.steps, tail.failures) == (100, 1)


def test_the_view_prints_plain_lines_without_a_terminal(size: Size) -> None:
    console = Console(record=True, force_terminal=False, width=60)
    progress = Progress(CELLS[0], Phase.RUNNING, ["running"])
    metrics = size.runs / CELLS[0].name / "metrics" / "episodes.csv"
    metrics.parent.mkdir(parents=True)
    with CellsView(size, console) as view:
        view.show([progress])
        metrics.write_text("episode,steps,failed\n0,250,1\n")
        view.show([progress])
        view.show([progress])
        progress.phase = Phase.DONE
        view.show([progress])
    assert console.export_text().splitlines() == [
        "BoundedPush-uni_o4-s0: running",
        "BoundedPush-uni_o4-s0: 250/1000 steps, 1 failing episodes",
        "BoundedPush-uni_o4-s0: done",
    ]
