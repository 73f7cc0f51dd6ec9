"""The live view: a bar per running cell on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from benchmarks.protocol.cells import run_folder
from benchmarks.protocol.pool import Phase
from benchmarks.protocol.pool import Progress as CellProgress
from benchmarks.protocol.sizes import Cell, Size
from farl_ros.run_metrics import EPISODES


class Tail:
    """Steps and failures of a run, read from its growing metrics: each byte once.

    Attributes:
        steps: Agent steps so far.
        failures: Failing episodes so far.
    """

    def __init__(self, metrics: Path) -> None:
        """Follow a CSV file that need not be there yet."""
        self._path = metrics
        self._restart()

    def read(self) -> None:
        """Take in the rows that have come; a file that has become shorter (a resumed run) is read again."""
        try:
            if self._path.stat().st_size < self._at:
                self._restart()
            with self._path.open() as file:
                file.seek(self._at)
                new = file.read()
        except FileNotFoundError:
            self._restart()
            return
        whole = new[: new.rfind("\n") + 1]
        self._at += len(whole.encode())
        rows = [line.split(",") for line in whole.splitlines()]
        if rows and not self._columns:
            self._columns = rows.pop(0)
        if rows:
            steps, failed = self._columns.index("steps"), self._columns.index("failed")
            self.steps = int(rows[-1][steps])
            self.failures += sum(row[failed] == "1" for row in rows)

    def _restart(self) -> None:
        self._at, self._columns = 0, list[str]()
        self.steps = self.failures = 0


class CellsView:
    """Shows cells on their way; a context manager."""

    def __init__(self, size: Size, console: Console) -> None:
        """Prepare; nothing is drawn yet."""
        self._size, self._console = size, console
        self._tails: dict[Cell, Tail] = {}
        self._told: dict[Cell, int] = {}
        self._tenths: dict[Cell, int] = {}
        self._bars: dict[Cell, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=10),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} steps"),
            TextColumn("[red]{task.fields[failures]} failing"),
            TimeRemainingColumn(compact=True),
            console=console,
        )

    def __enter__(self) -> Self:
        """Start drawing."""
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing."""
        if self._console.is_terminal:
            self._progress.stop()

    def show(self, cells: Sequence[CellProgress]) -> None:
        """Draw the cells as they are now."""
        for cell in cells:
            self._tell_news(cell)
            if cell.phase == Phase.RUNNING:
                self._draw(cell)
            elif cell.cell in self._bars:
                self._progress.remove_task(self._bars.pop(cell.cell))

    def _tell_news(self, cell: CellProgress) -> None:
        """Print what has been said and not been printed yet, the end of the cell last."""
        ended = [] if cell.phase in (Phase.WAITING, Phase.RUNNING) else [cell.phase.value]
        news = [*cell.said, *ended]
        for line in news[self._told.get(cell.cell, 0) :]:
            self._print(cell.cell, line)
        self._told[cell.cell] = len(news)

    def _draw(self, cell: CellProgress) -> None:
        path = run_folder(self._size, cell.cell) / "metrics" / EPISODES
        tail = self._tails.setdefault(cell.cell, Tail(path))
        tail.read()
        steps = min(tail.steps, self._size.steps)
        if self._console.is_terminal:
            if cell.cell not in self._bars:
                bar = self._progress.add_task(cell.cell.name, total=self._size.steps, failures=0)
                self._bars[cell.cell] = bar
            self._progress.update(self._bars[cell.cell], completed=steps, failures=tail.failures)
        elif (tenth := 10 * steps // self._size.steps) != self._tenths.get(cell.cell, 0):
            self._tenths[cell.cell] = tenth
            self._print(cell.cell, f"{steps}/{self._size.steps} steps, {tail.failures} failing episodes")

    def _print(self, cell: Cell, line: str) -> None:
        self._console.print(f"{cell.name}: {line}", highlight=False, soft_wrap=True)
