"""``farl record``: demonstrations by a person, one bag each."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from farl.adviser import ShieldRole
from farl_ros.commands.common import INTERRUPTED, TaskArgument, UsageError, console, load
from farl_ros.environments import kit_of
from farl_ros.graph import GraphError
from farl_ros.record_board import RecordBoard
from farl_ros.record_graph import KINDS, record_graph
from farl_ros.task_spec import TaskSpec
from farl_ros.teleop.make import DeviceName

LEAST, MOST = 40, 80
"""Demonstrations of a kind: what a person can do in an hour."""


class Kind(StrEnum):
    """Kinds of demonstrations."""

    TASK = "task"
    RECOVERY = "recovery"
    FAILURE = "failure"


def target_of(spec: TaskSpec, kind: Kind) -> int:
    """How many demonstrations of a kind to aim at: as many as the task's models are made of, 40 to 80."""
    kit = kit_of(spec)
    usual = {
        Kind.TASK: kit.task_episodes,
        Kind.RECOVERY: kit.recovery_episodes,
        Kind.FAILURE: kit.failure_episodes,
    }
    return min(MOST, max(LEAST, usual[kind]))


def record(
    task: TaskArgument,
    kind: Annotated[Kind, typer.Option(help="What is demonstrated.")] = Kind.TASK,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the bags, in OUT/KIND; by default demos/TASK.")
    ] = None,
    target: Annotated[int | None, typer.Option(min=1, help="How many; by default 40 to 80.")] = None,
    operator: Annotated[str, typer.Option(help="Who demonstrates; stands in every bag.")] = "",
    device: Annotated[DeviceName, typer.Option(help="What moves the arm.")] = DeviceName.KEYBOARD,
    path: Annotated[str, typer.Option(help="Of a SpaceMouse: its /dev/hidraw…")] = "",
    facing: Annotated[
        float,
        typer.Option(help="Where you look, about z of the robot's base [deg]; 180: you face the robot."),
    ] = 0.0,
    auto: Annotated[
        bool, typer.Option("--auto", help="Start the next episode at once, up to --target.")
    ] = False,
    reaction_time: Annotated[
        float, typer.Option(min=0.0, max=5.0, help="Before a marked failure [s].")
    ] = 0.3,
    pictures: Annotated[int, typer.Option(min=0, max=100, help="JPEG quality; 0 for no pictures.")] = 0,
    shield: Annotated[
        ShieldRole, typer.Option(help="off, adviser (says what it thinks), or on (may swap).")
    ] = ShieldRole.OFF,
    models: Annotated[Path | None, typer.Option(help="Of the shield; the shipped ones by default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The simulator's resets follow from it.")] = 0,
    robot: Annotated[
        str | None, typer.Option(help="On a robot, not in simulation: panda, fr3, or a robot YAML file.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address of the robot, with --robot.")] = "",
    backend: Annotated[str, typer.Option(help="The arm, with --robot: franky, or fake for a trial.")] = "",
    source: Annotated[str, typer.Option(help="Who sees, with --robot: camera or topic.")] = "",
    camera: Annotated[str, typer.Option(help="With --robot: camera name, or a camera YAML file.")] = "",
    frames: Annotated[str, typer.Option(help="With --robot: realsense, or topics.")] = "",
) -> None:
    """Record demonstrations by hand: hold the dead-man, move, say how it went. Ctrl-C ends the session.

    Enter starts an episode (on a robot again, when the objects are back), y ends it as a success, n as a
    failure, m marks a failure that has just happened, backspace discards, t records the last one again.

    Examples:
      farl record FrankaFragilePushWall --kind recovery --operator AB

      farl record FrankaFragilePushWall --device spacemouse --robot fr3 --host 172.16.0.2 --pictures 90
    """
    spec = load(task)
    terminal = os.ttyname(sys.stdin.fileno()) if sys.stdin.isatty() else ""
    if device is DeviceName.KEYBOARD and not terminal:
        raise UsageError("--device keyboard needs a terminal, and standard input is none")
    folder = Path("demos") / spec.name if out is None else out
    specs = record_graph(
        task,
        kind.value,
        str(folder),
        target_of(spec, kind) if target is None else target,
        stop_at_target=auto,
        operator=operator,
        device=device.value,
        path=path,
        terminal=terminal,
        facing=facing,
        reaction_time=reaction_time,
        pictures=pictures,
        shield=shield.value,
        models="" if models is None else str(models),
        seed=seed,
        sim=robot is None,
        robot="panda" if robot is None else robot,
        host=host,
        backend=backend,
        source=source,
        camera=camera,
        frames=frames,
    )
    from farl_ros.record_job import run_here, run_on_robot  # needs ROS; --help does not

    wanted = int(KINDS[kind.value]) if auto else None
    with RecordBoard(console) as board:
        if robot is None:
            code, log = run_here(specs, board, wanted), None
        else:
            code, log = run_on_robot(specs, board, folder, wanted)
    if code not in (0, INTERRUPTED, 143):
        where = "it said why" if log is None else f"see {log}"
        raise GraphError(f"the session ended with code {code}; {where}")
    console.print(f"bags: {folder / kind.value}")
