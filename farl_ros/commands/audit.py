"""``farl audit``: what the shield would have done in recorded episodes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from farl_ros.audit import Verdict, read_watched
from farl_ros.audit import audit as audit_bags
from farl_ros.commands.common import JsonOption, ModelsOption, console, load, models_folder, write_figures
from farl_ros.commands.task_of_bags import TaskOption, task_of_bags
from farl_ros.task_models import load_models_for


def audit(
    bags: Annotated[Path, typer.Argument(help="A bag, or a folder of them: demonstrations, or a run.")],
    models: ModelsOption = None,
    out: Annotated[Path, typer.Option(help="Folder for audit.html and audit.json.")] = Path("audit"),
    task: TaskOption = None,
    json: JsonOption = None,
) -> None:
    """Ask the shield at every recorded step what it would do, and hold it against what came.

    Says where it would have stepped in, how long before each failure, which failures it misses and where it
    cries wolf. In bags of a fine-tuning run what was decided then stands beside what the models say now.

    Examples:
      farl audit demos --models runs/offline/models

      farl audit runs/2026-05-04-BoundedPush-paper-0/bags --models runs/offline/models
    """
    spec = load(task_of_bags(bags, task))
    bundle = load_models_for(spec, models_folder(spec, models))
    # slow to import, and only needed when there is something to show
    from farl_ros.audit_report import write_audit

    watched, rejected = read_watched(bags, spec)
    for path, reason in rejected:
        console.print(f"not used: {path}: {reason}")
    result = audit_bags(spec, bundle, watched, rejected)
    page = write_audit(spec, result, sys.argv, out)
    verdicts = ", ".join(f"{v.value} {len(result.of(v))}" for v in Verdict)
    console.print(f"{len(result.episodes)} bags at threshold {bundle.threshold:g}: {verdicts}")
    console.print(f"report: {page}", soft_wrap=True, highlight=False)
    write_figures(json, {"report": str(page), **result.to_json()})
