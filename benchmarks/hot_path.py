"""How fast the hot path is: the shield's check, environment steps, from state to command through the graph.

    .venv/bin/python -m benchmarks.hot_path            # writes benchmarks/results/hot_path.csv and .md

Everything on one thread, with the shipped models. The machine should be idle: figures of a busy one say so by
a wide gap between p50 and p99.
"""

from __future__ import annotations

import csv
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from rich.console import Console

from farl.actor import Actor
from farl.finetuning import Limit
from farl.models import ModelBundle, load_models
from farl.policy import FastPolicy
from farl.presets import Preset, settings_for
from farl.rollout import run_episodes
from farl.shield import Shield, ShieldSettings
from farl_ros.environments import make_environment
from farl_ros.graph_job import run_through_graph
from farl_ros.job import Job
from farl_ros.nodes.simulator import Simulator
from farl_ros.provenance import versions
from farl_ros.task_spec import TaskSpec, load_task
from farl_ros.view import FinetuneView

TASK = "BoundedPush"
ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
CHECKS, STEPS = 3000, 4000


@dataclass(frozen=True)
class Row:
    """One figure: what, in which unit, and the goal that it is held against (as text; empty without one)."""

    what: str
    value: float
    unit: str
    goal: str = ""


def percentiles(what: str, seconds: list[float], goal_ms: float | None) -> list[Row]:
    """p50 and p99 in milliseconds; the goal is for p99."""
    p50, p99 = (float(np.percentile(seconds, p)) * 1e3 for p in (50, 99))
    goal = "" if goal_ms is None else f"< {goal_ms:g}"
    return [Row(f"{what}, p50", p50, "ms"), Row(f"{what}, p99", p99, "ms", goal)]


def shield_of(models: ModelBundle, settings: ShieldSettings) -> Shield:
    """A shield around the task policy."""
    policy, recovery = FastPolicy.of(models.task_policy), FastPolicy.of(models.recovery_policy)
    return Shield(settings, policy, recovery, models.world_model, models.world_model_hash)


def shield_checks(spec: TaskSpec, models: ModelBundle) -> list[Row]:
    """Time single checks on states of one episode."""
    base = settings_for(Preset.PAPER, models).shield
    environment = make_environment(spec)
    actor = Actor(FastPolicy.of(models.task_policy).with_std(0.3), 0, spec.horizon)
    episode = next(run_episodes([environment], actor, shield_of(models, base), 0, 0, lambda running: True))
    rows = []
    for horizon in (5, 10, 20):
        shield = shield_of(models, ShieldSettings(base.mode, horizon, base.gamma, base.form, base.threshold))
        seconds = []
        for i in range(CHECKS):
            transition = episode.transitions[i % len(episode)]
            begin = time.perf_counter()
            shield.check(transition.observation, transition.proposed)
            seconds.append(time.perf_counter() - begin)
        rows += percentiles(f"shield check, H = {horizon}", seconds[100:], 2.0)
    return rows


def direct_speed(spec: TaskSpec, models: ModelBundle, preset: Preset, environments: int) -> float:
    """Agent steps per second of the direct loop, without the updates."""
    actor = Actor(FastPolicy.of(models.task_policy).with_std(0.3), 0, spec.horizon)
    shield = shield_of(models, settings_for(preset, models).shield)
    slots = [make_environment(spec) for _ in range(environments)]
    begin, done, started = time.perf_counter(), 0, 0

    def may_start(running: int) -> bool:
        nonlocal started
        started += 1
        return done + running < STEPS

    for episode in run_episodes(slots, actor, shield, 0, 0, may_start):
        done += len(episode)
    return done / (time.perf_counter() - begin)


def graph_speed(spec: TaskSpec, preset: Preset, record: bool) -> tuple[float, list[float]]:
    """Agent steps per second through the graph, and the times from a published state to its command [s]."""
    latencies: list[float] = []
    published = [0.0]
    on_command, publish = Simulator._on_command, Simulator._publish

    def timed_command(self: Simulator, command: object) -> None:
        latencies.append(time.perf_counter() - published[0])
        on_command(self, command)

    def timed_publish(self: Simulator, *arguments: object) -> None:
        published[0] = time.perf_counter()
        publish(self, *arguments)

    Simulator._on_command, Simulator._publish = timed_command, timed_publish
    try:
        with tempfile.TemporaryDirectory() as folder:
            # Fewer steps than the first update needs: the learner's time is not the hot path's.
            job = Job.of(
                spec, ROOT / "models" / TASK, preset, 0, Limit(steps=1800), Path(folder) / "run", False
            )
            view = FinetuneView("benchmark", job.limit, Console(quiet=True))
            run = run_through_graph(job, TASK, record, view)
            first, last = run.metrics.records[0], run.metrics.records[-1]
            speed = (last.steps - first.steps) / (last.wall_s - first.wall_s)
    finally:
        Simulator._on_command, Simulator._publish = on_command, publish
    return speed, latencies[50:]


def best_of(times: int, measure: Callable[[], float]) -> float:
    """The best of some repetitions: what others on the machine take away is not ours."""
    return max(measure() for _ in range(times))


def main() -> None:
    """Measure, print and write the table."""
    torch.set_num_threads(1)
    spec = load_task(TASK)
    models = load_models(ROOT / "models" / TASK, TASK)
    rows = shield_checks(spec, models)
    speeds = {}
    for preset in Preset:
        for environments in (1, 8):
            speeds[preset, environments] = best_of(
                3, lambda p=preset, n=environments: direct_speed(spec, models, p, n)
            )
            goal = "> 2000" if (preset, environments) == (Preset.UNI_O4, 8) else ""
            name = f"direct, {environments} environment{'s' if environments > 1 else ''}, {preset.value}"
            rows.append(Row(name, speeds[preset, environments], "steps/s", goal))
    for record in (False, True):
        runs = [graph_speed(spec, Preset.PAPER, record) for _ in range(3)]
        speed, latencies = max(runs, key=lambda run: run[0])
        name = f"graph, {Preset.PAPER.value}, {'with' if record else 'without'} recorder"
        rows.append(Row(name, speed, "steps/s"))
        rows.append(Row(f"{name}, share of direct", speed / speeds[Preset.PAPER, 1], "", "> 0.333"))
        rows += percentiles(f"{name}, state to command", latencies, 5.0)
    write(rows)


def write(rows: list[Row]) -> None:
    """Write CSV and Markdown, with what is needed to repeat it."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / "hot_path.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["what", "value", "unit", "goal"])
        writer.writerows([row.what, f"{row.value:.4g}", row.unit, row.goal] for row in rows)
    lines = ["# Hot path", "", "| what | value | goal |", "|---|---|---|"]
    lines += [f"| {row.what} | {row.value:.3g} {row.unit} | {row.goal} |" for row in rows]
    told = ", ".join(f"{name} {version}" for name, version in versions().items())
    command = " ".join(["python -m benchmarks.hot_path", *sys.argv[1:]])
    lines += ["", f"`{command}`; seed 0; {os.cpu_count()} cores, {platform.machine()}; {told}."]
    text = "\n".join(lines) + "\n"
    (RESULTS / "hot_path.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
