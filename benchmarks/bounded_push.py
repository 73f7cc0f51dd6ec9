"""Fewer failures from the same models and seeds: ``paper`` against ``uni_o4`` on BoundedPush.

    .venv/bin/python benchmarks/bounded_push.py        # writes benchmarks/results/bounded_push.csv and a plot

Every run is one `farl finetune` with --direct --envs 8 and 100 000 agent steps; two run side by side. A run
that has a row in the table already is skipped, so that the table can be made in pieces.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import torch

from farl.actor import Actor
from farl.evaluation import Evaluation, evaluate
from farl.learner import Learner
from farl.models import load_models
from farl.policy import FastPolicy
from farl.presets import Preset, settings_for
from farl.shield import Shield, ShieldMode
from farl_ros.checkpoints import newest_checkpoint
from farl_ros.environments import make_environment
from farl_ros.provenance import versions
from farl_ros.run import RunFolder
from farl_ros.task_spec import load_task

matplotlib.use("Agg")
from matplotlib import pyplot

TASK, STEPS, SEEDS, ENVIRONMENTS = "BoundedPush", 100_000, (0, 1, 2), 8
ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "benchmarks" / "results" / "bounded_push.csv"
PLOT = ROOT / "docs" / "images" / "fewer_failures.png"
RUNS = ROOT / "runs" / "bounded_push"
MODELS = ROOT / "models" / TASK
SMOOTHED = 10_000  # agent steps over which the plot averages the reward
COLOURS = {Preset.UNI_O4: "#2563eb", Preset.PAPER: "#dc2626"}


def run(cell: tuple[Preset, int]) -> None:
    """Make one run, and its row."""
    preset, seed = cell
    name = f"{preset.value}-s{seed}"
    folder, figures = RUNS / name, RUNS / f"{name}.json"
    command = ["finetune", TASK, "--preset", preset.value, "--seed", str(seed), "--steps", str(STEPS)]
    command += ["--direct", "--envs", str(ENVIRONMENTS), "--out", str(folder), "--json", str(figures)]
    resume = ["--resume"] if (folder / "settings.json").is_file() else []
    RUNS.mkdir(parents=True, exist_ok=True)
    with (RUNS / f"{name}.log").open("a") as log:
        program = [sys.executable, "-m", "farl_ros.cli", *command, *resume]
        subprocess.run(program, cwd=ROOT, stdout=log, stderr=log, check=True)
    made = json.loads(figures.read_text())
    before, after = final_policies(preset, seed, folder)
    row = {
        "task": TASK,
        "preset": preset.value,
        "seed": seed,
        **{k: made[k] for k in ("steps", "episodes", "failures", "failures_per_1e6_steps", "failure_rate")},
        "success_rate": made["success_rate"],
        "initial_return": before.mean_return,
        "final_return": after[ShieldMode.OFF].mean_return,
        "final_return_shielded": after[ShieldMode.ON].mean_return,
        "final_failure_rate": after[ShieldMode.OFF].failure_rate,
        "recovery_share": made["recovery_share"],
        "wall_s": RunFolder.open(folder).metrics.records[-1].wall_s,
    }
    cells = {k: f"{v:.5g}" if isinstance(v, float) else str(v) for k, v in row.items()}
    new = not TABLE.exists()
    with TABLE.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(cells), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(cells)
    print(", ".join(f"{k} {v}" for k, v in cells.items()), flush=True)


def final_policies(
    preset: Preset, seed: int, folder: Path
) -> tuple[Evaluation, dict[ShieldMode, Evaluation]]:
    """Evaluate the mean action over the whole horizon: before, alone; after, alone and under the shield."""
    spec, models = load_task(TASK), load_models(MODELS, TASK)
    settings = settings_for(preset, models)
    learner = Learner(models, settings.ppo, seed)
    before = learner.fast_policy()
    checkpoint = newest_checkpoint(folder / "checkpoints")
    if checkpoint is None:
        raise FileNotFoundError(f"{folder}: no checkpoint; remove the folder and run again")
    learner.load(checkpoint)
    environment = make_environment(spec, evaluation=True)

    def judge(policy: FastPolicy, mode: ShieldMode) -> Evaluation:
        shield = Shield(
            replace(settings.shield, mode=mode),
            policy,
            FastPolicy.of(models.recovery_policy),
            models.world_model,
            models.world_model_hash,
        )
        actor = Actor(policy, seed, spec.horizon, deterministic=True)
        return evaluate(
            [environment], actor, shield, 1, seed
        )  # one layout, no noise: every episode is the same

    after = learner.fast_policy()
    return judge(before, ShieldMode.OFF), {mode: judge(after, mode) for mode in ShieldMode}


def plot() -> None:
    """Cumulative failing episodes and return per step, mean and range over the seeds."""
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    grid = np.linspace(0, STEPS, 101)
    for preset in Preset:
        failures, returns = [], []
        for seed in SEEDS:
            records = RunFolder.open(RUNS / f"{preset.value}-s{seed}").metrics.records
            steps = np.array([r.steps for r in records])
            failures.append(np.interp(grid, steps, np.cumsum([r.failed for r in records])))
            earned = np.interp(grid, steps, np.cumsum([r.episode_return for r in records]))
            returns.append((earned - np.interp(grid - SMOOTHED, grid, earned)) / np.clip(grid, 1, SMOOTHED))
        for axis, curves in zip(axes, (failures, returns), strict=True):
            middle = np.mean(curves, 0)
            axis.plot(grid[1:], middle[1:], color=COLOURS[preset], label=preset.value)
            low, high = np.min(curves, 0)[1:], np.max(curves, 0)[1:]
            axis.fill_between(grid[1:], low, high, color=COLOURS[preset], alpha=0.15, lw=0)
    axes[0].set(xlabel="agent steps", ylabel="failing episodes so far")
    axes[1].set(xlabel="agent steps", ylabel="reward per agent step, of 20")
    for axis in axes:
        axis.legend(frameon=False)
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{TASK}: fine-tuning without (uni_o4) and with (paper) the shield, {len(SEEDS)} seeds")
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=110)


def main() -> None:
    """Make the rows that are missing, then the plot and a summary."""
    torch.set_num_threads(1)
    done = set()
    if TABLE.exists():
        with TABLE.open() as file:
            done = {(row["preset"], int(row["seed"])) for row in csv.DictReader(file)}
    cells = [(p, s) for s in SEEDS for p in Preset if (p.value, s) not in done]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, cells))
    plot()
    with TABLE.open() as file:
        rows = list(csv.DictReader(file))
    total = {p: sum(int(r["failures"]) for r in rows if r["preset"] == p.value) for p in Preset}
    change = total[Preset.PAPER] / total[Preset.UNI_O4] - 1.0
    told = ", ".join(f"{name} {version}" for name, version in versions().items())
    counts = ", ".join(f"{preset.value} {count}" for preset, count in total.items())
    print(f"failing episodes: {counts} ({change:+.1%}); {told}")


if __name__ == "__main__":
    main()
