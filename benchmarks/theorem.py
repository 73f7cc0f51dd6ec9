"""The terms of Theorem 1, measured: before and after fine-tuning, with and without the shield.

    .venv/bin/python -m benchmarks.theorem             # writes benchmarks/results/theorem.csv and a plot

The final policies are those of the BoundedPush runs of ``benchmarks/failurebench.py small``, where they
exist. Takes about a minute and a half of one core per policy.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import matplotlib
import numpy as np
import torch

from farl.correction import CorrectionSettings, CorrectionTerms, measure_correction
from farl.estimates import Estimate
from farl.learner import Learner
from farl.models import ModelBundle, load_models
from farl.policy import FastPolicy
from farl.presets import Preset, settings_for
from farl.shield import Shield
from farl_ros.checkpoints import newest_checkpoint
from farl_ros.environments import kit_of
from farl_ros.run import RunFolder
from farl_ros.run_series import flagged_share
from farl_ros.task_spec import TaskSpec, load_task

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "benchmarks" / "results" / "theorem.csv"
PLOT = ROOT / "docs" / "images" / "theorem.png"
SHARE_PLOT = ROOT / "docs" / "images" / "flagged_share.png"
RUNS = ROOT / "runs" / "failurebench" / "small"
SETTINGS = CorrectionSettings(episodes=200, flagged_states=150)  # the defaults are too few to tell δ from 0
SEED = 1000  # not one of the runs' own: other episodes than the policies were trained on
SHARES = ("p_risk", "fails_alone", "eps_rec", "saved")
VALUES = ("delta", "correction", "intervention")
BOUND = ("bound", "gain")


@dataclass(frozen=True)
class Measurement:
    """The terms of one policy.

    Attributes:
        task: Its name.
        policy: ``initial``, or the run that made it.
        terms: See ``CorrectionTerms``.
    """

    task: str
    policy: str
    terms: CorrectionTerms


def policy_of(models: ModelBundle, preset: Preset, seed: int, run: Path | None) -> FastPolicy:
    """The exploring policy that fine-tuning starts with, or that of a run's newest checkpoint.

    Raises:
        FileNotFoundError: The run has no checkpoint.
    """
    learner = Learner(models, settings_for(preset, models).ppo, seed)
    if run is not None:
        checkpoint = newest_checkpoint(run / "checkpoints")
        if checkpoint is None:
            raise FileNotFoundError(f"{run}: no checkpoint; remove the folder and run again")
        learner.load(checkpoint)
    return learner.fast_policy()


def measure(
    spec: TaskSpec, models: ModelBundle, policy: FastPolicy, seed: int, settings: CorrectionSettings
) -> CorrectionTerms:
    """Measure one policy under the shield of the ``paper`` preset; the task's horizon and γ included."""
    farl = settings_for(Preset.PAPER, models)
    recovery = FastPolicy.of(models.recovery_policy)
    shield = Shield(farl.shield, policy, recovery, models.world_model, models.world_model_hash)
    settings = replace(settings, longest=spec.horizon, gamma=farl.ppo.gamma)
    make = kit_of(spec).make
    endless = {**spec.environment_kwargs(evaluation=True), "horizon": spec.horizon + settings.branch_steps}
    return measure_correction(
        make(**spec.environment_kwargs()), make(**endless), policy, shield, seed, settings
    )


def write(measurements: Sequence[Measurement], path: Path) -> None:
    """Write one row per term."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["task", "policy", "term", "mean", "standard_error", "count"])
        for m in measurements:
            for name, value in vars(m.terms).items():
                cells = [value.mean, value.standard_error] if isinstance(value, Estimate) else [value, None]
                count = value.count if isinstance(value, Estimate) else None
                texts = ["" if c is None else f"{c:.5g}" for c in (*cells, count)]
                writer.writerow([m.task, m.policy, name, *texts])


def plot(measurements: Sequence[Measurement], path: Path) -> None:
    """Draw shares, values and bound against gain, one colour per policy, bars of ± one standard error.

    Terms that could not be measured are left out. Tasks have rewards of different size, hence a row each.
    """
    tasks = list(dict.fromkeys(m.task for m in measurements))
    figure, rows = pyplot.subplots(
        len(tasks),
        3,
        figsize=(12, 3.2 * len(tasks)),
        layout="constrained",
        squeeze=False,
        width_ratios=(4, 3, 2),
    )
    for task, axes in zip(tasks, rows, strict=True):
        mine = [m for m in measurements if m.task == task]
        for axis, names in zip(axes, (SHARES, VALUES, BOUND), strict=True):
            _bars(axis, mine, names)
        axes[0].set(ylabel="share", title=f"{task}: flagged, and what becomes of it", ylim=(0.0, None))
        axes[1].set(ylabel="discounted reward", title="worth of one correction")
        axes[2].set(ylabel="discounted reward per step", title="bound and gain")
        axes[0].legend(frameon=False, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def plot_flagged_share(runs: Sequence[Path], path: Path, width: int = 5000) -> None:
    """Draw the share of flagged proposals over the course of runs with a shield."""
    figure, axis = pyplot.subplots(figsize=(6, 3.2), layout="constrained")
    for run in runs:
        series = flagged_share(RunFolder.open(run).metrics.records, width)
        axis.plot(series.steps, series.share, label=run.name)
    axis.set(xlabel="agent steps", ylabel="flagged proposals", ylim=(0.0, None))
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _bars(axis: Axes, measurements: Sequence[Measurement], names: Sequence[str]) -> None:
    width = 0.8 / len(measurements)
    for i, m in enumerate(measurements):
        estimates: list[Estimate] = [getattr(m.terms, name) for name in names]
        heights = [np.nan if e.mean is None else e.mean for e in estimates]
        errors = [0.0 if e.standard_error is None else e.standard_error for e in estimates]
        x = np.arange(len(names)) + (i - (len(measurements) - 1) / 2.0) * width
        axis.bar(x, heights, width, yerr=errors, label=m.policy, error_kw={"lw": 1.0})
    axis.set_xticks(range(len(names)), [name.replace("_", " ") for name in names])
    axis.axhline(0.0, color="black", lw=0.6)
    axis.spines[["top", "right"]].set_visible(False)


def _told(error: float | None) -> str:
    return "?" if error is None else f"{error:.2g}"


def main() -> None:
    """Measure the initial policies of both tasks and the final ones of two runs, write table and plot."""
    torch.set_num_threads(1)
    finals = {
        f"{p.value}-s0": (p, run) for p in Preset if (run := RUNS / f"BoundedPush-{p.value}-s0").is_dir()
    }
    cells = [("BoundedPush", "initial", Preset.PAPER, None), ("DiscTable", "initial", Preset.PAPER, None)]
    cells += [("BoundedPush", name, preset, run) for name, (preset, run) in finals.items()]
    measurements = []
    for task, name, preset, run in cells:
        spec, models = load_task(task), load_models(ROOT / "models" / task, task)
        start = time.process_time()
        terms = measure(spec, models, policy_of(models, preset, 0, run), SEED, SETTINGS)
        measurements.append(Measurement(task, name, terms))
        told = {k: v for k, v in vars(terms).items() if isinstance(v, Estimate) and v.mean is not None}
        print(
            f"{task} {name}: {terms.flagged} of {terms.states} states flagged, "
            + ", ".join(f"{k} {v.mean:.3g} ± {_told(v.standard_error)} ({v.count})" for k, v in told.items())
            + f"; {time.process_time() - start:.0f} s",
            flush=True,
        )
    write(measurements, TABLE)
    plot(measurements, PLOT)
    plot_flagged_share(sorted(RUNS.glob(f"BoundedPush-{Preset.PAPER.value}-s[0-9]")), SHARE_PLOT)


if __name__ == "__main__":
    main()
