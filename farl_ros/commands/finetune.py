"""``farl finetune``: the main job."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from farl.finetuning import Limit
from farl.presets import Preset
from farl_ros.commands.common import (
    INTERRUPTED,
    JsonOption,
    ModelsOption,
    SeedOption,
    TaskArgument,
    UsageError,
    console,
    load,
    models_folder,
    write_figures,
)
from farl_ros.direct import run_direct
from farl_ros.graph import Part
from farl_ros.job import Job
from farl_ros.report import REPORT, write_report
from farl_ros.run import SETTINGS, RunFolder, run_path
from farl_ros.view import FinetuneView


def finetune(
    task: TaskArgument,
    models: ModelsOption = None,
    preset: Annotated[Preset, typer.Option(help="paper: with the shield. uni_o4: without.")] = Preset.PAPER,
    steps: Annotated[int | None, typer.Option(min=1, help="Stop after this many agent steps.")] = None,
    episodes: Annotated[int | None, typer.Option(min=1, help="Stop after this many episodes.")] = None,
    seed: SeedOption = 0,
    direct: Annotated[
        bool, typer.Option("--direct", help="Without ROS, environments in a plain loop.")
    ] = False,
    envs: Annotated[
        int | None,
        typer.Option(min=1, help="Environments side by side, with --direct; times are per decision."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder; by default runs/TIME-TASK-PRESET-SEED.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    record: Annotated[bool, typer.Option(help="Write a bag per episode (only through the graph).")] = True,
    black_box: Annotated[
        bool | None,
        typer.Option(
            "--black-box/--no-black-box", help="Keep the seconds around interventions and failures."
        ),
    ] = None,
    robot: Annotated[
        str | None, typer.Option(help="On a robot, not in simulation: panda, fr3, or a robot YAML file.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address of the robot, with --robot.")] = "",
    backend: Annotated[
        str,
        typer.Option(help="The arm, with --robot: franky, a package's own, or fake for a trial without one."),
    ] = "",
    source: Annotated[
        str,
        typer.Option(
            help="Who sees: camera; privileged, in simulation; topic, a tracker of your own on a robot."
        ),
    ] = "",
    camera: Annotated[str, typer.Option(help="With --robot: camera name, or a camera YAML file.")] = "",
    frames: Annotated[
        str, typer.Option(help="With --robot: realsense, or topics for a driver of its own.")
    ] = "",
    real_time: Annotated[
        bool | None,
        typer.Option("--real-time/--lock-step", help="Wall clock; by default with --robot only."),
    ] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Decide and record, hold the arm still, learn nothing.")
    ] = False,
    uncalibrated: Annotated[
        bool,
        typer.Option("--uncalibrated", help="Go online although nothing says how the threshold was chosen."),
    ] = False,
    nodes: Annotated[
        Part,
        typer.Option(help="With --robot, in two containers: controller in one, rest in the other."),
    ] = Part.ALL,
    json: JsonOption = None,
) -> None:
    """Fine-tune a policy while the shield keeps failures away; ends with a report.

    Runs through the ROS graph in simulation, or without ROS with --direct. Ctrl-C saves and says where; the
    same command with --resume and --out goes on.

    With --robot every node has a process of its own, and a person puts the objects back between episodes
    (`farl ready`). Begin with --shadow.

    Examples:
      farl finetune BoundedPush --steps 20000

      farl finetune FrankaFragilePushWall --source camera --episodes 3

      farl finetune FrankaFragilePushWall --robot fr3 --host 172.16.0.2 --shadow --episodes 5

      farl finetune BoundedPush --preset uni_o4 --direct --envs 8 --steps 100000 --seed 1
    """
    if envs is not None and not direct:
        raise UsageError("--envs needs --direct: the ROS graph runs one simulator")
    if direct and (robot is not None or shadow or real_time is not None or source or black_box):
        raise UsageError(
            "--direct has no ROS graph: it takes no --robot, --source, --shadow, --black-box, --real-time or "
            "--lock-step"
        )
    if robot is None and (host or backend or camera or frames):
        raise UsageError(
            "--host, --backend, --camera and --frames need --robot panda, fr3, or a robot YAML file"
        )
    if robot is None and nodes is not Part.ALL:
        raise UsageError("--nodes needs --robot: in simulation all nodes share one process")
    if resume and out is None:
        raise UsageError("--resume needs --out RUN: the run folder to go on with")
    spec = load(task)
    if nodes is Part.CONTROLLER:
        from farl_ros.graph_job import Place, run_controller

        run_controller(task, Place(robot, host, backend), shadow)
        return
    limit = Limit(steps, episodes) if steps is not None or episodes is not None else Limit(steps=20_000)
    run_folder = run_path(Path("runs"), spec.name, preset.value, seed, datetime.now()) if out is None else out
    folder = models_folder(spec, models)
    job = Job.of(spec, folder, preset, seed, limit, run_folder, resume, shadow, uncalibrated)
    if job.uncalibrated:
        console.print(
            "[bold red]UNCALIBRATED:[/] nothing says how the shield's threshold was chosen; the run says so"
        )
    if resume:
        RunFolder.open(run_folder)  # what is wrong with it is said first
    console.print(spec.resolved_yaml(), style="dim", highlight=False, markup=False)
    try:
        with FinetuneView(f"{spec.name} {preset.value}", limit, console) as view:
            if direct:
                run = run_direct(job, 1 if envs is None else envs, view, sys.argv)
            else:
                from farl_ros.graph_job import Place, run_through_graph  # needs ROS; --direct does not

                place = Place(robot, host, backend, source, real_time, camera, frames, nodes)
                run = run_through_graph(job, task, record, view, place, black_box)
    except KeyboardInterrupt:
        if not (run_folder / SETTINGS).is_file():
            console.print("stopped before the run began; nothing is written")
            sys.exit(INTERRUPTED)
        console.print(f"stopped; saved in {run_folder}. Go on with: {_resume_command(run_folder)}")
        if direct:
            console.print("what came after the last update will be made again, to the same numbers")
        if (run_folder / "metrics" / "episodes.csv").is_file():
            console.print(f"report: {write_report(run_folder)}")
        sys.exit(INTERRUPTED)
    # the graph's finetuner has written the report already
    _finish(run, write_report(run.path) if direct else run.path / REPORT, json)


def _resume_command(run_folder: Path) -> str:
    arguments = [a for a in sys.argv[1:] if a != "--resume"]
    out = [] if "--out" in arguments else ["--out", str(run_folder)]
    return " ".join(["farl", *arguments, *out, "--resume"])


def _finish(run: RunFolder, report: Path, json: Path | None) -> None:
    figures = run.summary()
    console.print(
        f"{figures['episodes']} episodes, {figures['steps']} steps: {figures['failures']} with a failure "
        f"({figures['failure_rate']:.1%}), success {figures['success_rate']:.0%}, "
        f"{figures['interventions']} interventions, {figures['steps_per_second']:.0f} steps/s"
    )
    if run.shadow:
        console.print(
            f"shadow: the arm was held still; {figures['would_swap_steps']} steps would have been swapped"
        )
    console.print(f"run: {run.path}\nreport: {report}")
    write_figures(json, figures)
