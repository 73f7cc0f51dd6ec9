"""The plots of a report on a world model and the choice of its shield, each as one SVG text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from farl.prediction_errors import ErrorCurve
from farl.quality import Foresight, LeadTimes, Reliability
from farl.selection import Choice, Curve
from farl_ros.plot_style import AMBER, BLUE, GREEN, GREY, INK, RED, as_share, new_figure, styled, to_svg

_SHADES = ("#93c5fd", "#60a5fa", "#2563eb", "#1e40af", "#172554")
"""Short to long look-ahead."""


@styled
def choice_plot(choice: Choice) -> str:
    """Failures caught over false alarms for every H, and the best within the budget per H and γ_risk."""
    figure, (left, right) = new_figure(2, height=3.6)
    curves = [c for c in choice.curves if c.gamma == choice.gamma]
    for colour, curve in zip(_SHADES[-len(curves) :], curves, strict=True):
        left.plot(
            curve.false_alarms, curve.caught, ".-", ms=5, lw=1.3, color=colour, label=f"H = {curve.horizon}"
        )
    left.axvline(choice.false_alarm_budget, color=INK, linestyle="--", linewidth=1.2, label="budget")
    figures, interval = choice.figures, choice.caught_interval
    if figures.caught is not None and figures.false_alarms is not None:
        reach = [[figures.caught - interval.low], [interval.high - figures.caught]]
        left.errorbar(
            figures.false_alarms, figures.caught, reach, fmt="o", ms=8, mfc="none", color=RED, capsize=4,
            label="chosen, 95 %", zorder=5,
        )  # fmt: skip
    left.set_xlim(0.0, max(4 * choice.false_alarm_budget, 0.2))
    left.xaxis.set_major_formatter(PercentFormatter(xmax=1.0, decimals=None))
    left.set_xlabel("false alarms (share of the steps of clean episodes)")
    left.set_title(f"all thresholds, discount {choice.gamma:g}")
    left.legend(loc="lower right")
    for axes in (left, right):
        as_share(axes)
        axes.set_ylim(0.0, 1.05)
        axes.set_ylabel("failures caught in time")
    horizons = sorted({c.horizon for c in choice.curves})
    gammas = sorted({c.gamma for c in choice.curves})
    for colour, gamma in zip((GREY, AMBER, BLUE), gammas, strict=True):
        best = [_best(c, choice.false_alarm_budget) for c in choice.curves if c.gamma == gamma]
        right.plot(horizons, best, "o-", ms=4, color=colour, label=f"discount {gamma:g}")
    if figures.caught is not None:
        right.plot(choice.horizon, figures.caught, "o", ms=11, mfc="none", color=RED, label="chosen")
    if figures.caught_by_chance is not None:
        right.axhline(figures.caught_by_chance, color=RED, linestyle=":", linewidth=1.4, label="by chance")
    right.set_xticks(horizons)
    right.set_xlabel("look-ahead H [agent steps]")
    right.set_title("most caught within the budget")
    right.legend(loc="center right")
    return to_svg(figure)


def _best(curve: Curve, budget: float) -> float:
    within = [c for c, f in zip(curve.caught, curve.false_alarms, strict=True) if f <= budget]
    return max(within, default=0.0)


@styled
def error_plot(curves: Sequence[ErrorCurve], horizon: int) -> str:
    """Error over the steps rolled out, one panel per curve; lengths in millimetres.

    Args:
        curves: Latent state and fields.
        horizon: The chosen H, marked.
    """
    figure, panels = new_figure(len(curves), height=2.9, columns=3)
    for axes, curve in zip(panels, curves, strict=True):
        scale, unit = (1e3, "mm") if curve.unit == "m" else (1.0, curve.unit)
        steps = np.arange(len(curve.median))
        axes.fill_between(
            steps, scale * np.array(curve.median), scale * np.array(curve.p90), color=BLUE, alpha=0.15
        )
        axes.plot(steps, scale * np.array(curve.p90), color=BLUE, lw=0.9, ls="--", label="90th percentile")
        axes.plot(steps, scale * np.array(curve.median), color=BLUE, label="median")
        axes.plot(steps, scale * np.array(curve.unmoved), color=GREY, label="median, if nothing moved")
        axes.axvline(horizon, color=INK, linestyle=":", linewidth=1.2)
        axes.set_title(curve.name.replace("_", " "))
        axes.set_ylabel("error" if unit == "1" else f"error [{unit}]")
        axes.set_ylim(bottom=0.0)
        _over_ahead(axes, "steps ahead (dotted: H)")
    panels[0].legend(loc="lower right")
    return to_svg(figure)


@styled
def foresight_plot(foresight: Sequence[Foresight], times: LeadTimes) -> str:
    """Precision and recall of predicted failures over k; flags by steps before failures; their first flags.

    Args:
        foresight: For k = 1 … H.
        times: First flags.
    """
    figure, (left, middle, right) = new_figure(3, height=3.2, columns=3)
    steps = [f.steps for f in foresight]
    for name, colour in (("precision", BLUE), ("recall", GREEN)):
        values = [getattr(f, name) for f in foresight]
        left.plot(steps, [np.nan if v is None else v for v in values], color=colour, label=name)
    left.legend(loc="best")
    _over_ahead(left, "k: failure within so many steps")
    left.set_ylabel("at probability > 0.5")
    flagged = [np.nan if f.flagged is None else f.flagged for f in foresight]
    middle.bar(steps, flagged, color=AMBER, width=0.8)
    middle.axvline(times.lead - 0.5, color=INK, linestyle="--", linewidth=1.2)
    middle.set_ylabel("share of states flagged")
    _over_ahead(middle, f"steps before the failure (useful from {times.lead})")
    _lead_times(right, times)
    for axes in (left, middle):
        as_share(axes)
        axes.set_ylim(0.0, 1.03)
    return to_svg(figure)


@styled
def reliability_plot(reliability: Reliability) -> str:
    """Observed frequency over predicted probability, with the number of states behind each point."""
    figure, (left, right) = new_figure(2)
    predicted = [b.predicted for b in reliability.bins]
    left.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.2, label="reliable")
    left.plot(predicted, [b.observed for b in reliability.bins], "o-", color=BLUE, label="world model")
    left.set_xlim(0.0, 1.0)
    left.set_ylim(0.0, 1.0)
    left.set_ylabel("observed frequency")
    left.legend(loc="upper left")
    right.bar(predicted, [b.count for b in reliability.bins], width=0.05, color=BLUE)
    right.set_yscale("log")
    right.set_xlim(0.0, 1.0)
    right.set_ylabel("states (log scale)")
    for axes in (left, right):
        axes.set_xlabel(f"predicted probability of a failure within {reliability.horizon} steps")
    return to_svg(figure)


def _lead_times(axes: Axes, times: LeadTimes) -> None:
    """How many failures were first flagged so many steps before, and how many never in the window."""
    counts = np.bincount(np.array(times.leads, np.int64), minlength=times.window + 1)
    colours = [AMBER if steps < times.lead else GREEN for steps in range(len(counts))]
    axes.bar(range(len(counts)), counts, color=colours, width=0.8)
    axes.bar([-4], [times.missed], color=RED, width=0.8)
    axes.axvline(times.lead - 0.5, color=INK, linestyle="--", linewidth=1.2)
    ticks = sorted({0, times.lead, *range(0, times.window + 1, 5), times.window})
    axes.set_xticks([-4, *ticks], ["missed", *map(str, ticks)])
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(f"steps from first flag to failure ({times.window}: or earlier)")
    axes.set_ylabel("failures")


def _over_ahead(axes: Axes, label: str) -> None:
    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlim(left=0.0)
