"""The plots of an audit: where the shield would have stepped in, and the risk over telling episodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from farl.calibration import up_to_violation
from farl_ros.audit import Audited, Verdict
from farl_ros.plot_style import AMBER, BLUE, GREY, INK, RED, new_figure, styled, to_svg
from farl_ros.task_spec import TaskSpec

MOST_ROWS = 120
"""Of the map; more would be thinner than a pixel."""
_COLOURS = ("#ffffff", "#e5e7eb", AMBER, RED)
_LABELS = ("no step", "left alone", "would step in", "violation")


@styled
def where_plot(episodes: Sequence[Audited], spec: TaskSpec) -> str:
    """Per episode the steps in which the shield would step in; and where the hand was in them.

    Args:
        episodes: The most telling verdicts are drawn on top.
        spec: The task.
    """
    order = list(Verdict)
    shown = sorted(episodes, key=lambda e: order.index(e.verdict))[:MOST_ROWS]
    figure, (left, right) = new_figure(2, height=min(6.5, 2.6 + 0.035 * len(shown)))
    grid = np.zeros((len(shown), max(len(e.watched.episode) for e in shown)), np.int64)
    for row, e in zip(grid, shown, strict=True):
        row[: len(e.watched.episode)] = 1
        row[: len(e.flagged)][e.flagged] = 2
        row[: len(e.watched.episode)][e.watched.episode.costs > 0] = 3
    left.imshow(grid, aspect="auto", cmap=ListedColormap(_COLOURS), vmin=0, vmax=3, interpolation="nearest")
    left.grid(False)
    starts = [i for i, e in enumerate(shown) if i == 0 or e.verdict != shown[i - 1].verdict]
    places: list[float] = []
    for start in starts:  # labels of small groups must not lie on one another
        places.append(max(start, places[-1] + len(shown) / 24) if places else start)
    left.set_yticks(places, [shown[i].verdict.value for i in starts])
    left.set_xlabel(f"step; {len(shown)} of {len(episodes)} episodes, one row each")
    left.legend(
        handles=[Patch(color=c, label=n) for c, n in zip(_COLOURS[1:], _LABELS[1:], strict=True)],
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=3,
    )
    _over_the_table(right, episodes, spec)
    return to_svg(figure)


@styled
def timeline_plot(episodes: Sequence[Audited], threshold: float) -> str:
    """Risk over the steps of episodes, now and then, one panel each; linear up to the threshold, then log.

    Args:
        episodes: Which.
        threshold: ε_safe now.
    """
    figure, panels = new_figure(len(episodes), height=2.5)
    for axes, e in zip(panels, episodes, strict=True):
        _timeline(axes, e, threshold)
    panels[0].legend(loc="upper left")
    return to_svg(figure)


def _timeline(axes: Axes, e: Audited, threshold: float) -> None:
    watched = e.watched
    steps, then = np.arange(len(e.risk)), np.flatnonzero(np.isfinite(watched.risk))
    for step in np.flatnonzero(watched.intervened):
        axes.axvspan(step - 0.5, step + 0.5, color=AMBER, alpha=0.25, lw=0)
    if len(then):
        axes.plot(then, watched.risk[then], color=GREY, lw=1.4, label="risk then (shaded: swapped)")
        axes.axhline(watched.threshold, color=GREY, ls=":", lw=1.0)
    axes.plot(steps, e.risk, color=BLUE, label="risk now")
    axes.plot(steps[e.flagged], e.risk[e.flagged], "o", ms=3.5, color=RED, label="would step in")
    axes.axhline(threshold, color=INK, ls="--", lw=1.0)
    if watched.episode.failed:
        axes.axvline(up_to_violation(watched.episode) - 1, color=RED, lw=1.4)
    axes.set_yscale("symlog", linthresh=max(threshold, 1e-3))
    axes.set_ylim(bottom=0.0)
    axes.set_xlim(0.0, max(1, len(watched.episode) - 1))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    lead = "" if e.lead is None else f", {e.lead} steps ahead"
    axes.set_title(f"{e.verdict.value}{lead}: {watched.path.parent.name}/{watched.path.name}")
    axes.set_ylabel("risk")
    axes.set_xlabel("step (red line: violation; dashed: threshold)")


def _over_the_table(axes: Axes, episodes: Sequence[Audited], spec: TaskSpec) -> None:
    flagged, failing, others = [], [], []
    for e in episodes:
        hand = spec.position(spec.hand, e.watched.episode.observations)[:, :2]
        flagged.append(hand[: len(e.flagged)][e.flagged])
        others.append(hand[: len(e.flagged)][~e.flagged])
        if e.watched.episode.failed:
            failing.append(hand[up_to_violation(e.watched.episode) - 1][None])
    for points, colour, size, label in (
        (others, "#d1d5db", 2, "left alone"),
        (flagged, AMBER, 5, "would step in"),
        (failing, RED, 14, "violation"),
    ):
        if points:
            x, y = np.concatenate(points).T
            axes.scatter(x, y, s=size, color=colour, label=label, linewidths=0, rasterized=True)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_title("where the hand was, from above")
    axes.set_xlabel("x [m]")
    axes.set_ylabel("y [m]")
    axes.legend(loc="best", frameon=True)
