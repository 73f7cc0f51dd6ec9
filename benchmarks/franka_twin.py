"""The paper's robot experiment on the simulated Panda: fifty episodes, with and without the shield.

    .venv/bin/python -m benchmarks.franka_twin
    .venv/bin/python -m benchmarks.franka_twin --task FrankaDisturbedPush --seed 0
    .venv/bin/python -m benchmarks.franka_twin --report-only

A run is one `farl finetune TASK --episodes 50` through the ROS graph, in lock-step; half a minute each. Runs
that are in the table already are skipped, those that were cut off go on. Results:
benchmarks/results/franka_twin.csv and, from it, .md and docs/images/franka_twin.png.
"""

from __future__ import annotations

import shutil
from typing import Annotated

import torch
import typer
from rich.console import Console

from benchmarks.protocol.sizes import ROOT, Cell
from benchmarks.protocol.tables import Table
from benchmarks.twin.experiment import SEEDS, TASKS, TwinRow, identity_of, judge, run
from benchmarks.twin.report import write
from farl.presets import Preset

RUNS = ROOT / "runs" / "franka_twin"
RESULTS = ROOT / "benchmarks" / "results"
PICTURE = ROOT / "docs" / "images" / "franka_twin.png"
COMMAND = "python -m benchmarks.franka_twin"


def main(
    task: Annotated[list[str] | None, typer.Option(help="Only this task; can be repeated.")] = None,
    preset: Annotated[list[Preset] | None, typer.Option(help="Only this preset; can be repeated.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Only this seed; can be repeated.")] = None,
    report_only: Annotated[bool, typer.Option("--report-only", help="Run nothing.")] = False,
) -> None:
    """Run the experiment, or what is missing of it, and write table and picture."""
    torch.set_num_threads(1)
    console = Console()
    table = Table(RESULTS / "franka_twin.csv", TwinRow, RUNS / "tables.lock")
    cells = [
        Cell(t, p, s)
        for t in task or TASKS
        for s in (SEEDS if seed is None else seed)
        for p in preset or (Preset.UNI_O4, Preset.PAPER)
    ]
    for n, cell in enumerate([] if report_only else cells, start=1):
        folder = RUNS / cell.name
        rows = table.of(cell)
        if rows and rows[0].settings_sha == identity_of(cell).settings_sha:
            console.print(f"{n}/{len(cells)} {cell.name}: in the table already", highlight=False)
            continue
        if rows:
            console.print(f"{cell.name}: its row was made with other models or settings; made again")
            shutil.rmtree(folder, ignore_errors=True)
        run(cell, folder)
        row = judge(cell, folder)
        table.put(cell, [row])
        console.print(
            f"{n}/{len(cells)} {cell.name}: {row.failing_steps} failing steps in {row.failing_episodes} "
            f"episodes, return {row.return_before:.0f} → {row.return_after:.0f}",
            highlight=False,
        )
    write(table.rows(), RESULTS / "franka_twin.md", PICTURE, COMMAND)


if __name__ == "__main__":
    typer.run(main)
