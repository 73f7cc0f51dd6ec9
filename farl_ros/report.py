"""The report of a run: one HTML file that needs nothing else, no network and no scripts."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from farl.files import read_json, write_atomic
from farl_ros.report_plots import (
    Floats,
    behaviour_plot,
    failure_plot,
    path_plot,
    return_plot,
    risk_plot,
    update_plot,
)
from farl_ros.run import COMMANDS, TASK, VERSIONS, RunFolder
from farl_ros.run_metrics import UPDATES, read_rows
from farl_ros.run_records import EpisodeRecord
from farl_ros.run_traces import LAST, Trace, read_trace, trace_name

REPORT = "report.html"
_FEW_EPISODES = 20


@dataclass(frozen=True)
class Card:
    """A headline figure; ``tone`` is a class of the style sheet."""

    label: str
    value: str
    detail: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Plot:
    """A picture in the page, as a data URI, and what it says to those who cannot see it."""

    uri: str
    alt: str


@dataclass(frozen=True)
class Section:
    """A heading with plots."""

    title: str
    text: str
    plots: tuple[Plot, ...]


@dataclass(frozen=True)
class Table:
    """Names and values."""

    title: str
    rows: tuple[tuple[str, str], ...]


def write_report(run: Path) -> Path:
    """Write ``report.html`` into a run folder, finished or not, and return its path.

    Raises:
        RunError: It is not a run folder, or its metrics are damaged.
    """
    folder = RunFolder.open(run)
    versions = read_json(run / VERSIONS) if (run / VERSIONS).is_file() else {}
    command = (run / COMMANDS).read_text(encoding="utf-8") if (run / COMMANDS).is_file() else "unknown"
    preset = folder.settings.get("preset", "no preset")
    template = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    ).get_template("report.html.j2")
    html = template.render(
        title=f"{folder.spec.name} · {preset}",
        subtitle=f"{run.resolve().name} · revision {versions.get('git_revision', 'unknown')[:12]}",
        notes=_notes(folder),
        cards=_cards(folder.summary()),
        sections=list(_sections(folder)),
        command=command.strip(),
        tables=(
            Table("Settings", tuple(_flat(folder.settings))),
            Table("Versions", tuple(_flat(versions))),
        ),
        spec=(run / TASK).read_text(encoding="utf-8"),
    )
    write_atomic(run / REPORT, html.encode())
    return run / REPORT


def _notes(run: RunFolder) -> list[str]:
    episodes = len(run.metrics.records)
    if episodes == 0:
        return ["No episode has been finished in this run: there is nothing to plot yet."]
    if episodes < _FEW_EPISODES:
        return [f"A short run of {episodes} episodes: the rates below say little yet."]
    return []


def _cards(figures: Mapping[str, Any]) -> list[Card]:
    def number(name: str, form: str) -> str:
        return "–" if figures[name] is None else format(figures[name], form)

    shield = f"p50, p99 {number('shield_ms_p99', '.2f')} ms"
    return [
        Card("failures", number("failures", ",d"), f"{number('failures_per_1e6_steps', ',.0f')} per 10⁶ steps", "red"),
        Card("failure rate", number("failure_rate", ".1%"), "of episodes", "red"),
        Card("success rate", number("success_rate", ".1%"), "of episodes", "green"),
        Card("mean return", number("mean_return", ",.1f"), "per episode"),
        Card("interventions", number("interventions", ",d"), "steps that the shield swapped", "amber"),
        Card("recovery share", number("recovery_share", ".2%"), "of agent steps", "amber"),
        Card("agent steps", number("steps", ",d"), f"{number('episodes', ',d')} episodes"),
        Card("steps per second", number("steps_per_second", ",.0f"), "with everything"),
        Card("shield check", f"{number('shield_ms_p50', '.2f')} ms", shield)
        if figures["shield_ms_p50"] is not None
        else Card("shield check", "–", "no shield in this run"),
    ]


def _sections(run: RunFolder) -> Iterator[Section]:
    records = run.metrics.records
    if records:
        yield Section("Return", "", (_plot(return_plot(records), "return over agent steps"),))
        yield Section(
            "Failures",
            "An episode counts once, however long it stays in the failure set.",
            (_plot(failure_plot(records), "failing episodes so far and failure rate over agent steps"),),
        )
        yield Section(
            "Success and recovery",
            "",
            (_plot(behaviour_plot(records), "success rate and recovery share over agent steps"),),
        )
    updates = _updates(run.path)
    if updates:
        text = f"{len(updates['at_steps'])} updates of the policy."
        yield Section("Learner", text, (_plot(update_plot(updates), "figures of the updates over agent steps"),))
    for title, trace in _traces(run):
        yield Section(
            title,
            "Left: what the shield predicted before each step. Right: the same episode from above.",
            (
                _plot(risk_plot(trace, run.spec.control_rate_hz), "predicted risk over time"),
                _plot(path_plot(trace, run.spec), "paths of object and hand from above"),
            ),
        )


def _traces(run: RunFolder) -> Iterator[tuple[str, Trace]]:
    """The latest traced episode that the shield saved, and the latest that failed; else the last or the first one."""
    records = run.metrics.records
    shown = [("an intervention, no failure", lambda r: r.saved), ("a failure", lambda r: r.failed)]
    found = False
    for what, fits in shown:
        record = _latest_traced(run, fits)
        if record is not None:
            found = True
            yield f"Episode {record.episode}: {what}", read_trace(run.traces / trace_name(record.episode))
    if found or not records:
        return
    path = run.traces / LAST
    if path.is_file():
        yield f"Episode {records[-1].episode}: the last one", read_trace(path)
    elif (path := run.traces / trace_name(records[0].episode)).is_file():
        yield f"Episode {records[0].episode}: the first one", read_trace(path)


def _latest_traced(run: RunFolder, fits: Any) -> EpisodeRecord | None:  # noqa: ANN401
    traced = (r for r in reversed(run.metrics.records) if fits(r) and (run.traces / trace_name(r.episode)).is_file())
    return next(traced, None)


def _updates(run: Path) -> dict[str, Floats]:
    rows = read_rows(run / "metrics" / UPDATES)
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]} if rows else {}


def _plot(svg: str, alt: str) -> Plot:
    return Plot(f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}", alt)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)
