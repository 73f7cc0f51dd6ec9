"""``farl tasks``: what there is to do."""

from __future__ import annotations

from rich.table import Table

from farl_ros.commands.common import JsonOption, console, write_figures
from farl_ros.paths import share_folder
from farl_ros.task_spec import load_task


def tasks(json: JsonOption = None) -> None:
    """List the tasks, and which of them have shipped models.

    Example: farl tasks
    """
    table = Table("task", "steps", "control", "failure", "models")
    figures = {}
    for file in sorted((share_folder() / "config" / "tasks").glob("*.yaml")):
        spec = load_task(file)
        shipped = (share_folder() / "models" / spec.name / "card.json").is_file()
        table.add_row(
            spec.name,
            str(spec.horizon),
            f"{spec.control_rate_hz:g} Hz",
            spec.failure.description(),
            "shipped" if shipped else "-",
        )
        figures[spec.name] = {
            "environment": spec.environment,
            "horizon": spec.horizon,
            "control_rate_hz": spec.control_rate_hz,
            "shipped_models": shipped,
        }
    console.print(table)
    write_figures(json, figures)
