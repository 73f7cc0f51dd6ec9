"""``farl offline``: demonstrations to models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from farl.models import save_models
from farl.offline import OfflineSettings
from farl_ros.commands.common import (
    INTERRUPTED,
    JsonOption,
    SeedOption,
    TaskArgument,
    console,
    load,
    stage_progress,
    write_figures,
)
from farl_ros.offline import offline_from_bags


def offline(
    task: TaskArgument,
    bags: Annotated[Path, typer.Option(help="Folder with the demonstration bags, of all three kinds.")],
    out: Annotated[Path, typer.Option(help="Run folder; the models go into OUT/models.")],
    seed: SeedOption = 0,
    json: JsonOption = None,
) -> None:
    """Train task policy, recovery policy, value and world model, and choose the threshold.

    Example: farl offline BoundedPush --bags demos --out runs/offline
    """
    spec = load(task)
    try:
        with stage_progress() as progress:
            bundle, folder = offline_from_bags(spec, bags, seed, progress, console.print)
    except KeyboardInterrupt:
        console.print(
            f"stopped before the models were whole; nothing is written to {out}, the bags are as they were"
        )
        sys.exit(INTERRUPTED)
    models = out / "models"
    save_models(bundle, models)
    quality = bundle.card["held_out"]
    console.print(
        f"models in {models}; on held-out failures: threshold {quality['threshold']:g}, "
        f"precision {quality['precision']:.2f}, recall {quality['recall']:.2f}, "
        f"false alarms {quality['false_alarms']:.1%}, "
        f"{quality['caught']:.0%} of failures foretold {quality['lead']} steps ahead"
    )
    if not quality["recall"] > 0.2 or quality["false_alarms"] > OfflineSettings.false_alarm_budget:
        console.print(
            "[bold red]warning:[/] this shield will hardly help: no threshold tells held-out failures from "
            "the rest; record more failures, or look further ahead (shield.horizon in the task's file)"
        )
    figures = {"models": str(models), **quality, "rejected_bags": len(folder.rejected)}
    write_figures(json, figures)
