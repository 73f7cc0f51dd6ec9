"""How every plot of the reports looks, drawn as SVG text without a display."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

P = ParamSpec("P")

INK, GREY, BLUE, RED, AMBER, GREEN = "#1f2937", "#9ca3af", "#2563eb", "#dc2626", "#f59e0b", "#059669"
_STYLE: dict[Any, Any] = {  # matplotlib types its keys by a list of all of them
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 10.5,
    "axes.titleweight": "normal",
    "axes.titlelocation": "left",
    "grid.color": "#e5e7eb",
    "grid.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
    "figure.constrained_layout.w_pad": 0.12,
    "figure.constrained_layout.h_pad": 0.08,
    "svg.hashsalt": "farl",
}


def styled(draw: Callable[P, str]) -> Callable[P, str]:
    """Draw in the report's style, whatever matplotlib is set to elsewhere."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> str:
        with rc_context(_STYLE):
            return draw(*args, **kwargs)

    return drawn


def new_figure(panels: int, height: float = 2.9, columns: int = 2) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, each ``height`` inches high."""
    rows = -(-panels // columns)
    width = {1: 5.6, 2: 11.2}.get(panels, 11.2)
    figure = Figure(figsize=(width, height * rows), layout="constrained")
    return figure, [figure.add_subplot(rows, min(columns, panels), n + 1) for n in range(panels)]


def to_svg(figure: Figure) -> str:
    """The figure as text, the same for the same content."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def as_share(axes: Axes) -> None:
    """Let the vertical axis show per cents, from 0."""
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1.0, decimals=None))
    axes.set_ylim(bottom=0.0)
