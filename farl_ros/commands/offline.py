"""``farl offline``: demonstrations to models."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

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
from farl_ros.offline import STAGES, offline_from_bags
from farl_ros.quality_report import REPORT, save_offline


def offline(
    task: TaskArgument,
    bags: Annotated[Path, typer.Option(help="Folder with the demonstration bags, of all three kinds.")],
    out: Annotated[
        Path, typer.Option(help="Run folder; the models go into OUT/models, with a report beside.")
    ],
    seed: SeedOption = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Train without the bad bags and with the suspicious ones.")
    ] = False,
    json: JsonOption = None,
) -> None:
    """Train task policy, recovery policy, value and world model, and choose the threshold.

    Stopped at any moment, the same command goes on after the last finished stage, to the same models.

    Example: farl offline BoundedPush --bags demos --out runs/offline
    """
    spec = load(task)
    try:
        with stage_progress() as progress:
            bundle, folder = offline_from_bags(spec, bags, seed, progress, console.print, force, out)
    except KeyboardInterrupt:
        console.print(
            f"stopped before the models were whole; finished stages are kept in {out / STAGES}: the same "
            "command goes on after them, to the same models"
        )
        sys.exit(INTERRUPTED)
    models = out / "models"
    choice = save_offline(spec, bundle, folder.demos, sys.argv, out).choice
    figures, low, high = choice.figures, choice.caught_interval.low, choice.caught_interval.high
    console.print(
        f"models in {models}, report in {out / REPORT}; on {choice.failing} held-out failures: "
        f"{figures.caught:.0%} foretold {figures.lead} steps ahead (95 % interval {low:.0%}-{high:.0%}), "
        f"false alarms {figures.false_alarms:.1%}; H {choice.horizon}, discount {choice.gamma:g}, "
        f"threshold {choice.threshold:g}"
    )
    if not choice.fits:
        console.print(
            "[bold red]warning:[/] this shield will hardly help: nothing tells held-out failures from the "
            "rest; record more failures, or let it look further ahead (shield.horizon in the task's file)"
        )
    write_figures(
        json,
        {
            "models": str(models),
            **asdict(figures),
            "fits": choice.fits,
            "horizon": choice.horizon,
            "gamma": choice.gamma,
            "rejected_bags": len(folder.rejected),
        },
    )
