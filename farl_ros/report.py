"""The report of a run: one HTML file that needs nothing else, no network and no scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from farl.files import read_json, write_atomic
from farl_ros.report_page import Card, Section, Table, flat, picture, render
from farl_ros.report_plots import (
    Floats,
    failure_plot,
    path_plot,
    return_plot,
    risk_plot,
    shield_plot,
    update_plot,
)
from farl_ros.run import COMMANDS, TASK, VERSIONS, RunFolder
from farl_ros.run_metrics import UPDATES, read_rows
from farl_ros.run_traces import LAST, Trace, read_trace, trace_name

REPORT = "report.html"
_FEW_EPISODES = 20


def write_report(run: Path) -> Path:
    """Write ``report.html`` into a run folder, finished or not, and return its path.

    Raises:
        RunError: It is not a run folder, or its metrics are damaged.
    """
    folder = RunFolder.open(run)
    versions = read_json(run / VERSIONS) if (run / VERSIONS).is_file() else {}
    command = (run / COMMANDS).read_text(encoding="utf-8") if (run / COMMANDS).is_file() else "unknown"
    preset = folder.settings.get("preset", "no preset")
    html = render(
        title=f"{folder.spec.name} · {preset}",
        subtitle=f"{run.resolve().name} · revision {_short(versions.get('git_revision', 'unknown'))}",
        notes=_notes(folder),
        cards=_cards(folder.summary(), folder.shadow),
        sections=list(_sections(folder)),
        command=command,
        tables=(
            Table("Settings", tuple(flat(folder.settings))),
            Table("Versions", tuple(flat(versions))),
        ),
        spec=(run / TASK).read_text(encoding="utf-8"),
    )
    write_atomic(run / REPORT, html.encode())
    return run / REPORT


UNCALIBRATED_NOTE = (
    "Uncalibrated: nothing says how the shield's threshold was chosen, and the run was insisted on "
    "(--uncalibrated)."
)
SHADOW_NOTE = (
    "Shadow: the arm was held still. Every decision was made and recorded, none was executed, nothing was "
    "learnt. Return, success and failures are those of a scene in which the arm did nothing; what the shield "
    "would have prevented cannot be known from it."
)


def _notes(run: RunFolder) -> list[str]:
    uncalibrated = [UNCALIBRATED_NOTE] if run.settings.get("uncalibrated") else []
    return [*uncalibrated, *([SHADOW_NOTE] if run.shadow else []), *_length_notes(run)]


def _length_notes(run: RunFolder) -> list[str]:
    episodes = len(run.metrics.records)
    if episodes == 0:
        return ["No episode has been finished in this run: there is nothing to plot yet."]
    if episodes < _FEW_EPISODES:
        return [f"A short run of {episodes} episodes: the rates below say little yet."]
    return []


def _cards(figures: Mapping[str, Any], shadow: bool) -> list[Card]:
    def number(name: str, form: str) -> str:
        return "n/a" if figures[name] is None else format(figures[name], form)

    checked = figures["shield_ms_p99"] is not None
    shield = f"p99 {number('shield_ms_p99', '.2f')} ms" if checked else "no check made"
    failures = f"{number('failures_per_1e6_steps', ',.0f')} per 10⁶ steps"
    swapped = Card("interventions", number("interventions", ",d"), "swapped steps", "amber")
    if shadow:
        swapped = Card("shadow", number("would_swap_steps", ",d"), "steps it would have swapped", "amber")
    return [
        Card("failures", number("failures", ",d"), failures, "red"),
        Card("failure rate", number("failure_rate", ".1%"), "of episodes", "red"),
        Card("success rate", number("success_rate", ".1%"), "of episodes", "green"),
        Card("mean return", number("mean_return", ",.1f"), "per episode"),
        swapped,
        Card("recovery share", number("recovery_share", ".2%"), "of agent steps", "amber"),
        Card("episodes", number("episodes", ",d")),
        Card("agent steps", number("steps", ",d")),
        Card("steps per second", number("steps_per_second", ",.0f"), "of running time"),
        Card("shield check [ms]", number("shield_ms_p50", ".2f"), shield),
    ]


def _sections(run: RunFolder) -> Iterator[Section]:
    records = run.metrics.records
    if records:
        yield Section("Return and success", "", (picture(return_plot(records), "return and success rate"),))
        yield Section(
            "Failures",
            "An episode counts once, however long it stays in the failure set.",
            (picture(failure_plot(records), "failing episodes so far, and failure rate"),),
        )
    if any(np.isfinite(record.max_risk) for record in records):
        yield Section("Shield", "", (picture(shield_plot(records), "recovery share, and predicted risk"),))
    updates = _updates(run.path)
    if updates:
        text = f"{len(updates['at_steps'])} updates of the policy."
        yield Section("Learner", text, (picture(update_plot(updates), "figures of the updates"),))
    for title, trace in _traces(run):
        path = picture(path_plot(trace, run.spec), "paths of object and hand from above")
        if np.isfinite(trace.risk).any():
            text = "Left: what the shield predicted before each step. Right: the same episode from above."
            risk = picture(risk_plot(trace, run.spec.control_rate_hz), "predicted risk over time")
            yield Section(title, text, (risk, path))
        else:
            yield Section(title, "The episode from above; no shield watched it.", (path,))


def _traces(run: RunFolder) -> Iterator[tuple[str, Trace]]:
    """The latest traced episodes that the shield saved and that failed; else the last or the first one."""
    records = run.metrics.records
    traced = [r for r in reversed(records) if (run.traces / trace_name(r.episode)).is_file()]
    saved = next((r for r in traced if r.saved), None)
    failed = next((r for r in traced if r.failed), None)
    swapped = "the shield would have swapped" if run.shadow else "an intervention, no failure"
    for what, record in ((swapped, saved), ("a failure", failed)):
        if record is not None:
            yield f"Episode {record.episode}: {what}", read_trace(run.traces / trace_name(record.episode))
    if saved is not None or failed is not None or not records:
        return
    if (run.traces / LAST).is_file():
        yield f"Episode {records[-1].episode}: the last one", read_trace(run.traces / LAST)
    elif traced:
        yield f"Episode {traced[0].episode}", read_trace(run.traces / trace_name(traced[0].episode))


def _updates(run: Path) -> dict[str, Floats]:
    rows = read_rows(run / "metrics" / UPDATES)
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]} if rows else {}


def _short(revision: str) -> str:
    return revision[:12] + (" with local changes" if revision.endswith("-dirty") else "")
