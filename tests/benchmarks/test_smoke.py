"""The protocol for real, as small as it gets: processes, judgement, theorem, tables and report."""

from threading import Event

import pytest

from benchmarks.protocol import report
from benchmarks.protocol.cells import CellMaker
from benchmarks.protocol.pool import Phase, make_all
from benchmarks.protocol.report import write_results
from benchmarks.protocol.sizes import SIZES, Size
from benchmarks.protocol.store import Store
from farl.presets import Preset
from tests.benchmarks.test_pool import Quiet


@pytest.mark.slow
def test_the_disc_table_from_the_shipped_models_to_the_report(size: Size, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(report, "PICTURE", tmp_path / "picture.png")
    smoke, stop = SIZES["smoke"].only(["DiscTable"], (), ()), Event()
    store = Store(smoke)
    assert store.runs.path.is_relative_to(tmp_path)
    made = make_all(smoke.cells(), CellMaker(smoke, store, stop).make, 2, stop, Quiet())
    assert [(p.phase, p.error) for p in made] == [(Phase.DONE, "")] * 2
    unshielded, shielded = store.runs.rows()
    assert (unshielded.recovery_share, shielded.recovery_share > 0.0) == (0.0, True)
    assert unshielded.initial_return == shielded.initial_return
    assert unshielded.expert_return > unshielded.initial_return
    for row in (unshielded, shielded):
        assert row.steps >= smoke.steps
        assert row.final_return_no_penalty == row.final_return  # a task without a penalty
    assert {row.cell.preset for row in store.theorem.rows()} == set(Preset)
    assert [path.suffix for path in write_results(smoke, store)] == [".html", ".md"]
    again = make_all(smoke.cells(), CellMaker(smoke, store, stop).make, 2, stop, Quiet())
    assert {progress.phase for progress in again} == {Phase.SKIPPED}
