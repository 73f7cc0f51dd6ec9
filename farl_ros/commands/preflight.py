"""``farl preflight``: may an arm move?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from farl_ros.arm.port import probe_port
from farl_ros.arm.robots import RobotSpec, load_robot
from farl_ros.commands.common import JsonOption, ModelsOption, TaskArgument, console, load, write_figures
from farl_ros.paths import share_folder
from farl_ros.preflight.camera import check_camera, probe_camera
from farl_ros.preflight.files import check_calibration, check_models, probe_calibration, probe_models
from farl_ros.preflight.machine import (
    check_clock,
    check_disk,
    check_governor,
    check_kernel,
    probe_clock,
    probe_disk,
    probe_governors,
    probe_kernel,
)
from farl_ros.preflight.outcome import Check, Outcome, skipped
from farl_ros.preflight.robot import check_library, check_port, probe_library

COLOURS = {Outcome.PASS: "green", Outcome.WARN: "yellow", Outcome.FAIL: "bold red", Outcome.SKIP: "dim"}


def preflight(
    task: TaskArgument,
    robot: Annotated[str, typer.Option(help="Robot name (panda or fr3) or a robot YAML file.")] = "panda",
    host: Annotated[str, typer.Option(help="Address of the robot's control box.")] = "172.16.0.2",
    models: ModelsOption = None,
    calibration: Annotated[
        Path | None, typer.Option(help="The camera's calibration; as a rule, the one that a run takes.")
    ] = None,
    sim: Annotated[bool, typer.Option("--sim", help="For the simulator: neither robot nor camera.")] = False,
    json: JsonOption = None,
) -> None:
    """Check computer, robot, camera, calibration and models; ends with 1 when something must be put right.

    Example: farl preflight FrankaFragilePushWall --robot fr3 --host 172.16.0.2
    """
    spec, arm = load(task), load_robot(robot)
    here = Path.cwd()
    folder = share_folder() / "models" / spec.name if models is None else models
    checks = [
        *_robot_checks(arm, host, calibration, sim),
        check_governor(probe_governors()),
        check_disk(probe_disk(here), here),
        check_clock(probe_clock()),
        check_models(probe_models(spec, folder), spec),
    ]
    console.print(_table(checks))
    failed = [check.name for check in checks if check.outcome == Outcome.FAIL]
    figures = {"task": spec.name, "robot": arm.name, "sim": sim, "passed": not failed}
    write_figures(json, {**figures, "checks": [asdict(check) for check in checks]})
    if failed:
        console.print(f"not ready: {', '.join(failed)}")
        raise typer.Exit(1)


def _robot_checks(arm: RobotSpec, host: str, calibration: Path | None, sim: bool) -> list[Check]:
    """What only a real arm and its camera need."""
    checks: dict[str, Callable[[], Check]] = {
        "kernel": lambda: check_kernel(probe_kernel()),
        "robot": lambda: check_port(probe_port(host)),
        "franky": lambda: check_library(probe_library(), arm),
        "camera": lambda: check_camera(probe_camera()),
        "calibration": lambda: check_calibration(
            probe_calibration(_calibration_of_a_run() if calibration is None else calibration),
            datetime.now(UTC),
        ),
    }
    return [skipped(name) if sim else check() for name, check in checks.items()]


def _calibration_of_a_run() -> Path | None:
    from farl_ros.sight.files import ROBOT, calibration_file  # OpenCV; most commands do not need it

    return calibration_file(ROBOT)


def _table(checks: list[Check]) -> Table:
    table = Table("check", "")
    for title in ("found", "what to do"):
        table.add_column(title, overflow="fold")  # commands and paths whole, on a narrow screen too
    for check in checks:
        colour = COLOURS[check.outcome]
        table.add_row(
            check.name, f"[{colour}]{check.outcome.value}[/]", escape(check.found), escape(check.to_do)
        )
    return table
