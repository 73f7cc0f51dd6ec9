"""What recording costs: one core's share at 30 Hz, with and without pictures of 640x480.

    .venv/bin/python -m benchmarks.recording              # 10 s each
    .venv/bin/python -m benchmarks.recording --seconds 30

A second process publishes what a graph does (state, proposal, decision, transition, arm state; pictures) over
DDS; this one records it as `session` does, synced to the disk every second. CPU time is counted, not the
time on the wall: other work on the machine changes little. Writes benchmarks/results/recording.csv
and .md.
"""

from __future__ import annotations

import csv
import os
import platform
from pathlib import Path
from typing import Annotated

import typer

from farl_ros.provenance import versions
from tests.farl_ros.recording_load import QUALITY, Row, measure, on_this_machine

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"
GOAL = 30.0


def write(rows: list[Row], seconds: float, load: float) -> None:
    """Write CSV and Markdown, with what is needed to repeat it."""
    RESULTS.mkdir(exist_ok=True)
    names = ("what", "cpu_percent_of_a_core", "messages", "lost", "megabytes_per_minute", "goal_percent")
    with (RESULTS / "recording.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            size = f"{row.megabytes_per_minute:.1f}"
            writer.writerow([row.what, f"{row.cpu_percent:.1f}", row.messages, row.dropped, size, GOAL])
    lines = ["# Recording", "", "| recorded | CPU, of one core | goal | messages | lost | disk |"]
    lines += ["|---|---|---|---|---|---|"]
    lines += [
        f"| {row.what} | {row.cpu_percent:.1f} % | < {GOAL:.0f} % | {row.messages} | {row.dropped} | "
        f"{row.megabytes_per_minute:.0f} MB/min |"
        for row in rows
    ]
    told = ", ".join(f"{name} {version}" for name, version in versions().items())
    lines += [
        "",
        f"`python -m benchmarks.recording --seconds {seconds:g}`; JPEG of quality {QUALITY}; "
        f"{os.cpu_count()} cores, {platform.machine()}, load {load:.1f} before; "
        f"CPU time of the recording process, DDS included; {told}.",
    ]
    text = "\n".join(lines) + "\n"
    (RESULTS / "recording.md").write_text(text)
    print(text)


def main(
    seconds: Annotated[float, typer.Option(min=1.0, help="Length of each recording [s].")] = 10.0,
) -> None:
    """Record without and with pictures, and write what it cost."""
    on_this_machine()
    load = os.getloadavg()[0]
    write([measure(seconds, shown) for shown in (False, True)], seconds, load)


if __name__ == "__main__":
    typer.run(main)
