"""The live view of a fine-tuning run: a progress bar and the figures that matter."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from farl.finetuning import Limit

_ROWS = (
    ("return", "mean_return", "{:.1f}"),
    ("success", "success_rate", "{:.0%}"),
    ("failing episodes", "failures", "{:d}"),
    ("failure rate", "failure_rate", "{:.1%}"),
    ("interventions", "interventions", "{:d}"),
    ("recovery steps", "recovery_share", "{:.1%}"),
    ("shield p50", "shield_ms_p50", "{:.2f} ms"),
    ("speed", "steps_per_second", "{:.0f} steps/s"),
)


_PERIOD = 0.25
"""Seconds between two pictures: summing up a long run costs more than drawing it."""


class FinetuneView:
    """Shows a run while it runs; on something else than a terminal it prints a line now and then."""

    def __init__(
        self, title: str, limit: Limit, console: Console, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console, self._clock = console, clock
        self._shown = -_PERIOD
        self._newest: tuple[Callable[[], Mapping[str, Any]], int] | None = None
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=36),
            TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[unit]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        by_steps = limit.steps is not None
        total = limit.steps if limit.steps is not None else limit.episodes
        self._bar = self._progress.add_task(title, total=total, unit="steps" if by_steps else "episodes")
        self._key = "steps" if by_steps else "episodes"
        self._live = Live(self._progress, console=console, refresh_per_second=4)
        self._told = -1

    def __enter__(self) -> Self:
        """Start drawing."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw the figures at the end, which stay, and stop drawing."""
        if self._newest is not None:
            summary, policy_version = self._newest
            self._draw(summary(), policy_version)
        if self._console.is_terminal:
            self._live.stop()

    def show(self, summary: Callable[[], Mapping[str, Any]], policy_version: int) -> None:
        """Draw the figures of the run so far, if the last picture is a moment old.

        Args:
            summary: Gives the figures, as in ``--json``.
            policy_version: Number of updates so far.
        """
        self._newest = summary, policy_version
        now = self._clock()
        if now - self._shown >= _PERIOD:
            self._shown = now
            self._draw(summary(), policy_version)

    def _draw(self, figures: Mapping[str, Any], policy_version: int) -> None:
        done = float(figures[self._key])
        if self._console.is_terminal:
            self._progress.update(self._bar, completed=done)
            table = Table.grid(padding=(0, 2))
            for label, key, form in _ROWS:
                value = figures[key]
                table.add_row(f"[dim]{label}", "-" if value is None else form.format(value))
            table.add_row("[dim]policy version", str(policy_version))
            self._live.update(Group(self._progress, table))
            return
        total = self._progress.tasks[0].total or 1.0
        tenth = int(10 * done / total)
        if tenth != self._told:
            self._told = tenth
            self._console.print(
                f"{self._key} {done:.0f}/{total:.0f}  return {figures['mean_return']:.1f}  "
                f"failing {figures['failures']}  interventions {figures['interventions']}  "
                f"{figures['steps_per_second']:.0f} steps/s"
            )
