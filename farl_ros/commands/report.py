"""``farl report``: write the HTML report of a run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from farl_ros.commands.common import JsonOption, console, write_figures
from farl_ros.report import write_report
from farl_ros.run import RunFolder


def report(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    json: JsonOption = None,
) -> None:
    """Write the report of a run, finished or not, from its metrics.

    Example: farl report runs/2026-11-21-BoundedPush-paper-s0
    """
    path = write_report(run)
    figures = RunFolder.open(run).summary()
    console.print(f"report: {path}")
    write_figures(json, figures)
