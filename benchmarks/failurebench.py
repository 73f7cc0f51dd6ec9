"""The FailureBench protocol: fewer failures from the same models and seeds, beside the paper's numbers.

    .venv/bin/python -m benchmarks.failurebench small
    .venv/bin/python -m benchmarks.failurebench full --task BoundedPush --seed 0 --workers 1
    .venv/bin/python -m benchmarks.failurebench small --report-only

A cell of the protocol is a task, a preset and a seed: one `farl finetune --direct --envs 8`, whose policy is
then judged alone, exploring and under the shield. What is in the table already is skipped; what was stopped,
by Ctrl-C or by a power cut, goes on where it was; what was made with other models, task or settings is made
again. Results: benchmarks/results/failurebench_SIZE.csv and, from it, .md and .html.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from threading import Event
from typing import Annotated

ROOT = Path(__file__).resolve().parents[1]
# This script's own name would hide the package failurebench, if its folder were searched first.
sys.path[0] = str(ROOT)

import typer  # noqa: E402
from rich.console import Console  # noqa: E402

from benchmarks.protocol.cells import CellMaker  # noqa: E402
from benchmarks.protocol.pool import Phase, make_all  # noqa: E402
from benchmarks.protocol.report import write_results  # noqa: E402
from benchmarks.protocol.sizes import SIZES  # noqa: E402
from benchmarks.protocol.store import Store  # noqa: E402
from benchmarks.protocol.view import CellsView  # noqa: E402
from farl.presets import Preset  # noqa: E402

INTERRUPTED = 130


def main(
    size: Annotated[str, typer.Argument(help=", ".join(SIZES))],
    task: Annotated[list[str] | None, typer.Option(help="Only this task; can be repeated.")] = None,
    preset: Annotated[list[Preset] | None, typer.Option(help="Only this preset; can be repeated.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Only this seed; can be repeated.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Runs side by side, a core each.")] = 2,
    report_only: Annotated[bool, typer.Option("--report-only", help="Run nothing.")] = False,
) -> None:
    """Run the protocol, or what is missing of it, and write tables and report."""
    if size not in SIZES:
        raise typer.BadParameter(f"{size!r} is none of {', '.join(SIZES)}", param_hint="SIZE")
    console, stop = Console(), Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job would ignore the first
        signal.signal(number, signal.default_int_handler)
    chosen = SIZES[size].only(task or (), preset or (), seed or ())
    store = Store(chosen)
    cells = [] if report_only else chosen.cells()
    maker = CellMaker(chosen, store, stop)
    with CellsView(chosen, console) as view:
        made = make_all(cells, maker.make, workers, stop, view)
    if stop.is_set():
        console.print("stopped, and saved; the same command goes on", style="yellow")
        raise typer.Exit(INTERRUPTED)
    for path in write_results(SIZES[size], store):
        console.print(f"written: {path.relative_to(ROOT)}", highlight=False)
    failed = [progress for progress in made if progress.phase == Phase.FAILED]
    for progress in failed:
        console.print(f"{progress.cell.name} failed", style="red")
        console.print(progress.error, markup=False, highlight=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
