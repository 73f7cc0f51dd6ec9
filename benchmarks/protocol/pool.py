"""Cells side by side: one that fails leaves the others alone, and Ctrl-C stops them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import Enum
from threading import Event
from typing import Protocol

from benchmarks.protocol.cells import Stopped
from benchmarks.protocol.sizes import Cell

_PERIOD_S = 0.5


class Phase(Enum):
    """Where a cell is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "in the table already"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass
class Progress:
    """A cell on its way; written by its thread, read by the view.

    Attributes:
        cell: The cell.
        phase: Where it is.
        said: What happened so far, in a few words each.
        error: Why it failed; empty if it did not.
    """

    cell: Cell
    phase: Phase = Phase.WAITING
    said: list[str] = field(default_factory=list)
    error: str = ""


class View(Protocol):
    """Shows cells on their way."""

    def show(self, cells: Sequence[Progress]) -> None:
        """Draw them as they are now; called twice a second and at the end."""


Make = Callable[[Cell, Callable[[str], None]], bool]
"""Makes a cell, saying what it does, and returns whether there was anything to do."""


def make_all(cells: Sequence[Cell], make: Make, workers: int, stop: Event, view: View) -> list[Progress]:
    """Make cells, some side by side, until all are made or ``stop`` is set.

    A KeyboardInterrupt sets ``stop``, waits for what runs to save itself, and is not raised again.

    Args:
        cells: In the order in which they are begun.
        make: Makes one; whatever it raises is that cell's failure.
        workers: How many side by side.
        stop: Makes ``make`` raise ``Stopped`` once set.
        view: Shows them.
    """
    progress = [Progress(cell) for cell in cells]
    with ThreadPoolExecutor(workers) as pool:
        pending = {pool.submit(_follow, make, stop, p) for p in progress}
        while pending:
            try:
                pending = wait(pending, timeout=_PERIOD_S).not_done
                view.show(progress)
            except KeyboardInterrupt:
                stop.set()
    return progress


def _follow(make: Make, stop: Event, progress: Progress) -> None:
    if stop.is_set():
        progress.phase = Phase.STOPPED
        return
    progress.phase = Phase.RUNNING
    try:
        progress.phase = Phase.DONE if make(progress.cell, progress.said.append) else Phase.SKIPPED
    except Stopped:
        progress.phase = Phase.STOPPED
    except Exception as error:  # whatever it is, it is this cell's alone
        progress.error = f"{type(error).__name__}: {error}"
        progress.phase = Phase.FAILED
