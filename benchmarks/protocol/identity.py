"""What a result is bound to: models, task and settings. A result of others is stale and is never mixed in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.protocol.sizes import ROOT, Cell, Size
from benchmarks.protocol.tables import RunRow
from farl.files import FileError, read_json
from farl.finetuning import Limit
from farl.models import ModelError
from farl_ros.job import Job
from farl_ros.run import SETTINGS, TASK
from farl_ros.task_models import load_models_for
from farl_ros.task_spec import load_task

_SHOWN = 16  # hexadecimal digits of a hash in the tables


@dataclass(frozen=True)
class Identity:
    """What a cell's result is bound to.

    Attributes:
        model_hash: Hash of the world model.
        task_sha: Hash of the task specification.
        settings_sha: Hash of everything that the run is set by: task, models, preset, seed, settings, steps.
        recorded: What its run folder keeps of the same.
    """

    model_hash: str
    task_sha: str
    settings_sha: str
    recorded: dict[str, Any]

    def differs(self, row: RunRow) -> str:
        """What a row was made with that is not so any more; empty if nothing."""
        if row.model_hash != self.model_hash:
            return "another world model"
        if row.task_sha != self.task_sha:
            return "another task specification"
        return "other models or settings" if row.settings_sha != self.settings_sha else ""


def identity_of(size: Size, cell: Cell) -> Identity:
    """What a cell would be made with now.

    Raises:
        TaskError: There is no such task.
        ModelError: Its models are missing or do not fit.
    """
    return made_with(size, json.loads(json.dumps(job_of(size, cell, Path()).recorded())))


def made_with(size: Size, recorded: dict[str, Any]) -> Identity:
    """What a run was made with, from what its folder keeps."""
    return bound_to(recorded, steps=size.steps)


def bound_to(recorded: dict[str, Any], **length: int) -> Identity:
    """What a run of some length is bound to.

    Args:
        recorded: What its folder keeps of its settings.
        length: What ends it, for example ``steps=1_000_000``.
    """
    everything = json.dumps({**recorded, **length}, sort_keys=True)
    return Identity(
        model_hash=recorded["models_sha256"]["world_model"][:_SHOWN],
        task_sha=recorded["task_sha256"][:_SHOWN],
        settings_sha=hashlib.sha256(everything.encode()).hexdigest()[:_SHOWN],
        recorded=recorded,
    )


def job_of(size: Size, cell: Cell, folder: Path) -> Job:
    """The job that a cell is: what `farl finetune` makes of the cell's command line.

    Raises:
        TaskError: There is no such task.
        ModelError: Its models are missing or do not fit.
    """
    return shipped_job(cell, folder, Limit(steps=size.steps), size.environments)


def shipped_job(cell: Cell, folder: Path, limit: Limit, environments: int = 1) -> Job:
    """A cell's job with the shipped models.

    Raises:
        TaskError: There is no such task.
        ModelError: Its models are missing or do not fit.
    """
    spec, models = load_task(cell.task), ROOT / "models" / cell.task
    if not models.is_dir():
        raise ModelError(f"no models in {models}; make some: make models TASK={spec.name}")
    return Job(
        spec=spec,
        models=models,
        bundle=load_models_for(spec, models),
        preset=cell.preset,
        seed=cell.seed,
        limit=limit,
        run=folder,
        environments=environments,
    )


def resumable(folder: Path, identity: Identity) -> bool:
    """Whether a run folder was begun with just this."""
    try:
        return (folder / TASK).is_file() and read_json(folder / SETTINGS) == identity.recorded
    except FileError:
        return False
