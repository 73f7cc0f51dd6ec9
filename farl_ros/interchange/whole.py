"""Files and folders that get their name once they are whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from farl_ros.interchange.errors import InterchangeError


@contextmanager
def made_whole(path: Path) -> Iterator[Path]:
    """Yield a place to write to; what was written there gets the name ``path`` when the block ends well.

    Raises:
        InterchangeError: Something has the name already, or the disk refuses.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise InterchangeError(f"{path} exists already; choose another --out, or move it away")
    workshop = path.with_name(f".making-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(workshop)  # what a killed process left; its source is whole
        yield workshop
        if path.is_dir():
            path.rmdir()  # empty
        workshop.rename(path)
    except OSError as error:
        raise InterchangeError(f"{path}: cannot be written ({error}); nothing was made") from error
    finally:
        _remove(workshop)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
