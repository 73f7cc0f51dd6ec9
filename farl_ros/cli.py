"""The command line ``farl``: one subcommand per step of the work."""

from __future__ import annotations

import sys

import typer
from rich.markup import escape

from farl.datasets import DatasetError
from farl.files import FileError
from farl.models import ModelError
from farl_ros.arm.robots import RobotError
from farl_ros.bags import BagError
from farl_ros.commands.audit import audit
from farl_ros.commands.bags import app as bags_app
from farl_ros.commands.calibrate import calibrate
from farl_ros.commands.common import UsageError, console
from farl_ros.commands.demos import demos
from farl_ros.commands.evaluate import evaluate
from farl_ros.commands.finetune import finetune
from farl_ros.commands.interchange import export, import_dataset
from farl_ros.commands.offline import offline
from farl_ros.commands.perceive import perceive
from farl_ros.commands.perception import app as perception_app
from farl_ros.commands.person import ready, rearm
from farl_ros.commands.preflight import preflight
from farl_ros.commands.quality import quality
from farl_ros.commands.record import record
from farl_ros.commands.replay import replay
from farl_ros.commands.report import report
from farl_ros.commands.tasks import tasks
from farl_ros.graph import GraphError
from farl_ros.interchange.errors import InterchangeError
from farl_ros.replay.pace import PaceError
from farl_ros.run import RunError
from farl_ros.sight.errors import SightError
from farl_ros.task_spec import TaskError

app = typer.Typer(
    name="farl",
    help="Failure-aware reinforcement learning on a Franka arm: demonstrations, training, fine-tuning.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    tasks,
    demos,
    record,
    offline,
    quality,
    audit,
    calibrate,
    finetune,
    evaluate,
    replay,
    report,
    preflight,
    perceive,
    ready,
    rearm,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(perception_app, name="perception")
app.add_typer(bags_app, name="bags")
app.command()(export)
app.command("import")(import_dataset)

BAD_INPUT = (
    BagError,
    DatasetError,
    FileError,
    GraphError,
    InterchangeError,
    ModelError,
    PaceError,
    RobotError,
    RunError,
    SightError,
    TaskError,
    UsageError,
)
"""Errors whose message tells the user what was expected, what came and what to do."""


def main() -> None:
    """Run ``farl``; bad input ends with exit code 2 and one clear sentence, Ctrl-C with 130."""
    try:
        app()
    except BAD_INPUT as error:
        console.print(
            f"[bold red]error:[/] {escape(str(error))}", style=None, highlight=False, soft_wrap=True
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
