"""The table and the picture of the robot experiment, the paper's numbers beside ours."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.protocol.paper import METHODS
from benchmarks.protocol.plots import COLOURS
from benchmarks.protocol.texts import TextTable, change, number, with_spread
from benchmarks.twin.experiment import EPISODES, TwinRow
from farl.files import write_atomic
from farl.presets import Preset

_PAPER = Path(__file__).resolve().parents[1] / "paper_robot.csv"
_SHIFTS = (-0.18, 0.18)
_PRESETS = (Preset.UNI_O4, Preset.PAPER)
PAPER_REDUCTION, PAPER_GAIN = 0.731, 0.113
"""Fewer failing state-action pairs, and higher return, as the paper states them (mean over tasks)."""


@dataclass(frozen=True)
class Summary:
    """A preset on a task, over its seeds.

    Attributes:
        failing_steps: Failing state-action pairs in fifty episodes: mean.
        failing_steps_sd: Standard deviation over seeds.
        failing_episodes: Mean.
        before: Return of the offline policy alone: mean over seeds and episodes.
        before_sd: Standard deviation over episodes, mean over seeds.
        after: The same after fine-tuning.
        after_sd: The same.
        recovery_share: Mean share of steps in which the recovery policy acted.
        seeds: How many.
    """

    failing_steps: float
    failing_steps_sd: float
    failing_episodes: float
    before: float
    before_sd: float
    after: float
    after_sd: float
    recovery_share: float
    seeds: int

    @property
    def gain(self) -> float | None:
        """Rise of the return as a share of that before; None from nothing."""
        return self.after / self.before - 1.0 if self.before > 0.0 else None


def summary(rows: Sequence[TwinRow]) -> Summary:
    """Sum up the rows of one task and preset."""
    steps = [row.failing_steps for row in rows]
    return Summary(
        failing_steps=float(np.mean(steps)),
        failing_steps_sd=float(np.std(steps, ddof=1)) if len(steps) > 1 else 0.0,
        failing_episodes=float(np.mean([row.failing_episodes for row in rows])),
        before=float(np.mean([row.return_before for row in rows])),
        before_sd=float(np.mean([row.return_before_sd for row in rows])),
        after=float(np.mean([row.return_after for row in rows])),
        after_sd=float(np.mean([row.return_after_sd for row in rows])),
        recovery_share=float(np.mean([row.recovery_share for row in rows])),
        seeds=len(rows),
    )


Summaries = dict[str, dict[Preset, Summary]]


def summaries(rows: Sequence[TwinRow]) -> Summaries:
    """Summaries by task and preset, of those that have rows."""
    found: Summaries = {}
    for cell in dict.fromkeys((row.task, row.cell.preset) for row in rows):
        task, preset = cell
        mine = [row for row in rows if (row.task, row.cell.preset) == cell]
        found.setdefault(task, {})[preset] = summary(mine)
    return found


@cache
def published() -> dict[tuple[str, Preset], dict[str, float]]:
    """The paper's figures by task and preset (arXiv 2601.07821, Fig. 7 and Table III)."""
    presets = {method: preset for preset, method in METHODS.items()}
    with _PAPER.open(newline="") as file:
        return {
            (row["task"], presets[row["method"]]): {
                key: float(text) for key, text in row.items() if key not in ("task", "method", "source")
            }
            for row in csv.DictReader(file)
        }


def markdown(found: Summaries, command: str) -> str:
    """The results as a Markdown page."""
    parts = [
        "# The robot experiment in the twin",
        f"{EPISODES} online episodes through the ROS graph in lock-step, simulated Panda at 5 Hz; "
        "`uni_o4` (no shield) and `paper` (FARL) from the same models.",
        _failure_table(found).markdown(),
        _return_table(found).markdown(),
        *_verdicts(found),
        f"`{command}`; one row a run: `franka_twin.csv`. The paper's numbers: `benchmarks/paper_robot.csv`.",
    ]
    return "\n\n".join(parts) + "\n"


def _failure_table(found: Summaries) -> TextTable:
    rows = []
    for task, presets in found.items():
        mine = [presets.get(preset) for preset in _PRESETS]
        theirs = [published()[task, preset]["failing_steps"] for preset in _PRESETS]
        rows.append(
            (
                task,
                *(with_spread(s.failing_steps, s.failing_steps_sd) if s else number(None) for s in mine),
                change(reduction(presets)),
                *(number(steps) for steps in theirs),
                change(1.0 - theirs[1] / theirs[0]),
            )
        )
    seeds = max((s.seeds for presets in found.values() for s in presets.values()), default=0)
    return TextTable(
        f"Failing state-action pairs in {EPISODES} episodes",
        f"Mean and standard deviation over {seeds} seeds. The paper's: Fig. 7, one run each.",
        ("task", "uni_o4", "paper", "change", "the paper's Uni-O4", "FARL", "change"),
        tuple(rows),
    )


def _return_table(found: Summaries) -> TextTable:
    rows = []
    for task, presets in found.items():
        for preset, s in presets.items():
            theirs = published()[task, preset]
            rows.append(
                (
                    f"{task}, {preset.value}",
                    with_spread(s.before, s.before_sd),
                    with_spread(s.after, s.after_sd),
                    number(s.gain, "+.1%"),
                    number(s.failing_episodes, ".1f"),
                    number(s.recovery_share, ".1%"),
                    with_spread(theirs["return_before"], theirs["return_before_sd"]),
                    with_spread(theirs["return_after"], theirs["return_after_sd"]),
                )
            )
    return TextTable(
        "Return before and after",
        "The policy alone, mean action, whole horizon: mean over seeds, standard deviation over episodes. "
        "The paper's: Table III. Failing episodes and recoveries are those while learning.",
        (
            *("task, preset", "before", "after", "change", "failing episodes", "recovery steps"),
            *("the paper's before", "after"),
        ),
        tuple(rows),
    )


def reduction(presets: dict[Preset, Summary]) -> float | None:
    """Share of the failing steps of ``uni_o4`` that ``paper`` avoids; None where that is not known."""
    base, mine = presets.get(Preset.UNI_O4), presets.get(Preset.PAPER)
    if base is None or mine is None or base.failing_steps == 0.0:
        return None
    return 1.0 - mine.failing_steps / base.failing_steps


def _verdicts(found: Summaries) -> list[str]:
    reductions = [r for r in map(reduction, found.values()) if r is not None]
    gains = [g for presets in found.values() if (g := _gain(presets)) is not None]
    if not reductions or not gains:
        return []
    lines = [
        _verdict("failing state-action pairs avoided, mean over tasks", reductions, PAPER_REDUCTION),
        _verdict("return of `paper` raised, mean over tasks", gains, PAPER_GAIN),
    ]
    return ["## Yardsticks", "\n".join(lines)]


def _gain(presets: dict[Preset, Summary]) -> float | None:
    return presets[Preset.PAPER].gain if Preset.PAPER in presets else None


def _verdict(what: str, got: Sequence[float], yardstick: float) -> str:
    mean = float(np.mean(got))
    return (
        f"- {'met' if mean >= yardstick else '**missed**'}: {what}: {mean:.1%} (the paper: {yardstick:.1%})"
    )


def draw(found: Summaries, path: Path) -> None:
    """Figure 7 and Table III as one picture."""
    figure = Figure(figsize=(9.6, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    tasks = list(found)
    _bars(left, found, tasks)
    for n, task in enumerate(tasks):
        for shift, preset in zip(_SHIFTS, _PRESETS, strict=True):
            if preset in found[task]:
                s = found[task][preset]
                right.errorbar(
                    [n + shift - 0.07, n + shift + 0.07],
                    [s.before, s.after],
                    [s.before_sd, s.after_sd],
                    color=COLOURS[preset],
                    marker="o",
                    capsize=3,
                )
    right.set_ylabel("return before → after")
    for axes in (left, right):
        axes.set_xticks(range(len(tasks)), [task.removeprefix("Franka") for task in tasks])
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _bars(axes: Axes, found: Summaries, tasks: Sequence[str]) -> None:
    for shift, preset in zip(_SHIFTS, _PRESETS, strict=True):
        mine = [(n, found[task][preset]) for n, task in enumerate(tasks) if preset in found[task]]
        label = f"{preset.value}, no shield" if preset == Preset.UNI_O4 else preset.value
        axes.bar(
            [n + shift for n, _ in mine],
            [s.failing_steps for _, s in mine],
            width=0.34,
            yerr=[s.failing_steps_sd for _, s in mine],
            capsize=3,
            color=COLOURS[preset],
            label=label,
        )
    axes.set_ylabel(f"failing state-action pairs in {EPISODES} episodes")
    axes.legend(frameon=False)


def write(rows: Sequence[TwinRow], page: Path, picture: Path, command: str) -> None:
    """Write page and picture; nothing follows from no rows."""
    found = summaries(rows)
    if found:
        write_atomic(page, markdown(found, command).encode())
        draw(found, picture)
