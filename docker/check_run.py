"""Checks that a run folder is whole: what docker/test.sh asks of a run, in the image.

Usage: python docker/check_run.py RUN [LEAST_EPISODES]

Prints one line of JSON, or ends with 1 and says what is wrong.
"""

import json
import sys
from pathlib import Path

from farl.files import FileError
from farl.models import ModelError
from farl_ros.checkpoints import newest_checkpoint
from farl_ros.report import REPORT
from farl_ros.run import COMMANDS, VERSIONS, RunError, RunFolder


def problems_of(path: Path, least: int) -> list[str]:
    """What the run lacks, in words; empty when it is whole.

    Args:
        path: Run folder.
        least: Fewest finished episodes.
    """
    try:
        run = RunFolder.open(path)
        checkpoint = newest_checkpoint(run.checkpoints)
    except (RunError, ModelError, FileError) as error:
        return [str(error)]
    found = [
        f"{name} is missing or empty" for name in (REPORT, VERSIONS, COMMANDS) if not _is_filled(path / name)
    ]
    if checkpoint is None:
        found.append("no checkpoint")
    episodes = len(run.metrics.records)
    if episodes < least:
        found.append(f"{episodes} episodes in metrics/episodes.csv; expected {least} at least")
    return found


def _is_filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def main() -> None:
    """Check the run that the first argument names."""
    path, least = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    problems = problems_of(path, least)
    if problems:
        sys.exit(f"{path}: {'; '.join(problems)}")
    run = RunFolder.open(path)
    bags = sum(1 for _ in (path / "bags").glob("episode_*"))
    print(
        json.dumps({"run": str(path), "episodes": len(run.metrics.records), "steps": run.steps, "bags": bags})
    )


if __name__ == "__main__":
    main()
