"""How fast demonstrations come out of bags, and how much memory that takes.

    .venv/bin/python -m benchmarks.bags            # writes benchmarks/results/bags.csv and .md

A folder of 800 bags with 250 steps each is made first (a few different ones, copied: reading them is the same
work) with the observation and action sizes of BoundedPush. A process of its own then reads it, on one thread,
so that its peak memory is that of reading. The time is that of ``read_folder``, without the imports.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # beside this file there is another failurebench

import numpy as np  # noqa: E402

from farl.types import EpisodeKind  # noqa: E402
from farl_ros.bag_episodes import write_trajectory  # noqa: E402
from farl_ros.provenance import versions  # noqa: E402
from farl_ros.task_spec import load_task  # noqa: E402

TASK = "BoundedPush"
BAGS, STEPS, DIFFERENT, SEED = 800, 250, 4, 0
RESULTS = ROOT / "benchmarks" / "results"
MOST_SECONDS, MOST_MEGABYTES = 20.0, 1000.0

READER = """
import json, resource, sys, time
from pathlib import Path
from farl_ros.bags import read_folder
from farl_ros.task_spec import load_task
spec = load_task(sys.argv[2])
megabytes = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
before, begin, cpu = megabytes(), time.perf_counter(), time.process_time()
folder = read_folder(Path(sys.argv[1]), spec)
print(json.dumps({
    "wall": time.perf_counter() - begin,
    "cpu": time.process_time() - cpu,
    "peak": megabytes(),
    "imports": before,
    "transitions": folder.demos.transitions,
    "rejected": len(folder.rejected),
}))
"""


@dataclass(frozen=True)
class Walk:
    """A demonstration of random numbers; see ``farl_ros.bag_episodes.RecordedEpisode`` for the shapes."""

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    costs: np.ndarray
    terminated: bool = False
    truncated: bool = True
    success: bool = False


def write_bags(folder: Path) -> int:
    """Write the bags; returns their size [bytes]."""
    spec, random = load_task(TASK), np.random.default_rng(SEED)
    for index in range(BAGS):
        path = folder / f"episode_{index:06d}"
        if index >= DIFFERENT:
            shutil.copytree(folder / f"episode_{index % DIFFERENT:06d}", path)
            continue
        walk = Walk(
            random.standard_normal((STEPS + 1, spec.observation_size)).astype(np.float32),
            random.uniform(-1, 1, (STEPS, spec.action_size)).astype(np.float32),
            random.uniform(0, 10, STEPS).astype(np.float32),
            np.zeros(STEPS, np.float32),
        )
        write_trajectory(path, spec, EpisodeKind.TASK, index, walk, SEED)
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def main() -> None:
    """Measure three times, take the best (what others on the machine take away is not ours)."""
    with tempfile.TemporaryDirectory() as name:
        size = write_bags(Path(name))
        command = [sys.executable, "-c", READER, name, TASK]
        runs = [
            json.loads(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout)
            for _ in range(3)
        ]
    best = min(runs, key=lambda run: run["wall"])
    assert (best["transitions"], best["rejected"]) == (BAGS * STEPS, 0)
    write(
        [
            ("transitions read", best["transitions"], "", ""),
            ("size of the bags", size / 1e6, "MB", ""),
            ("time to load, wall clock", best["wall"], "s", f"< {MOST_SECONDS:g}"),
            ("time to load, CPU", best["cpu"], "s", ""),
            ("peak memory of the process", best["peak"], "MB", f"< {MOST_MEGABYTES:g}"),
            ("of that before reading (imports)", best["imports"], "MB", ""),
        ]
    )


def write(rows: list[tuple[str, float, str, str]]) -> None:
    """Write CSV and Markdown, with what is needed to repeat it."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / "bags.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["what", "value", "unit", "goal"])
        writer.writerows([what, f"{value:.6g}", unit, goal] for what, value, unit, goal in rows)
    lines = ["# Loading bags", "", "| what | value | goal |", "|---|---|---|"]
    lines += [f"| {what} | {f'{value:.6g} {unit}'.strip()} | {goal} |" for what, value, unit, goal in rows]
    told = ", ".join(f"{name} {version}" for name, version in versions().items())
    lines += [
        "",
        f"`python -m benchmarks.bags`; seed {SEED}; best of 3; {os.cpu_count()} cores, "
        f"{platform.machine()}; {told}.",
    ]
    text = "\n".join(lines) + "\n"
    (RESULTS / "bags.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
