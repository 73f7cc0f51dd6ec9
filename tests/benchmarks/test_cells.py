"""When a cell is skipped, begun, gone on with or made again; what is kept of attempts that ended badly."""

import fcntl
import threading
from dataclasses import replace
from threading import Event

import pytest

from benchmarks.protocol.cells import CellError, CellMaker, Stopped, run_folder
from benchmarks.protocol.sizes import Cell, Size
from benchmarks.protocol.store import Store
from farl.files import read_json
from farl.presets import Preset
from tests.benchmarks.conftest import FakeWatch, begin_run, identity, judgement, run_row

CELL = Cell("BoundedPush", Preset.PAPER, 0)


def maker(size: Size, watch: FakeWatch, stop: Event | None = None, **now: object) -> CellMaker:
    return CellMaker(
        size, Store(size), Event() if stop is None else stop, watch, lambda size, cell: identity(**now)
    )


def test_a_new_cell_is_run_and_judged_and_gets_its_row(size: Size) -> None:
    watch, said = FakeWatch(), []
    assert maker(size, watch).make(CELL, said.append)
    assert said == ["running", "judging"]
    (command,) = watch.finetunes()
    asked = ["BoundedPush", "--preset", "paper", "--seed", "0", "--steps", "1000", "--direct", "--envs", "8"]
    assert command[4:14] == asked
    assert "--resume" not in command
    assert Store(size).runs.rows() == [run_row(CELL, cpu_s=2.0, max_rss_mb=300.0)]
    assert len(Store(size).curves.of(CELL)) == 101
    assert "farl_ros.cli finetune" in Store(size).sources()[CELL.name]["command"]


def test_a_cell_with_a_row_of_the_same_models_task_and_settings_is_skipped(size: Size) -> None:
    Store(size).put(CELL, judgement(CELL), ["python"])
    watch = FakeWatch()
    assert not maker(size, watch).make(CELL, lambda said: None)
    assert watch.commands == []


def test_a_run_that_was_killed_is_resumed(size: Size) -> None:
    begin_run(run_folder(size, CELL))
    watch, said = FakeWatch(), []
    maker(size, watch).make(CELL, said.append)
    assert said == ["resuming", "judging"]
    assert "--resume" in watch.finetunes()[0]


def test_a_run_without_a_row_of_other_models_is_set_aside(size: Size) -> None:
    folder = run_folder(size, CELL)
    begin_run(folder, {"made with": "others"})
    watch, said = FakeWatch(), []
    maker(size, watch).make(CELL, said.append)
    assert "--resume" not in watch.finetunes()[0]
    kept = folder.with_name(f"{folder.name}.stale-1")
    assert read_json(kept / "settings.json") == {"made with": "others"}
    assert any(kept.name in line for line in said)


def test_a_folder_that_was_cut_off_before_its_settings_is_set_aside(size: Size) -> None:
    run_folder(size, CELL).mkdir(parents=True)
    watch = FakeWatch()
    maker(size, watch).make(CELL, lambda said: None)
    assert "--resume" not in watch.finetunes()[0]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"model_hash": "older"}, "another world model"),
        ({"task_sha": "older"}, "another task"),
        ({"settings_sha": "older"}, "other models or settings"),
    ],
)
def test_a_stale_row_is_said_and_made_again_in_a_fresh_folder(size: Size, changed, told) -> None:
    Store(size).put(CELL, judgement(CELL, failures=99, **changed), ["python"])
    begin_run(run_folder(size, CELL), {"made with": "others"})
    watch, said = FakeWatch(), []
    assert maker(size, watch).make(CELL, said.append)
    assert any("stale" in line and told in line for line in said)
    assert "--resume" not in watch.finetunes()[0]
    (row,) = Store(size).runs.rows()
    assert row.failures == 2
    assert (row.model_hash, row.task_sha, row.settings_sha) == ("m", "t", "s")


def test_a_failure_shows_the_end_of_the_log_and_leaves_no_row(size: Size) -> None:
    with pytest.raises(CellError, match="code 1") as caught:
        maker(size, FakeWatch(failing=["finetune"])).make(CELL, lambda said: None)
    assert "line 29" in str(caught.value)
    assert "line 3\n" not in str(caught.value)
    assert Store(size).runs.rows() == []


def test_a_run_whose_judgement_failed_is_not_run_from_the_start(size: Size) -> None:
    with pytest.raises(CellError):
        maker(size, FakeWatch(failing=["benchmarks.protocol.judge"])).make(CELL, lambda said: None)
    watch = FakeWatch()
    maker(size, watch).make(CELL, lambda said: None)
    assert "--resume" in watch.finetunes()[0]


def test_processor_time_is_that_of_all_attempts(size: Size) -> None:
    stop, watch = Event(), FakeWatch()
    watch.before = stop.set
    with pytest.raises(Stopped):
        maker(size, watch, stop).make(CELL, lambda said: None)
    assert Store(size).runs.rows() == []
    maker(size, FakeWatch()).make(CELL, lambda said: None)
    (row,) = Store(size).runs.rows()
    assert (row.cpu_s, row.max_rss_mb) == (4.0, 300.0)


def test_processor_time_is_not_known_where_an_attempt_outlived_its_benchmark(size: Size) -> None:
    begin_run(run_folder(size, CELL))  # nobody noted what this took
    maker(size, FakeWatch()).make(CELL, lambda said: None)
    (row,) = Store(size).runs.rows()
    assert (row.cpu_s, row.max_rss_mb) == (None, None)


def test_a_cell_that_another_process_is_at_is_waited_for(size: Size, monkeypatch) -> None:
    monkeypatch.setattr("benchmarks.protocol.cells._POLL_S", 0.01)
    folder = run_folder(size, CELL)
    folder.parent.mkdir(parents=True)
    waiting, watch, said = Event(), FakeWatch(), []

    def say(line: str) -> None:
        said.append(line)
        waiting.set()

    with folder.with_name(f"{folder.name}.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        thread = threading.Thread(target=maker(size, watch).make, args=(CELL, say))
        thread.start()
        assert waiting.wait(5.0)
        assert "waiting" in said[0]
        assert watch.commands == []
        Store(size).put(CELL, judgement(CELL), ["python"])  # the other one finishes
    thread.join(5.0)
    assert watch.commands == []


def test_identity_tells_the_first_difference() -> None:
    row = run_row(CELL)
    assert identity().differs(row) == ""
    assert "world model" in identity().differs(replace(row, model_hash="x", settings_sha="x"))
