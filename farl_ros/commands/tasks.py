"""``farl tasks``: what there is to do."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from farl_ros.commands.common import JsonOption, console, write_figures
from farl_ros.paths import share_folder
from farl_ros.plugins import BUILT_IN
from farl_ros.task_spec import TASKS, TaskError, load_task


def tasks(json: JsonOption = None) -> None:
    """List the tasks, and which of them have shipped models; those of other packages, too.

    Example: farl tasks
    """
    table = Table("task", "steps", "control", "failure", "models")
    figures, broken = {}, []
    for name in TASKS.names():
        try:
            spec, origin = load_task(name), TASKS.offer(name).origin
        except TaskError as error:
            broken.append(str(error))
            continue
        shipped = (share_folder() / "models" / spec.name / "card.json").is_file()
        table.add_row(
            spec.name if origin == BUILT_IN else f"{spec.name}  [dim]{escape(origin)}[/]",
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
            "origin": origin,
        }
    console.print(table)
    for message in broken:
        console.print(f"[bold red]not usable:[/] {escape(message)}", highlight=False, soft_wrap=True)
    write_figures(json, figures)
