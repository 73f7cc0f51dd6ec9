"""What the subcommands share: options, errors that end in one clear sentence, figures as JSON."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from farl.files import write_json
from farl_ros.paths import share_folder
from farl_ros.task_spec import TaskSpec, load_task

console = Console()
INTERRUPTED = 130
"""Exit code after Ctrl-C."""

TaskArgument = Annotated[str, typer.Argument(help="Task name (see `farl tasks`) or a task YAML file.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]
JsonOption = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
ModelsOption = Annotated[Path | None, typer.Option(help="Folder of models; the shipped ones by default.")]


class UsageError(ValueError):
    """The command cannot be carried out as it was given; the message is one clear sentence."""


def one_thread() -> None:
    """Let PyTorch and BLAS use one thread: two collapse as soon as another process wants the core."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)


def models_folder(spec: TaskSpec, given: Path | None) -> Path:
    """The folder that was given, or the one shipped for the task.

    Raises:
        UsageError: There is none.
    """
    folder = share_folder() / "models" / spec.name if given is None else given
    if not folder.is_dir():
        hint = (
            f"make some: farl offline {spec.name} --bags DIR --out RUN" if given is None else "check --models"
        )
        raise UsageError(f"no models in {folder}; {hint}")
    return folder


def write_figures(path: Path | None, figures: Mapping[str, Any]) -> None:
    """Write figures for ``--json``, if it was given."""
    if path is not None:
        write_json(path, dict(figures))


def progress_bar() -> Progress:
    """The progress bar of every long command."""
    return Progress(
        TextColumn("[bold]{task.description:<18}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


@contextmanager
def stage_progress() -> Iterator[Any]:
    """A callback ``(stage, fraction, loss)`` that draws one bar per stage."""
    with progress_bar() as bar:
        tasks: dict[str, Any] = {}

        def update(stage: str, fraction: float, loss: float) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=100, note="")
            bar.update(tasks[stage], completed=round(fraction * 100), note=f"loss {loss:.4f}")

        yield update


def load(task: str) -> TaskSpec:
    """Load a task and prepare the process for work on it."""
    one_thread()
    return load_task(task)
