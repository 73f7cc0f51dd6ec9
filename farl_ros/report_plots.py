"""The plots of a run's report, each as one SVG text; labelled axes with units, drawn without a display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator
from numpy.typing import NDArray

from farl_ros.plot_style import AMBER, BLUE, GREEN, GREY, INK, RED, as_share, new_figure, styled, to_svg
from farl_ros.run_records import EpisodeRecord
from farl_ros.run_traces import Trace
from farl_ros.task_spec import TaskSpec

Floats = NDArray[np.float64]
_POINTS, _FEW_POINTS = 800, 20


@styled
def return_plot(records: Sequence[EpisodeRecord]) -> str:
    """Return of every episode with its rolling mean, and the success rate, over agent steps."""
    steps, returns = _column(records, "steps"), _column(records, "episode_return")
    figure, (left, right) = new_figure(2)
    shown = _thinned(len(records))
    size = 5 if len(records) > _FEW_POINTS else 10
    left.plot(steps[shown], returns[shown], ".", ms=size, mew=0, color=BLUE, alpha=0.35, label="episode")
    left.plot(steps[shown], _rolling(returns)[shown], color=BLUE, label=_window_label("mean", len(records)))
    left.legend(loc="best")
    _over_steps(left, "return")
    right.plot(steps[shown], _rolling(_column(records, "success"))[shown], color=GREEN)
    as_share(right)
    right.set_ylim(-0.03, 1.03)
    _over_steps(right, _window_label("success rate", len(records)))
    return to_svg(figure)


@styled
def failure_plot(records: Sequence[EpisodeRecord]) -> str:
    """Failing episodes so far, and their share among recent episodes, over agent steps."""
    steps, failed = _column(records, "steps"), _column(records, "failed")
    figure, (left, right) = new_figure(2)
    shown = _thinned(len(records))
    left.plot(steps[shown], np.cumsum(failed)[shown], color=RED, drawstyle="steps-post")
    left.set_ylim(bottom=0.0)
    left.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    _over_steps(left, "failing episodes so far")
    right.plot(steps[shown], _rolling(failed)[shown], color=RED)
    as_share(right)
    _over_steps(right, _window_label("failure rate", len(records)))
    return to_svg(figure)


@styled
def shield_plot(records: Sequence[EpisodeRecord]) -> str:
    """Share of steps that the recovery policy executed, and mean predicted risk, over agent steps."""
    steps, lengths = _column(records, "steps"), _column(records, "length")
    figure, (left, right) = new_figure(2)
    shown = _thinned(len(records))
    recovery = _rolling(_column(records, "recovery_steps")) / _rolling(lengths)
    left.plot(steps[shown], recovery[shown], color=AMBER)
    as_share(left)
    _over_steps(left, _window_label("recovery share", len(records)))
    greatest, mean = _column(records, "max_risk"), _column(records, "mean_risk")
    right.plot(steps[shown], _rolling(greatest)[shown], color=AMBER, label="greatest of the episode")
    right.plot(steps[shown], _rolling(mean)[shown], color=BLUE, label="mean of the episode")
    right.set_ylim(bottom=0.0)
    right.legend(loc="best")
    _over_steps(right, _window_label("predicted risk", len(records)))
    return to_svg(figure)


@styled
def update_plot(updates: Mapping[str, Floats]) -> str:
    """Every figure of the learner's updates over agent steps, in small panels."""
    names = [name for name in updates if name not in ("at_steps", "policy_version", "steps")]
    figure, panels = new_figure(len(names), height=2.3, columns=4)
    for axes, name in zip(panels, names, strict=True):
        marker = "." if len(updates[name]) < _FEW_POINTS else ""
        axes.plot(updates["at_steps"], updates[name], color=BLUE, marker=marker)
        axes.set_title(name.replace("_", " "))
        _over_steps(axes, "")
    return to_svg(figure)


@styled
def risk_plot(trace: Trace, rate_hz: float) -> str:
    """Predicted risk of one episode against the threshold, with interventions and the failure marked.

    Args:
        trace: The episode.
        rate_hz: Control rate [Hz].
    """
    figure, (axes,) = new_figure(1, height=3.6)
    time = np.arange(len(trace.risk)) / rate_hz
    _shade(axes, time, trace.intervened, 1.0 / rate_hz)
    axes.plot(time, trace.risk, color=BLUE, label="risk")
    axes.plot(time, trace.threshold, color=INK, linestyle="--", linewidth=1.2, label="threshold")
    failed = np.flatnonzero(trace.cost > 0.0)
    if len(failed):
        axes.axvline(time[failed[0]], color=RED, linewidth=1.5, label="failure")
    axes.set_ylim(bottom=0.0)
    axes.set_xlim(0.0, max(time[-1], 1.0 / rate_hz))
    axes.set_xlabel("time [s]")
    axes.set_ylabel("predicted risk")
    axes.legend(loc="best")
    return to_svg(figure)


@styled
def path_plot(trace: Trace, spec: TaskSpec) -> str:
    """One episode from above: paths of object and hand, the goal, and the border of the failure set."""
    figure, (axes,) = new_figure(1, height=3.6)
    seen = np.concatenate((trace.object[:, :2], trace.hand[:, :2], trace.goal[None, :2]))
    border = np.array(spec.failure.boundary(max(float(seen[:, 1].max()) + 0.1, spec.workspace.upper[1])))
    axes.plot(border[:, 0], border[:, 1], color=RED, linewidth=2.2, label="failure border")
    axes.plot(trace.hand[:, 0], trace.hand[:, 1], color=GREY, linewidth=1.1, label="hand")
    axes.plot(trace.object[:, 0], trace.object[:, 1], color=BLUE, label=spec.traced_object)
    axes.plot(*trace.object[0, :2], "o", color=BLUE, markerfacecolor="white", label="start")
    axes.plot(*trace.goal[:2], "*", color=GREEN, markersize=13, label="goal")
    swapped = trace.object[:-1][trace.intervened]
    if len(swapped):
        axes.plot(swapped[:, 0], swapped[:, 1], ".", color=AMBER, markersize=7, label="intervention")
    failed = np.flatnonzero(trace.cost > 0.0)
    if len(failed):
        axes.plot(*trace.object[failed[0] + 1, :2], "X", color=RED, markersize=9, label="failure")
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel("x [m]")
    axes.set_ylabel("y [m]")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return to_svg(figure)


def _column(records: Sequence[EpisodeRecord], name: str) -> Floats:
    return np.array([getattr(record, name) for record in records], dtype=np.float64)


def _window(episodes: int) -> int:
    """Length of rolling means: a twentieth of the run, from 5 to 200 episodes."""
    return int(np.clip(episodes // 20, 5, 200))


def _window_label(name: str, episodes: int) -> str:
    return f"{name} (last {_window(episodes)} episodes)"


def _rolling(values: Floats) -> Floats:
    """Mean of each value and those before it in the window."""
    window = _window(len(values))
    sums = np.concatenate(([0.0], np.cumsum(values)))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def _thinned(count: int) -> NDArray[np.intp]:
    """Indices of at most 800 of ``count`` points, the last among them: more cannot be seen."""
    return np.unique(np.linspace(0, count - 1, min(count, _POINTS)).round().astype(np.intp))


def _over_steps(axes: Axes, label: str) -> None:
    axes.set_xlabel("agent steps")
    axes.set_ylabel(label)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlim(left=0.0)


def _shade(axes: Axes, time: Floats, marked: NDArray[np.bool_], step: float) -> None:
    """Shade the stretches of time in which ``marked`` holds."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marked, [False])).astype(np.int8)))
    for index, (start, end) in enumerate(zip(edges[::2], edges[1::2], strict=True)):
        label = "intervention" if index == 0 else None
        axes.axvspan(time[start], time[end - 1] + step, color=AMBER, alpha=0.3, linewidth=0, label=label)
