"""The tables of results: CSV files of typed rows that belong to cells, always whole and in one order."""

from __future__ import annotations

import csv
import fcntl
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from benchmarks.protocol.sizes import PAPER_TASKS, Cell
from farl.files import write_atomic
from farl.presets import Preset

_READ: Mapping[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "float | None": lambda text: float(text) if text else None,
    "str": str,
}


@dataclass(frozen=True)
class CellRow:
    """Every row says which cell it belongs to."""

    task: str
    preset: str
    seed: int

    @property
    def cell(self) -> Cell:
        """The cell."""
        return Cell(self.task, Preset(self.preset), self.seed)


@dataclass(frozen=True)
class RunRow(CellRow):
    """One run; rates are shares, returns undiscounted sums of reward, None is an empty field.

    Attributes:
        steps: Agent steps.
        episodes: Finished episodes.
        failures: Episodes with a failure while learning; each counts once.
        failures_per_1e6_steps: The same for a million steps.
        failure_rate: Failing episodes of all.
        success_rate: Successful episodes of all.
        initial_return: Offline policy alone, mean action, whole horizon (no success end).
        final_return: The same after fine-tuning.
        final_return_noisy: Final policy alone with its exploration noise, mean over episodes.
        final_return_no_penalty: ``final_return`` without the reward term "penalty".
        final_return_shielded: Final policy, mean action, under the shield (of either preset).
        final_failure_rate: Failing episodes of ``final_return``; 0 or 1 with one layout.
        final_failure_rate_noisy: Failing episodes of ``final_return_noisy``.
        recovery_share: Agent steps of the run in which the recovery policy acted.
        false_alarm_rate: Steps that the shield, only watching the final policy explore, would have flagged in
            episodes without a failure; None where every episode failed.
        expert_return: The scripted expert, as ``final_return``.
        wall_s: Running time of what counts in the run [s].
        cpu_s: Processor time of all attempts at the run [s]; None if one was lost sight of.
        max_rss_mb: Greatest resident memory of the run [MiB].
        model_hash: World model that it began with, SHA-256.
        task_sha: Task specification, SHA-256.
        settings_sha: All that the run is set by, also all models, SHA-256.
    """

    steps: int
    episodes: int
    failures: int
    failures_per_1e6_steps: float
    failure_rate: float
    success_rate: float
    initial_return: float
    final_return: float
    final_return_noisy: float
    final_return_no_penalty: float
    final_return_shielded: float
    final_failure_rate: float
    final_failure_rate_noisy: float
    recovery_share: float
    false_alarm_rate: float | None
    expert_return: float
    wall_s: float
    cpu_s: float | None
    max_rss_mb: float | None
    model_hash: str
    task_sha: str
    settings_sha: str


@dataclass(frozen=True)
class CurveRow(CellRow):
    """A run up to one moment: everything is counted from its start, so that any window can be taken.

    Attributes:
        steps: Agent steps of the moment.
        episodes: Finished episodes.
        failures: Of them with a failure.
        successes: Of them with success.
        reward: Sum of all rewards.
        recovery_steps: Steps in which the recovery policy acted.
    """

    steps: float
    episodes: float
    failures: float
    successes: float
    reward: float
    recovery_steps: float


Row = TypeVar("Row", bound=CellRow)


class Table(Generic[Row]):
    """A CSV file of rows; a cell's rows are replaced together, and the file is never seen half written."""

    def __init__(self, path: Path, row: type[Row], lock: Path) -> None:
        """Name a table; the file need not be there.

        Args:
            path: The CSV file.
            row: Dataclass of its rows; the fields are the columns.
            lock: File that writers of any process lock.
        """
        self.path, self._row, self._lock = path, row, lock

    def rows(self) -> list[Row]:
        """All rows.

        Raises:
            ValueError: The file has other columns.
        """
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return [self._parsed(row) for row in csv.DictReader(file)]

    def of(self, cell: Cell) -> list[Row]:
        """The rows of one cell."""
        return [row for row in self.rows() if row.cell == cell]

    def put(self, cell: Cell, rows: Sequence[Row]) -> None:
        """Replace the rows of a cell."""
        with locked(self._lock):
            kept = [row for row in self.rows() if row.cell != cell]
            merged = sorted([*kept, *rows], key=lambda row: _order(row.cell))  # stable within a cell
            write_atomic(self.path, self._csv(merged).encode())

    def _csv(self, rows: Sequence[Row]) -> str:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, [field.name for field in fields(self._row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _text(value) for name, value in asdict(row).items()} for row in rows)
        return text.getvalue()

    def _parsed(self, row: Mapping[str, str]) -> Row:
        try:
            return self._row(**{f.name: _READ[str(f.type)](row[f.name]) for f in fields(self._row)})
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{self.path}: a row cannot be read ({error!r}); another version wrote it: delete the file, "
                "and what it held is run again"
            ) from error


def _order(cell: Cell) -> tuple[int, str, int, int]:
    """The paper's tasks first, then the others by name; presets in the order of the enum; seeds."""
    task = PAPER_TASKS.index(cell.task) if cell.task in PAPER_TASKS else len(PAPER_TASKS)
    return task, cell.task, list(Preset).index(cell.preset), cell.seed


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file against writers in any process and thread."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
