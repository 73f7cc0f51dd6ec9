"""``farl perceive``: look through the camera, before anything moves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from farl_ros.commands.common import INTERRUPTED, TaskArgument, UsageError, console, load
from farl_ros.graph import perceive_graph
from farl_ros.processes import run_processes


def perceive(
    task: TaskArgument,
    camera: Annotated[str, typer.Option(help="Camera name, or a camera YAML file.")] = "d435",
    topics: Annotated[bool, typer.Option("--topics", help="Frames from a driver of its own.")] = False,
    recording: Annotated[Path | None, typer.Option(help="Play this librealsense recording instead.")] = None,
    debug_rate: Annotated[
        float, typer.Option(min=0.0, max=60.0, help="Debug pictures per second [Hz].")
    ] = 5.0,
) -> None:
    """Run camera and state estimator alone: see /diagnostics and /state_estimator/debug_image.

    Ends with Ctrl-C, or with the recording.

    Examples:
      farl perceive FrankaFragilePushWall

      farl perceive FrankaFragilePushWall --recording table.db3
    """
    load(task)
    if topics and recording is not None:
        raise UsageError("--topics and --recording: frames come from one of them")
    frames = "topics" if topics else "realsense" if recording is None else "recording"
    specs = perceive_graph(task, camera, frames, "" if recording is None else str(recording), debug_rate)
    code = run_processes(specs)
    if code not in (0, INTERRUPTED, 143):
        console.print(f"state_estimator ended with {code}; it said why")
        raise typer.Exit(code)
