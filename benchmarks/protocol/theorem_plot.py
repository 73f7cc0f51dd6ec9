"""The terms of Theorem 1 as one picture: a panel a term, a group a task."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.protocol.plots import COLOURS
from benchmarks.protocol.theorem import FINAL, INITIAL, SHOWN, TheoremRow
from farl.presets import Preset
from farl_ros.plot_style import GREY, INK, new_figure, styled, to_svg

LABELS = {
    "p_risk": "p_risk: share of states at risk",
    "delta": "δ: safe over risky actions",
    "eps_rec": "ε_rec: failures under recovery",
    "bound": r"bound: p_risk $\cdot$ δ $\cdot$ (1 $-$ ε_rec)",
    "gain": "gain: what the swaps are worth",
}
_WIDTH = 0.2  # between points of one task


@styled
def theorem_plot(rows: Sequence[TheoremRow]) -> str:
    """All shown terms as SVG; one point for each task, preset and policy: the mean over the seeds."""
    tasks = list(dict.fromkeys(row.task for row in rows))
    presets = [preset for preset in Preset if any(row.preset == preset.value for row in rows)]
    series = [(INITIAL, presets[0], INK), *((FINAL, preset, COLOURS[preset]) for preset in presets)]
    figure, panels = new_figure(len(SHOWN), height=2.7, columns=3)
    for axes, term in zip(panels, SHOWN, strict=True):
        axes.axhline(0.0, color=GREY, linewidth=0.8)
        for n, (policy, preset, colour) in enumerate(series):
            shift = (n - (len(series) - 1) / 2) * _WIDTH
            for at, task in enumerate(tasks):
                point = mean_over_seeds(rows, task, preset, policy, term)
                if point is None:
                    continue
                mean, error = point
                label = "initial" if policy == INITIAL else f"{preset.value}, final"
                axes.errorbar(
                    at + shift,
                    mean,
                    None if error is None else 2.0 * error,
                    fmt="o",
                    color=colour,
                    markerfacecolor="white" if policy == INITIAL else colour,
                    label=label if at == 0 else None,
                )
        axes.set_title(LABELS[term])
        axes.set_xticks(range(len(tasks)), [_broken(task) for task in tasks], fontsize=8)
        axes.set_xlim(-0.6, len(tasks) - 0.4)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower right", bbox_to_anchor=(0.98, 0.12))
    return to_svg(figure)


def mean_over_seeds(
    rows: Sequence[TheoremRow], task: str, preset: Preset, policy: str, term: str
) -> tuple[float, float | None] | None:
    """Mean of a term over the seeds and its standard error; None where no seed has it.

    The error is that of a mean of independent estimates; None where it is not known of one.
    """
    found = [
        row
        for row in rows
        if (row.task, row.preset, row.policy, row.term) == (task, preset.value, policy, term)
        and row.mean is not None
    ]
    if not found:
        return None
    mean = float(np.mean([row.mean for row in found]))
    errors = [row.standard_error for row in found if row.standard_error is not None]
    if len(errors) < len(found):
        return mean, None
    return mean, float(np.sqrt(np.sum(np.square(errors)))) / len(found)


def _broken(task: str) -> str:
    """A task's name on two lines."""
    head = next((n for n, letter in enumerate(task) if n and letter.isupper()), len(task))
    return f"{task[:head]}\n{task[head:]}"
