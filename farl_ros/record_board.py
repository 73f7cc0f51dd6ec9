"""The live view of a recording session: what there is against what is wanted, and what is happening."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from farl_ros.teleop.keyboard import HELP

COLOURS = {"idle": "cyan", "starting": "yellow", "running": "bold green", "ending": "yellow"}


def picture(status: Mapping[str, Any], device: str, device_is_there: bool) -> RenderableType:
    """One picture of a session.

    Args:
        status: What the session publishes in ``~/status``.
        device: What the input device says of itself.
        device_is_there: Whether it is connected.
    """
    counts = Table.grid(padding=(0, 2))
    for kind, count in status["counts"].items():
        wanted = status["target"] if kind == status["kind"] and status["target"] else None
        name = Text(kind, style="bold" if kind == status["kind"] else "dim")
        bar = "" if wanted is None else ProgressBar(total=wanted, completed=min(count, wanted), width=30)
        counts.add_row(name, bar, f"{count}" if wanted is None else f"{count}/{wanted}")
    now = Table.grid(padding=(0, 2))
    phase = Text(status["phase"], style=COLOURS[status["phase"]])
    if status["episode"] is not None:
        phase.append(f"  episode {status['episode']}, step {status['steps']}, return {status['return']:.1f}")
    if status["failed"]:
        phase.append("  FAILURE", style="bold red")
    now.add_row("[dim]now", phase)
    now.add_row("[dim]device", Text(device, style="" if device_is_there else "bold red"))
    now.add_row("[dim]last bag", status["last"] or "-")
    if status["dropped"]:
        now.add_row("[dim]dropped", Text(f"{status['dropped']} messages", style="bold red"))
    now.add_row("[dim]said", Text(status["said"]))
    return Group(counts, now, Text(HELP, style="dim"))


class RecordBoard:
    """Shows a session; on something else than a terminal it prints what the session says, once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4)
        self._device, self._there = "not seen yet", False
        self._status: Mapping[str, Any] | None = None
        self._printed = ""

    def __enter__(self) -> Self:
        """Start drawing."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing; the last picture stays."""
        if self._console.is_terminal:
            self._live.stop()

    @property
    def status(self) -> Mapping[str, Any] | None:
        """What the session said last; None before it has."""
        return self._status

    def take_status(self, text: str) -> None:
        """Take a message of ``session/status``."""
        self._status = json.loads(text)
        self._draw()

    def take_device(self, message: str, is_there: bool) -> None:
        """Take what the input device says of itself."""
        self._device, self._there = message, is_there
        self._draw()

    def _draw(self) -> None:
        if self._status is None:
            return
        if self._console.is_terminal:
            self._live.update(picture(self._status, self._device, self._there))
        elif self._status["said"] != self._printed:
            self._printed = self._status["said"]
            self._console.print(self._printed, markup=False, highlight=False)
