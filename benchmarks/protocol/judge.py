"""What a finished run was worth: its figures, its curve, and its policy before and after.

    .venv/bin/python -m benchmarks.protocol.judge SIZE TASK PRESET SEED FOLDER OUT

A process of its own: it can be killed, and it shares its core with nobody.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.protocol.identity import identity_of, job_of, resumable
from benchmarks.protocol.policies import Policies
from benchmarks.protocol.sizes import SIZES, Cell, Size
from benchmarks.protocol.tables import CurveRow, RunRow
from benchmarks.protocol.theorem import FINAL, INITIAL, TheoremRow, measure
from farl.files import read_json, write_json
from farl.learner import Learner
from farl.presets import Preset
from farl.shield import ShieldMode
from farl_ros.checkpoints import newest_checkpoint
from farl_ros.run import RunError
from farl_ros.run_metrics import RunMetrics
from farl_ros.run_records import EpisodeRecord

POINTS = 100
"""Moments of a curve."""


@dataclass(frozen=True)
class Judgement:
    """All about one run but its processor time and memory, which only its parent knows."""

    row: RunRow
    curve: Sequence[CurveRow]
    theorem: Sequence[TheoremRow]

    def write(self, path: Path) -> None:
        """Write it for the parent process."""
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Judgement:
        """Read what ``write`` wrote."""
        content = read_json(path)
        return cls(
            RunRow(**content["row"]),
            [CurveRow(**row) for row in content["curve"]],
            [TheoremRow(**row) for row in content["theorem"]],
        )


def judge(size: Size, cell: Cell, folder: Path) -> Judgement:
    """Judge a finished run.

    Raises:
        RunError: It is not finished, or models, task or settings have changed while it ran.
    """
    identity = identity_of(size, cell)
    if not resumable(folder, identity):
        raise RunError(f"{folder}: models, task or settings have changed since it began; start again")
    metrics = RunMetrics(folder / "metrics")
    figures = metrics.summary()
    checkpoint = newest_checkpoint(folder / "checkpoints")
    if checkpoint is None or figures["steps"] < size.steps:
        raise RunError(f"{folder}: {figures['steps']} of {size.steps} steps; it is not finished, start again")
    job = job_of(size, cell, folder)
    learner = Learner(job.bundle, job.settings.ppo, cell.seed)
    before = learner.fast_policy()
    learner.load(checkpoint)
    after = learner.fast_policy()

    policies = Policies(job, size.episodes)
    initial, _ = policies.mean_action(before, ShieldMode.OFF)
    final, final_return_no_penalty = policies.mean_action(after, ShieldMode.OFF)
    shielded, _ = policies.mean_action(after, ShieldMode.ON)
    noisy = policies.exploring(after)
    row = RunRow(
        **_names(cell),
        **_online(figures),
        initial_return=initial.mean_return,
        final_return=final.mean_return,
        final_return_noisy=noisy.mean_return,
        final_return_no_penalty=final_return_no_penalty,
        final_return_shielded=shielded.mean_return,
        final_failure_rate=final.failure_rate,
        final_failure_rate_noisy=noisy.failure_rate,
        false_alarm_rate=policies.false_alarms(after),
        expert_return=policies.expert_return(),
        wall_s=metrics.records[-1].wall_s,
        cpu_s=None,
        max_rss_mb=None,
        model_hash=identity.model_hash,
        task_sha=identity.task_sha,
        settings_sha=identity.settings_sha,
    )
    theorem = [
        term
        for which, policy in ((INITIAL, before), (FINAL, after))
        for term in measure(
            job, which, policy, policies.shield(policy, ShieldMode.ON), cell.seed, size.correction
        )
    ]
    return Judgement(row, curve_of(cell, metrics.records), theorem)


def curve_of(cell: Cell, records: Sequence[EpisodeRecord]) -> list[CurveRow]:
    """A run's cumulative figures at moments evenly spread over its steps, between episodes interpolated."""
    steps = np.array([0, *(r.steps for r in records)], np.float64)
    grid = np.linspace(0.0, steps[-1], POINTS + 1)

    def until(values: Sequence[float]) -> list[float]:
        return [float(v) for v in np.interp(grid, steps, np.concatenate(([0.0], np.cumsum(values))))]

    columns = {
        "steps": [float(v) for v in grid],
        "episodes": until([1.0] * len(records)),
        "failures": until([r.failed for r in records]),
        "successes": until([r.success for r in records]),
        "reward": until([r.episode_return for r in records]),
        "recovery_steps": until([r.recovery_steps for r in records]),
    }
    return [
        CurveRow(**_names(cell), **dict(zip(columns, row, strict=True)))
        for row in zip(*columns.values(), strict=True)
    ]


def _names(cell: Cell) -> dict[str, Any]:
    return {"task": cell.task, "preset": cell.preset.value, "seed": cell.seed}


def _online(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of the run that its row takes over as they are."""
    names = ("steps", "episodes", "failures", "failures_per_1e6_steps")
    return {name: figures[name] for name in (*names, "failure_rate", "success_rate", "recovery_share")}


def main(size: str, task: str, preset: str, seed: str, folder: str, out: str) -> None:
    """Judge the run in ``folder`` and write the judgement to ``out``."""
    torch.set_num_threads(1)
    judge(SIZES[size], Cell(task, Preset(preset), int(seed)), Path(folder)).write(Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
