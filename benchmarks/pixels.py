"""What a policy loses by seeing: its return through the camera, and with the simulator's own state.

    .venv/bin/python -m benchmarks.pixels            # writes benchmarks/results/pixels.csv and .md

The shipped task policies of the Franka twin, mean action, no shield, the same scenes for both: rendered D435
with a stereo camera's noise → detection by colour → tracking → observation, as the graph does it. Where an
object is lost the arm stands still, as the fail-safe table has it.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import torch

from benchmarks.protocol.identity import shipped_job
from benchmarks.protocol.sizes import ROOT, Cell
from benchmarks.twin.experiment import TASKS, alone
from failurebench.franka.table_env import PERIOD, FrankaEnv
from farl.finetuning import Limit
from farl.policy import FastPolicy
from farl.presets import Preset
from farl.types import Array
from farl_ros.environments import make_environment
from farl_ros.nodes.simulator import PICTURES
from farl_ros.rendering import eye_of
from farl_ros.sight.files import TWIN, detectors, mounted, perception_of
from farl_ros.sight.observation import ObservationMaker
from farl_ros.sight.twin_camera import LEAD_IN
from farl_ros.task_spec import TaskSpec
from perception.build import make_perception
from perception.cameras.simulated import SimulatedCamera, StereoNoise
from perception.pipeline import Scene
from perception.tracking.tracker import TrackState

RESULTS = ROOT / "benchmarks" / "results"
GOAL = 0.9
"""Least share of the return that is left on pixels."""


@dataclass(frozen=True)
class Row:
    """One task.

    Attributes:
        task: Name.
        episodes: Of each kind.
        pictures: Of each agent step.
        privileged: Mean return with the simulator's state.
        privileged_se: Its standard error.
        pixels: Mean return through the camera.
        pixels_se: Its standard error.
        share: ``pixels`` over ``privileged``.
        position_median_mm: Error of the objects' positions while none is lost.
        position_p95_mm: The same.
        velocity_median_mm_s: Error of their velocities.
        velocity_p95_mm_s: The same.
        lost: Share of the steps in which an object was lost, and the arm stood still.
        unusable: Pictures that could not be used.
    """

    task: str
    episodes: int
    pictures: int
    privileged: float
    privileged_se: float
    pixels: float
    pixels_se: float
    share: float
    position_median_mm: float
    position_p95_mm: float
    velocity_median_mm_s: float
    velocity_p95_mm_s: float
    lost: float
    unusable: int


class OnPixels:
    """A twin's environment whose observations are seen; close its eye when done."""

    def __init__(self, spec: TaskSpec, environment: FrankaEnv, pictures: int) -> None:
        """Put a camera before a world.

        Args:
            spec: The task.
            environment: Its twin.
            pictures: Of each agent step.
        """
        self._spec, self._environment, self._seen = spec, environment, perception_of(spec.name)
        self._maker = ObservationMaker.of(spec, self._seen)
        self._camera_spec, self._mounting = mounted(TWIN)
        streams = self._camera_spec.streams
        environment.reset(seed=0)
        self.eye = eye_of(environment, streams.width, streams.height)
        self._now = self._began = 0.0
        self.position_errors: list[float] = []
        self.velocity_errors: list[float] = []
        self.steps = self.lost = self.unusable = 0
        environment.look_on(pictures - 1, lambda share: self._look(self._began + share * PERIOD))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start an episode, and look at the still scene for a while."""
        truth, info = self._environment.reset(seed=seed, options=options)
        self._perception = make_perception(self._seen, self._camera_spec, self._mounting, detectors())
        lens, noise = self._mounting.intrinsics, StereoNoise()
        self._camera = SimulatedCamera(self.eye, lens, lambda: self._now, noise, seed or 0)
        begin = self._now + 1.0
        for before in range(LEAD_IN, 0, -1):
            self._look(begin - before / self._camera_spec.streams.rate)
        self._began = begin
        return self._observation(truth), info

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Execute an action, or none while something is lost."""
        truth, reward, terminated, truncated, info = self._environment.step(
            np.zeros_like(action) if self._blind else action
        )
        self._began += PERIOD
        return self._observation(truth), reward, terminated, truncated, info

    def _look(self, now: float) -> None:
        self._now = now
        self._scene: Scene = self._perception.process(self._camera.read(0.0), now)
        self.unusable += bool(self._scene.problems)

    def _observation(self, truth: Array) -> Array:
        self._look(self._began)
        tracks = {track.name: track for track in self._scene.tracks}
        hand = self._spec.position(self._spec.hand, truth).astype(float)
        seen = self._maker.make(hand, tracks)
        self._blind = any(track.state is TrackState.LOST for track in self._scene.tracks)
        self.steps += 1
        self.lost += self._blind
        if not self._blind:
            for entry in self._spec.objects:
                velocity = entry.position.removesuffix("_position") + "_velocity"
                self.position_errors.append(_distance(self._spec, entry.position, seen, truth))
                self.velocity_errors.append(_distance(self._spec, velocity, seen, truth))
        return np.where(np.isfinite(seen), seen, 0.0).astype(np.float32)


def _distance(spec: TaskSpec, name: str, seen: Array, truth: Array) -> float:
    where = spec.slice_of(name)
    return float(np.linalg.norm(seen[where] - truth[where]))


def measure(task: str, episodes: int, pictures: int) -> Row:
    """Play the same episodes with and without the camera."""
    job = shipped_job(Cell(task, Preset.UNI_O4, 0), Path(), Limit(episodes=episodes))
    policy = FastPolicy.of(job.bundle.task_policy)
    known = alone(job, policy, make_environment(job.spec, evaluation=True), episodes)
    world = make_environment(job.spec, evaluation=True)
    if not isinstance(world, FrankaEnv):
        raise ValueError(f"expected a task on the Franka's table, got {task!r}")
    through = OnPixels(job.spec, world, pictures)
    with through.eye:
        seen = alone(job, policy, through, episodes)
    positions, velocities = (1e3 * np.array(e) for e in (through.position_errors, through.velocity_errors))
    return Row(
        task,
        episodes,
        pictures,
        known.mean_return,
        known.std_return / np.sqrt(episodes),
        seen.mean_return,
        seen.std_return / np.sqrt(episodes),
        seen.mean_return / known.mean_return,
        float(np.median(positions)),
        float(np.percentile(positions, 95)),
        float(np.median(velocities)),
        float(np.percentile(velocities, 95)),
        through.lost / through.steps,
        through.unusable,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write the table."""
    parser = argparse.ArgumentParser(description="Compare returns through the camera and without.")
    parser.add_argument("--tasks", nargs="+", default=TASKS, choices=TASKS)
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--pictures", type=int, default=PICTURES, help="of each agent step")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rows = []
    for task in given.tasks:
        rows.append(measure(task, given.episodes, given.pictures))
        print(rows[-1], flush=True)
    write(rows, given.out)


def write(rows: Sequence[Row], folder: Path) -> None:
    """Write CSV and Markdown, with what is needed to repeat it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "pixels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [entry.name for entry in fields(Row)], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            values = asdict(row).items()
            writer.writerow({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in values})
    lines = [
        "# Return on pixels",
        "",
        f"| task | privileged | on pixels | left (goal {GOAL:.0%}) | position error, median / p95 "
        "| velocity error, median / p95 | steps with a lost object | unusable pictures |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.task} | {row.privileged:.0f} ± {row.privileged_se:.0f} | {row.pixels:.0f} ± "
        f"{row.pixels_se:.0f} | {row.share:.0%} | {row.position_median_mm:.1f} / "
        f"{row.position_p95_mm:.1f} mm | {row.velocity_median_mm_s:.0f} / {row.velocity_p95_mm_s:.0f} mm/s "
        f"| {row.lost:.1%} | {row.unusable} |"
        for row in rows
    ]
    command = " ".join(["python -m benchmarks.pixels", *sys.argv[1:]])
    lines += [
        "",
        f"`{command}`; {rows[0].episodes} episodes with and as many without the camera, the same scenes; "
        f"{rows[0].pictures} pictures in each agent step of {PERIOD} s; ± is one standard error. Simulated "
        f"camera with stereo noise, nothing from a real D435; NumPy {np.__version__}, OpenCV "
        f"{cv2.__version__}, PyTorch {torch.__version__}.",
    ]
    text = "\n".join(lines) + "\n"
    (folder / "pixels.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
