"""``farl quality``: how good models are on demonstrations that they were not trained on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from farl_ros.bags import read_folder
from farl_ros.commands.common import (
    JsonOption,
    ModelsOption,
    TaskArgument,
    console,
    load,
    models_folder,
    write_figures,
)
from farl_ros.quality import held_out, quality_on, write_quality
from farl_ros.quality_report import write_quality_report
from farl_ros.task_models import load_models_for


def quality(
    task: TaskArgument,
    bags: Annotated[Path, typer.Option(help="Folder with failure demonstrations; clean ones among them.")],
    out: Annotated[Path, typer.Option(help="Folder for quality.json and report.html.")],
    models: ModelsOption = None,
    json: JsonOption = None,
) -> None:
    """Measure world model and shield on the failure demonstrations that they were not trained on.

    Example: farl quality BoundedPush --bags demos --out runs/quality
    """
    spec = load(task)
    bundle = load_models_for(spec, models_folder(spec, models), calibrated=False)
    folder = read_folder(bags, spec)
    for path, reason in folder.rejected:
        console.print(f"not used: {path}: {reason}")
    episodes = held_out(bundle, folder.demos)
    result = quality_on(spec, bundle, episodes)
    write_quality(result, out)
    report = write_quality_report(spec, bundle.card, result, sys.argv, out)
    console.print(f"{len(episodes)} held-out episodes, {result.quality.failing} failing; report in {report}")
    write_figures(json, {"report": str(report), **result.to_json()})
