"""``farl export`` and ``farl import``: bags to and from the dataset formats of others."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from farl.types import EpisodeKind
from farl_ros.commands.common import console
from farl_ros.interchange.completed import Choices
from farl_ros.interchange.formats import Format, export_bags
from farl_ros.interchange.formats import import_dataset as import_from
from farl_ros.task_spec import load_task

FormatOption = Annotated[Format, typer.Option("--format", help="Format of the dataset.")]


class Kind(StrEnum):
    """What an episode is recorded for."""

    TASK = "task"
    RECOVERY = "recovery"
    FAILURE = "failure"
    ONLINE = "online"


def export(
    bags: Annotated[list[Path], typer.Argument(help="Bags, or folders of bags.")],
    form: FormatOption,
    out: Annotated[Path, typer.Option(help="The dataset: a folder (lerobot), or a .hdf5 file (robomimic).")],
    task: Annotated[
        str | None, typer.Option(help="Task name or YAML file; by default the first bag's.")
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Make videos of compressed pictures (lerobot).")] = True,
) -> None:
    """Write bags as a LeRobotDataset v3 or a robomimic HDF5 file; labels are applied, the bags stay.

    Examples:
      farl export demos --format lerobot --out datasets/push

      farl export demos/task demos/recovery --format robomimic --out push.hdf5
    """
    spec = None if task is None else load_task(task)
    shipment = export_bags(bags, form, out, spec, pictures, _tell)
    for path, reason in shipment.refused:
        console.print(f"not exported: {path}: {reason}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"{len(shipment.episodes)} episodes in {out}, {len(shipment.refused)} bags refused")
    if shipment.refused:
        raise typer.Exit(1)


def import_dataset(
    path: Annotated[Path, typer.Argument(help="The dataset: its folder (lerobot) or file (robomimic).")],
    form: FormatOption,
    task: Annotated[str, typer.Option(help="Task name (see `farl tasks`) or a task YAML file.")],
    out: Annotated[Path, typer.Option(help="Folder for the bags; new or empty.")],
    kind: Annotated[
        Kind | None, typer.Option(help="What a foreign dataset's episodes were recorded for.")
    ] = None,
    no_failures: Annotated[
        bool, typer.Option("--no-failures", help="No step of a foreign dataset violates the failure set.")
    ] = False,
    success: Annotated[
        bool | None, typer.Option("--success/--no-success", help="How a foreign dataset's episodes ended.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.0, help="Its frames per second, if it does not say so.")
    ] = None,
    observation: Annotated[
        str | None,
        typer.Option(
            help="What the observation is made of, in order, with commas; by default observation.state "
            "(lerobot), the task's fields (robomimic).",
            metavar="NAMES",
        ),
    ] = None,
) -> None:
    """Write a LeRobotDataset v3 or a robomimic HDF5 file as bags of a task.

    What `farl export` wrote comes back as it was; of other datasets say what they lack.

    Examples:
      farl import datasets/push --format lerobot --task FrankaFragilePushWall --out demos

      farl import a.hdf5 --format robomimic --task my.yaml --kind task --no-failures --success --out demos
    """
    choices = Choices(None if kind is None else EpisodeKind[kind.name], success, no_failures, rate)
    names = None if observation is None else [name.strip() for name in observation.split(",")]
    count = import_from(path, form, out, load_task(task), choices, names, _tell)
    console.print(f"{count} episodes in {out}")


def _tell(line: str) -> None:
    console.print(line, highlight=False, soft_wrap=True, markup=False)
