"""Made-up cells, rows and runs: no test here fine-tunes anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

import pytest

from benchmarks.protocol import sizes
from benchmarks.protocol.attempt import Attempt
from benchmarks.protocol.identity import Identity
from benchmarks.protocol.judge import Judgement
from benchmarks.protocol.sizes import Cell, Size
from benchmarks.protocol.tables import CurveRow, RunRow
from benchmarks.protocol.theorem import SHOWN, TheoremRow
from farl.files import write_json
from farl.presets import Preset

SETTINGS = {"made with": "these"}


def run_row(cell: Cell, **changed: object) -> RunRow:
    figures = {
        "steps": 1000,
        "episodes": 10,
        "failures": 2,
        "failures_per_1e6_steps": 2000.0,
        "failure_rate": 0.2,
        "success_rate": 0.5,
        "initial_return": 100.0,
        "final_return": 800.0,
        "final_return_noisy": 700.0,
        "final_return_no_penalty": 810.0,
        "final_return_shielded": 790.0,
        "final_failure_rate": 0.0,
        "final_failure_rate_noisy": 0.1,
        "recovery_share": 0.0,
        "false_alarm_rate": 0.03,
        "expert_return": 1000.0,
        "wall_s": 60.0,
        "cpu_s": 50.0,
        "max_rss_mb": 500.0,
        "model_hash": "m",
        "task_sha": "t",
        "settings_sha": "s",
    }
    return RunRow(cell.task, cell.preset.value, cell.seed, **{**figures, **changed})


def judgement(cell: Cell, **changed: object) -> Judgement:
    names = (cell.task, cell.preset.value, cell.seed)
    curve = [CurveRow(*names, 10.0 * n, n / 2, n / 4, n / 8, 30.0 * n, n / 2) for n in range(101)]
    terms = [
        TheoremRow(*names, which, term, 0.5, None, 3) for which in ("initial", "final") for term in SHOWN
    ]
    return Judgement(run_row(cell, **changed), curve, terms)


def identity(settings: dict[str, str] = SETTINGS, model_hash: str = "m") -> Identity:
    return Identity(model_hash, "t", "s", settings)


class FakeWatch:
    """Runs no process: `farl` makes a run folder, the judge a judgement; or ends with an error."""

    def __init__(self, failing: Sequence[str] = ()) -> None:
        self.commands: list[list[str]] = []
        self.failing = failing
        self.before: Callable[[], None] = lambda: None

    def __call__(self, command: Sequence[str], log: Path, lock: int, stop: Event) -> Attempt:
        self.commands.append(list(command))
        self.before()
        if any(word in command for word in self.failing):
            log.write_text("".join(f"line {n}\n" for n in range(30)))
            return Attempt(1, 1.0, 100.0)
        if "finetune" in command:
            begin_run(Path(command[command.index("--out") + 1]))
            return Attempt(0, 2.0, 300.0)
        cell = Cell(command[4], Preset(command[5]), int(command[6]))
        judgement(cell, cpu_s=None, max_rss_mb=None).write(Path(command[-1]))
        return Attempt(0, 0.5, 200.0)

    def finetunes(self) -> list[list[str]]:
        return [command for command in self.commands if "finetune" in command]


def begin_run(folder: Path, settings: dict[str, str] = SETTINGS) -> None:
    """What a run folder holds after its first attempt, or one more attempt."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "settings.json", settings)
    (folder / "task.yaml").touch()
    with (folder / "command.txt").open("a") as file:
        file.write("farl finetune …\n")


@pytest.fixture
def size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Size:
    """A size whose runs and results lie in a temporary folder."""
    monkeypatch.setattr(sizes, "ROOT", tmp_path)
    return Size("tiny", ("BoundedPush", "DiscTable"), 1000, (0, 1))
