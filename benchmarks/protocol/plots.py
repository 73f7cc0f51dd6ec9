"""The pictures: what happened over the steps, mean and range over the seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator
from numpy.typing import NDArray

from benchmarks.protocol.summary import BASELINE
from benchmarks.protocol.tables import CurveRow
from farl.presets import Preset
from farl_ros.plot_style import BLUE, RED, as_share, new_figure, styled, to_svg

Floats = NDArray[np.float64]
COLOURS = {Preset.UNI_O4: BLUE, Preset.PAPER: RED}
_SMOOTHED = 10  # rates are taken over this many hundredths of a run


class Curve:
    """One run over its steps.

    Attributes:
        steps: Agent steps of each moment.
        failures: Failing episodes so far.
        reward: Reward per agent step of late.
        recovery: Share of late steps in which the recovery policy acted.
    """

    def __init__(self, rows: Sequence[CurveRow]) -> None:
        """Take the rows of one cell."""
        self.steps, self.failures = _column(rows, "steps"), _column(rows, "failures")
        self.reward = _rate(self.steps, _column(rows, "reward"))
        self.recovery = _rate(self.steps, _column(rows, "recovery_steps"))


def curves_of(rows: Sequence[CurveRow], task: str) -> dict[Preset, list[Curve]]:
    """The curves of a task by preset, one per seed."""
    mine = [row for row in rows if row.task == task]
    cells = dict.fromkeys(row.cell for row in mine)
    curves: dict[Preset, list[Curve]] = {}
    for cell in sorted(cells, key=lambda c: (list(Preset).index(c.preset), c.seed)):
        curves.setdefault(cell.preset, []).append(Curve([row for row in mine if row.cell == cell]))
    return curves


@styled
def task_plot(curves: dict[Preset, list[Curve]]) -> str:
    """Failures, reward and recovery share of a task over the steps, as SVG."""
    figure, (failures, reward, recovery) = new_figure(3, columns=3)
    _draw(failures, curves, lambda c: c.failures, "failing episodes so far")
    failures.set_ylim(bottom=0.0)
    failures.legend(loc="upper left")
    _draw(reward, curves, lambda c: c.reward, "reward per agent step")
    _draw(recovery, curves, lambda c: c.recovery, "recovery share of steps")
    as_share(recovery)
    return to_svg(figure)


def draw_picture(curves: dict[str, dict[Preset, list[Curve]]], path: Path) -> None:
    """The picture of the README: failing episodes over the steps, one panel a task."""
    figure = Figure(figsize=(max(3.2 * len(curves), 5.0), 3.2), layout="constrained")
    for n, (task, by_preset) in enumerate(curves.items()):
        axes = figure.add_subplot(1, len(curves), n + 1)
        _draw(axes, by_preset, lambda c: c.failures, "failing episodes so far" if n == 0 else "")
        axes.set_ylim(bottom=0.0)
        axes.set_title(task, fontsize=11)
        axes.spines[["top", "right"]].set_visible(False)
        if n == 0:
            axes.legend(frameon=False, loc="upper left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _draw(
    axes: Axes, curves: dict[Preset, list[Curve]], values: Callable[[Curve], Floats], axis: str
) -> None:
    """Mean and range over the seeds of each preset."""
    for preset, runs in curves.items():
        grid = np.linspace(0.0, min(run.steps[-1] for run in runs), len(runs[0].steps))
        seeds = np.stack([np.interp(grid, run.steps, values(run)) for run in runs])
        label = f"{preset.value}, no shield" if preset == BASELINE else preset.value
        axes.plot(grid, seeds.mean(0), color=COLOURS[preset], label=label)
        axes.fill_between(grid, seeds.min(0), seeds.max(0), color=COLOURS[preset], alpha=0.15, lw=0)
    axes.set_xlabel("agent steps")
    axes.set_ylabel(axis)
    axes.set_xlim(left=0.0)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_major_locator(MaxNLocator(4))


def _column(rows: Sequence[CurveRow], name: str) -> Floats:
    return np.array([getattr(row, name) for row in rows], np.float64)


def _rate(steps: Floats, total: Floats) -> Floats:
    """Increase per step over the last tenth of the run, or over what there is of it; the start is NaN."""
    since = np.maximum(np.arange(len(steps)) - _SMOOTHED, 0)
    covered = steps - steps[since]
    return np.divide(total - total[since], covered, out=np.full_like(total, np.nan), where=covered > 0.0)
