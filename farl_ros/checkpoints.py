"""Full checkpoints of a run: a folder each, the newest named by a small file that is replaced atomically."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from farl.files import FileError, read_json, write_json
from farl.learner import Learner
from farl.models import ModelError

NEWEST = "newest.json"
KEPT = 3


def save_checkpoint(learner: Learner, folder: Path) -> Path:
    """Write a checkpoint below ``folder`` and make it the newest; all but the last three are removed.

    A kill at any moment leaves the newest complete checkpoint in place.
    """
    path = folder / f"episode_{learner.episodes:06d}_version_{learner.policy_version:05d}"
    if path.exists():
        if newest_checkpoint(folder) == path:  # a save of the same moment
            return path
        shutil.rmtree(path)  # one that was cut off
    learner.save(path)
    for metrics in sorted((folder.parent / "metrics").glob("*.csv")):
        with metrics.open("rb") as file:  # a checkpoint never outlives the rows of what it has seen
            os.fsync(file.fileno())
    write_json(folder / NEWEST, {"checkpoint": path.name})
    for old in sorted(folder.glob("episode_*"))[:-KEPT]:
        if old != path:
            shutil.rmtree(old)
    return path


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint below ``folder``; None where there is none yet.

    Raises:
        ModelError: The file that names it is damaged, or the checkpoint is gone.
    """
    if not (folder / NEWEST).is_file():
        return None
    try:
        path = folder / str(read_json(folder / NEWEST)["checkpoint"])
    except (FileError, KeyError, TypeError) as error:
        raise ModelError(f"{folder / NEWEST}: names no checkpoint ({error})") from error
    if not path.is_dir():
        raise ModelError(f"{folder / NEWEST} names {path.name}, which is not there")
    return path
