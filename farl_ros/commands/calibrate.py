"""``farl calibrate``: a threshold that misses at most a stated share of failures."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from farl_ros.bags import read_folder
from farl_ros.calibrate import calibrate as calibrate_models
from farl_ros.calibration_file import write_calibration
from farl_ros.commands.common import JsonOption, console, load, write_figures
from farl_ros.commands.task_of_bags import TaskOption, task_of_bags
from farl_ros.offline import offline_settings
from farl_ros.task_models import load_models_for


def calibrate(
    bags: Annotated[Path, typer.Argument(help="Folder with failure demonstrations; clean ones among them.")],
    models: Annotated[Path, typer.Option(help="Folder of models; calibration.json goes into it.")],
    miss_rate: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Largest share of failures that may be missed.")
    ] = 0.05,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Only on episodes that H and discount were not chosen on.")
    ] = False,
    task: TaskOption = None,
    json: JsonOption = None,
) -> None:
    """Set the shield's threshold on held-out failures, with a guarantee; from then on it is used.

    Split conformal: of new failures like those in the bags at most the stated share is missed. Too few of
    them are refused, with the number that is needed. Without the file the model card's threshold is used.

    Example: farl calibrate demos/failure --models runs/offline/models --miss-rate 0.05
    """
    spec = load(task_of_bags(bags, task))
    bundle = load_models_for(spec, models, calibrated=False)
    folder = read_folder(bags, spec)
    for path, reason in folder.rejected:
        console.print(f"not used: {path}: {reason}")
    calibration = calibrate_models(spec, bundle, folder.demos, miss_rate, fresh, sys.argv)
    path = write_calibration(calibration, models)
    figures = calibration.figures
    console.print(
        f"threshold {calibration.threshold:g} (the model card's is {bundle.threshold:g}), set on "
        f"{calibration.conformal.failures} held-out failures: {figures.caught:.0%} of them caught in time, "
        f"{figures.false_alarms:.1%} of the steps of {calibration.clean} clean episodes flagged"
    )
    console.print(calibration.guarantee)
    budget = offline_settings(spec).false_alarm_budget
    if figures.false_alarms is not None and figures.false_alarms > budget:
        console.print(
            f"[bold red]warning:[/] that is more than the budget of {budget:.0%}: the policy will hardly act "
            "by itself; allow more misses, or make better models"
        )
    console.print(f"written to {path}", soft_wrap=True, highlight=False)
    write_figures(json, {"calibration": str(path), **asdict(calibration)})
