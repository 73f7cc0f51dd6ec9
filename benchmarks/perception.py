"""How fast and how exact perception is, on the simulated Franka tables through their D435.

    .venv/bin/python -m benchmarks.perception            # writes benchmarks/results/perception.csv and .md
    .venv/bin/python -m benchmarks.perception --models models/perception --pictures docs/images

Everything on one thread. Frames are rendered at the agent's 5 Hz, with a stereo camera's noise, while the
scripted expert plays; the truth is the simulator's. Capture is timed with librealsense's own alignment on a
software device. On a busy machine --cpu-time counts only the time that this program had a core.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np

from benchmarks.software_capture import capture_seconds
from failurebench.kit import kit
from farl_ros.rendering import eye_of
from farl_ros.sight.files import TWIN, mounted, perception_of
from farl_ros.twin_scenes import environment_of
from perception.build import make_perception
from perception.cameras.simulated import SimulatedCamera, StereoNoise
from perception.detection.runtime import Runtime
from perception.drawing import draw_scene
from perception.pipeline import Scene, Stage
from perception.spec import PerceptionSpec
from perception.tracking.tracker import TrackState

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
TASKS = ("FrankaDisturbedPush", "FrankaFragilePushWall", "FrankaBoundedSoccer")
GOALS_MS = {"whole chain": 25.0}
PICTURE_AT = 12
"""Agent step of the picture for the documents."""


@dataclass(frozen=True)
class Row:
    """One figure: of what, what, in which unit, and the goal that it is held against (empty without one)."""

    subject: str
    what: str
    value: float
    unit: str
    goal: str = ""


@dataclass
class Watched:
    """What was measured over some episodes of a task."""

    errors: list[float] = field(default_factory=list)
    speed_errors: list[float] = field(default_factory=list)
    states: list[TrackState] = field(default_factory=list)
    unusable: int = 0
    stages: dict[Stage, list[float]] = field(default_factory=lambda: {stage: [] for stage in Stage})
    picture: np.ndarray | None = None


def watch(
    task: str,
    spec: PerceptionSpec,
    models: Path,
    episodes: int,
    steps: int,
    steady: Callable[[], float] = time.perf_counter,
) -> Watched:
    """Let the expert play, look through the camera, compare with the simulator."""
    camera_spec, mounting = mounted(TWIN)
    env, expert = environment_of(task), kit(task).expert()
    clock = [0.0]
    result = Watched()
    streams = camera_spec.streams
    with eye_of(env, streams.width, streams.height) as eye:
        for episode in range(episodes):
            observation, _ = env.reset(seed=episode)
            expert = kit(task).expert()
            perception = make_perception(spec, camera_spec, mounting, models, steady)
            camera = SimulatedCamera(eye, mounting.intrinsics, lambda: clock[0], StereoNoise(), seed=episode)
            before: dict[str, np.ndarray] = {}
            for step in range(steps):
                clock[0] += 0.2
                reading = camera.read(0.0)
                scene = perception.process(reading, clock[0])
                truth = env.objects()
                _count(result, scene, truth, before)
                before = truth
                if reading.frame is not None and episode == 0 and step == PICTURE_AT:
                    result.picture = draw_scene(reading.frame, scene, mounting.transform)
                observation, *_ = env.step(expert(observation))
    return result


def _count(
    result: Watched, scene: Scene, truth: dict[str, np.ndarray], before: dict[str, np.ndarray]
) -> None:
    result.unusable += bool(scene.problems)
    for stage, seconds in scene.latency.items():
        result.stages[stage].append(seconds)
    for track in scene.tracks:
        result.states.append(track.state)
        if track.state is TrackState.VISIBLE:
            result.errors.append(float(np.linalg.norm(track.position - truth[track.name])))
            if track.name in before:
                velocity = (truth[track.name] - before[track.name]) / 0.2
                result.speed_errors.append(float(np.linalg.norm(track.velocity - velocity)))


def rows_of(subject: str, watched: Watched, capture: list[float]) -> list[Row]:
    """The figures of one task."""
    errors = 1e3 * np.array(watched.errors)
    count = len(watched.states)
    rows = [
        Row(subject, "position error, median", float(np.median(errors)), "mm", "< 6"),
        Row(subject, "position error, p95", float(np.percentile(errors, 95)), "mm", "< 15"),
        Row(subject, "position error, greatest", float(errors.max()), "mm"),
        Row(subject, "velocity error, median", 1e3 * float(np.median(watched.speed_errors)), "mm/s"),
        Row(subject, "velocity error, p95", 1e3 * float(np.percentile(watched.speed_errors, 95)), "mm/s"),
        *(
            Row(subject, f"objects {state.value}", 100.0 * watched.states.count(state) / count, "%")
            for state in TrackState
        ),
        Row(subject, "frames that could not be used", float(watched.unusable), ""),
    ]
    # The first frames are slower: memory, caches.
    stages = {stage.value: np.array(seconds[5:]) for stage, seconds in watched.stages.items()}
    chain = np.sum(list(stages.values()), axis=0)
    chain += np.random.default_rng(0).choice(capture, chain.size)
    for name, seconds in (*stages.items(), ("whole chain", chain)):
        p50, p99 = (1e3 * float(np.percentile(seconds, p)) for p in (50, 99))
        goal = f"< {GOALS_MS[name]:g}" if name in GOALS_MS else ""
        rows += [Row(subject, f"{name}, p50", p50, "ms"), Row(subject, f"{name}, p99", p99, "ms", goal)]
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write table and pictures."""
    parser = argparse.ArgumentParser(description="Time perception, and compare it with the simulator.")
    parser.add_argument(
        "--models", type=Path, help="folder of detectors: also measures detection fused with YOLO"
    )
    parser.add_argument(
        "--runtime", default=Runtime.ONNXRUNTIME, choices=list(Runtime), help="of the network"
    )
    parser.add_argument("--tasks", nargs="+", default=TASKS, choices=TASKS)
    parser.add_argument("--episodes", type=int, default=6)
    parser.add_argument("--steps", type=int, default=40, help="of each episode")
    parser.add_argument("--pictures", type=Path, help="folder for a picture of each task")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--cpu-time", action="store_true", help="not the time on the wall")
    given = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    clock = time.process_time if given.cpu_time else time.perf_counter
    capture = capture_seconds(200, clock)
    p50, p99 = (1e3 * float(np.percentile(capture, p)) for p in (50, 99))
    rows = [
        Row("capture", "read and align 640x480, p50", p50, "ms"),
        Row("capture", "read and align 640x480, p99", p99, "ms"),
    ]
    for task in given.tasks:
        for kind, spec in _variants(task, given.models, given.runtime).items():
            models = given.models or Path()
            watched = watch(task, spec, models, given.episodes, given.steps, clock)
            rows += rows_of(f"{task}, {kind}", watched, capture)
            if given.pictures is not None and watched.picture is not None:
                given.pictures.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(
                    str(given.pictures / f"perception_{_snake(task)}_{kind.split(',')[0]}.jpg"),
                    watched.picture,
                )
    write(rows, given.out, given.cpu_time)


def _variants(task: str, models: Path | None, runtime: str) -> dict[str, PerceptionSpec]:
    """Colour alone, and fused where there is a detector."""
    plain = perception_of(task)
    found = {
        "colour": plain.model_copy(update={"detector": plain.detector.model_copy(update={"kind": "colour"})})
    }
    if models is not None and (models / task).is_dir():
        fused = plain.detector.model_copy(update={"kind": "fused", "model": task, "runtime": runtime})
        found[f"fused, {runtime}"] = plain.model_copy(update={"detector": fused})
    return found


def _snake(task: str) -> str:
    """``BoundedPush`` becomes ``bounded_push``."""
    return re.sub("(?<!^)(?=[A-Z])", "_", task).lower()


def write(rows: list[Row], folder: Path, cpu_time: bool) -> None:
    """Write CSV and Markdown, with what is needed to repeat it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "perception.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["subject", "what", "value", "unit", "goal"])
        writer.writerows([row.subject, row.what, f"{row.value:.4g}", row.unit, row.goal] for row in rows)
    lines = ["# Perception", "", "| of | what | value | goal |", "|---|---|---|---|"]
    lines += [f"| {row.subject} | {row.what} | {row.value:.3g} {row.unit} | {row.goal} |" for row in rows]
    command = " ".join(["python -m benchmarks.perception", *sys.argv[1:]])
    lines += [
        "",
        f"`{command}`; simulated camera with stereo noise, nothing from a real D435; one thread, "
        f"{os.cpu_count()} cores, {platform.machine()}; NumPy {np.__version__}, OpenCV "
        f"{cv2.__version__}. Times are {'CPU times' if cpu_time else 'times on the wall'}. The whole chain "
        "is the stages and a capture drawn from those measured. Objects that the arm hides are predicted, "
        "then lost; the first frame of an episode finds nothing, because it takes two.",
    ]
    text = "\n".join(lines) + "\n"
    (folder / "perception.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
