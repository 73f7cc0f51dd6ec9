"""What a replay leaves: a CSV with a row per step, figures as JSON, and a page with a plot."""

from __future__ import annotations

import csv
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from farl.files import write_json
from farl_ros.plot_style import AMBER, BLUE, GREEN, GREY, INK, RED, new_figure, styled, to_svg
from farl_ros.replay.divergence import Divergence
from farl_ros.replay.into_shield import WhatIf

FIGURES, PAGE = "replay.json", "replay.html"
_COLOURS = (BLUE, AMBER, GREEN, INK, GREY)
_TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #1f2937; max-width: 60rem; margin: 2rem auto; }}
td, th {{ padding: .15rem 1rem .15rem 0; text-align: left; }} svg {{ max-width: 100%; height: auto; }}
</style></head><body><h1>{title}</h1><p>{summary}</p><table>{rows}</table>{plot}</body></html>
"""


@styled
def divergence_plot(result: Divergence) -> str:
    """Distance of hand and objects from the recording over the steps, as SVG."""
    figure, (axes,) = new_figure(1)
    for (name, values), colour in zip(result.distances.items(), _COLOURS, strict=False):
        axes.plot(result.steps, values, color=colour, label=name)
    axes.set(xlabel="step", ylabel="distance [m]", title="how far the simulator is from the recording")
    axes.set_ylim(0.0, max(1e-6, 1.05 * result.greatest))
    axes.legend()
    return to_svg(figure)


@styled
def risk_plot(result: WhatIf) -> str:
    """Predicted risk then and now over the steps, and what was and would be swapped, as SVG."""
    figure, (axes,) = new_figure(1)
    for risk, threshold, swapped, colour, name in (
        (result.risk_then, result.threshold_then, result.swapped_then, GREY, "then"),
        (result.risk_now, result.threshold_now, result.swapped_now, BLUE, "now"),
    ):
        axes.plot(result.steps, risk, color=colour, label=f"risk {name}")
        axes.axhline(threshold, color=colour, linewidth=0.9, linestyle="--")
        axes.plot(
            result.steps[swapped], risk[swapped], "o", color=colour, markersize=4, label=f"swapped {name}"
        )
    for number, step in enumerate(result.steps[result.failing]):
        axes.axvline(step, color=RED, linewidth=0.8, alpha=0.5, label=None if number else "failing")
    axes.set(xlabel="step", ylabel="predicted risk", title="risk of what was proposed, then and now")
    axes.legend()
    return to_svg(figure)


def write_divergence(result: Divergence, summary: Mapping[str, Any], out: Path) -> Path:
    """Write ``divergence.csv``, ``replay.json`` and the page into a folder; returns the page."""
    names = list(result.distances)
    rows = zip(result.steps.tolist(), *(result.distances[name].tolist() for name in names), strict=True)
    _write_csv(out / "divergence.csv", ["step", *(f"{name}_m" for name in names)], rows)
    return _write_page(out, "Replay into the simulator", summary, result.table(), divergence_plot(result))


def write_what_if(result: WhatIf, summary: Mapping[str, Any], out: Path) -> Path:
    """Write ``decisions.csv``, ``replay.json`` and the page into a folder; returns the page."""
    columns = {
        "step": result.steps,
        "risk_then": result.risk_then,
        "risk_now": result.risk_now,
        "swapped_then": result.swapped_then.astype(int),
        "swapped_now": result.swapped_now.astype(int),
        "changed": result.changed.astype(int),
        "failing": result.failing.astype(int),
    }
    rows = zip(*(np.asarray(column).tolist() for column in columns.values()), strict=True)
    _write_csv(out / "decisions.csv", list(columns), rows)
    return _write_page(out, "Replay into a shield", summary, result.table(), risk_plot(result))


def _write_csv(path: Path, header: Sequence[str], rows: Any) -> None:  # noqa: ANN401 - rows of a zip
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _write_page(
    out: Path, title: str, summary: Mapping[str, Any], table: Sequence[Mapping[str, Any]], plot: str
) -> Path:
    write_json(out / FIGURES, {**summary, "table": [_finite(row) for row in table]})
    cells = [[_text(value) for value in row.values()] for row in table]
    lines = [[html.escape(name) for name in table[0]], *cells]
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in lines)
    said = ", ".join(f"{html.escape(str(key))} {_text(value)}" for key, value in summary.items())
    page = _TEMPLATE.format(title=title, summary=said, rows=rows, plot=plot[plot.index("<svg") :])
    (out / PAGE).write_text(page, encoding="utf-8")
    return out / PAGE


def _text(value: Any) -> str:  # noqa: ANN401 - a figure or a text
    return f"{value:.6g}" if isinstance(value, float) else html.escape(str(value))


def _finite(row: Mapping[str, Any]) -> dict[str, Any]:
    """Without NaN, which JSON does not know."""
    return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in row.items()}
