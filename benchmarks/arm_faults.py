"""What the controller does about each fault of the arm: unmodified franky against the server of tests/fci.

    .venv/bin/python -m benchmarks.arm_faults                # every fault, every motion, 5 times each
    .venv/bin/python -m benchmarks.arm_faults --motion pose --repeats 3

The arm is driven at 0.15 m/s through the node, in real time, 5 decisions a second; a fault is done to it;
when did it stand, and when did the graph know? Writes benchmarks/results/arm_faults.csv (every run; those of
other motions are kept) and .md. What is in the columns `most` alone is the machine's.
"""

from __future__ import annotations

import csv
import math
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from farl_ros.arm.franky_options import MotionMode
from farl_ros.provenance import versions
from tests.farl_ros.arm.faults import PACE, Fault, Outcome, befall
from tests.farl_ros.arm.metronome import LATE, TRIES, when_punctual

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"
COLUMNS = (
    "motion",
    "fault",
    "at_rest_ms",
    "noticed_ms",
    "by_itself",
    "cleared_s",
    "moves_again",
    "pace",
    "recorded",
)
Row = dict[str, str]


def row_of(motion: MotionMode, fault: Fault, outcome: Outcome) -> Row:
    """One run."""
    values = (
        motion.value,
        fault.value,
        f"{1e3 * outcome.at_rest:.1f}",
        f"{1e3 * outcome.noticed:.1f}",
        str(outcome.by_itself),
        f"{outcome.cleared:.2f}",
        str(outcome.moves_again),
        f"{outcome.pace:.3f}",
        outcome.recorded.partition(":")[0],
    )
    return dict(zip(COLUMNS, values, strict=True))


def summary(rows: Sequence[Row]) -> list[str]:
    """The matrix as Markdown: median and largest of each fault's runs."""
    lines = [
        "| motion | fault | runs | at rest, p50 | most | noticed, p50 | most | recorded | cleared |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for motion, fault in dict.fromkeys((row["motion"], row["fault"]) for row in rows):
        runs = [row for row in rows if (row["motion"], row["fault"]) == (motion, fault)]
        rest, noticed = spread(runs, "at_rest_ms"), spread(runs, "noticed_ms")
        cleared = "by itself" if all(row["by_itself"] == "True" for row in runs) else "by a person"
        recorded = ", ".join(sorted({row["recorded"] for row in runs}))
        lines.append(f"| {motion} | {fault} | {len(runs)} | {rest} | {noticed} | {recorded} | {cleared} |")
    return lines


def spread(runs: Sequence[Row], column: str) -> str:
    """Median and largest of a column in milliseconds, as two cells."""
    values = [float(run[column]) for run in runs if not math.isnan(float(run[column]))]
    return f"{statistics.median(values):.0f} ms | {max(values):.0f} ms" if values else "- | -"


def kept(motions: Sequence[MotionMode]) -> list[Row]:
    """What the table has of other motions."""
    path = RESULTS / "arm_faults.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["motion"] not in motions]


def main(
    motion: Annotated[list[MotionMode] | None, typer.Option(help="Only this one; can be repeated.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each fault.")] = 5,
) -> None:
    """Do every fault to the arm, and write when it stood and when that was known."""
    motions, console = motion or list(MotionMode), Console()
    rows = kept(motions)
    for one in motions:
        for fault in Fault:
            if fault == Fault.STOP and one == MotionMode.POSE:
                continue  # a motion that is waited for has ended before anybody can stop it
            outcomes = [when_punctual(partial(befall, fault, one)) for _ in range(repeats)]
            if None in outcomes:
                raise typer.Exit(too_busy(console))
            rows += [row_of(one, fault, outcome) for outcome in outcomes if outcome is not None]
            console.print(f"{one}: {fault}", highlight=False)
    order = {name: place for place, name in enumerate(MotionMode)}
    write(sorted(rows, key=lambda row: order[MotionMode(row["motion"])]), console)


def too_busy(console: Console) -> int:
    """Say that nothing can be measured on this machine now; the exit code."""
    said = (
        f"{TRIES} times a process waited longer than {LATE:g} s for its turn, or the emulated arm ran below "
        f"{PACE:.0%} of real time: the machine is too busy"
    )
    console.print(said, style="red")
    return 1


def write(rows: Sequence[Row], console: Console) -> None:
    """Write CSV and Markdown, with what is needed to repeat it."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / "arm_faults.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    told = ", ".join(f"{name} {version}" for name, version in versions().items())
    command = " ".join(["python -m benchmarks.arm_faults", *sys.argv[1:]])
    text = "\n".join(
        [
            "# Faults of the arm",
            "",
            "From the fault (without a decision: from when it was due) until the end-effector stood, and",
            "until an `arm_state` told of it; 5 decisions a second, 0.15 m/s. How long a robot that stops",
            "itself brakes is an assumption of the emulator. When it stood is told by the arm's own clock.",
            "Runs on a machine that was too busy (`tests/farl_ros/arm/metronome.py`) were done again.",
            "",
            *summary(rows),
            "",
            f"Last: `{command}`; {os.cpu_count()} cores, {platform.machine()}; {told}.",
            "",
        ]
    )
    (RESULTS / "arm_faults.md").write_text(text)
    console.print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
