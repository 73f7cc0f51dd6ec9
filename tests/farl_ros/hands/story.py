"""What happened, in order: one row for each thing that was done."""

from __future__ import annotations

import csv
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from farl_ros.provenance import versions

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Row:
    """One thing that was done: what, how it ended, how long it took [s]."""

    what: str
    came_of_it: str
    seconds: float


@dataclass
class Story:
    """What happened so far.

    Attributes:
        out: Folder of everything.
        rows: In order.
        plots: Name of a result file and its SVG.
    """

    out: Path
    rows: list[Row] = field(default_factory=list)
    plots: dict[str, str] = field(default_factory=dict)
    _since: float = field(default_factory=time.monotonic)

    def tell(self, what: str, came_of_it: str) -> None:
        """Add a row; its time counts from the last one."""
        now = time.monotonic()
        self.rows.append(Row(what, came_of_it, now - self._since))
        self._since = now
        print(f"[{self.rows[-1].seconds:5.1f} s] {what}: {came_of_it}", flush=True)

    def farl(self, *arguments: str | Path, code: int = 0) -> str:
        """Run ``farl`` in the story's folder; returns what it printed, lines unwrapped.

        Raises:
            RuntimeError: It ended with another exit code.
        """
        command = [sys.executable, "-m", "farl_ros.cli", *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "1000", "TERM": "dumb"}
        ended = subprocess.run(command, cwd=self.out, env=environment, capture_output=True, text=True)
        if ended.returncode != code:
            raise RuntimeError(f"farl {arguments}: code {ended.returncode}\n{ended.stdout}\n{ended.stderr}")
        return ended.stdout

    def write(self, folder: Path, command: str) -> None:
        """Write CSV, Markdown and the plots, with what is needed to repeat it."""
        with (folder / "by_hand.csv").open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("what", "came_of_it", "seconds"))
            writer.writerows((row.what, row.came_of_it, f"{row.seconds:.1f}") for row in self.rows)
        told = ", ".join(f"{name} {version}" for name, version in versions().items())
        lines = [
            "# Demonstrations by hand, from device to shield",
            "",
            "| | came of it | s |",
            "|---|---|--:|",
        ]
        lines += [f"| {row.what} | {row.came_of_it} | {row.seconds:.0f} |" for row in self.rows]
        lines += [f"\n![Divergence of the replay]({name})" for name in self.plots]
        lines += ["", f"`{command}`; {os.cpu_count()} cores, {platform.machine()}; {told}."]
        (folder / "by_hand.md").write_text("\n".join(lines) + "\n")
        for name, svg in self.plots.items():
            (folder / name).write_text(svg)
