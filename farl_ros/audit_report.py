"""The report of an audit: what the shield would have done in a folder of bags, on one page."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from farl.files import write_atomic, write_json
from farl.intervals import wilson
from farl_ros.audit import Audit, Audited, Verdict, telling
from farl_ros.audit_plots import timeline_plot, where_plot
from farl_ros.quality_plots import foresight_plot, reliability_plot
from farl_ros.report_page import Card, Grid, Section, Table, picture, render
from farl_ros.task_spec import TaskSpec

REPORT, FIGURES = "audit.html", "audit.json"


def write_audit(spec: TaskSpec, audit: Audit, command: Sequence[str], folder: Path) -> Path:
    """Write ``audit.html`` and ``audit.json`` into a folder, and return the path of the page.

    Args:
        spec: The task.
        audit: What was found.
        command: How to make it again.
        folder: Where to.
    """
    html = render(
        title=f"{spec.name} · audit of the shield",
        subtitle=f"{len(audit.episodes)} bags · world model {audit.world_model[:12]} · "
        + (f"calibration {audit.calibration[:12]}" if audit.calibration else "threshold of the model card"),
        notes=list(notes_on(audit)),
        cards=_cards(spec, audit),
        sections=list(_sections(spec, audit)),
        command=shlex.join(command),
        tables=(
            Table("Shield", tuple(_shield(audit))),
            Table("Then and now", tuple(_then_and_now(audit.episodes))),
            Table("Bags that could not be used", tuple((str(path), why) for path, why in audit.rejected)),
        ),
        spec=spec.resolved_yaml(),
    )
    write_atomic(folder / REPORT, html.encode())
    write_json(folder / FIGURES, audit.to_json())
    return folder / REPORT


def notes_on(audit: Audit) -> Iterator[str]:
    """What a reader must know before the figures."""
    seen = sum(e.trained_on for e in audit.episodes)
    if seen:
        yield (
            f"{seen} of {len(audit.episodes)} episodes are among those that the models were made from: they "
            "are shown below, and count in no figure."
        )
    still = [e for e in audit.episodes if not e.watched.natural and not e.watched.episode.failed]
    if still:
        yield (
            f"In {len(still)} episodes without a failure somebody stepped in, or they are recoveries, which "
            "begin in danger: what would have come nobody knows, so a flag there is neither right nor a "
            "false alarm."
        )
    if audit.figures.caught is None:
        yield "No failure counts here: nothing can be said of misses and lead times."
    elif audit.counted and audit.figures.false_alarms is None:
        yield "No episode without a failure counts here: nothing can be said of false alarms."
    if audit.rejected:
        yield f"{len(audit.rejected)} bags could not be used; they are named at the end, with the reasons."


def _cards(spec: TaskSpec, audit: Audit) -> list[Card]:
    figures, times = audit.figures, audit.lead_times
    failing = len(times.leads) + times.missed
    caught = len(times.leads) - times.late
    interval = wilson(caught, failing)
    counted = [e for e in audit.episodes if not e.trained_on]
    clean = sum(e.watched.natural and not e.watched.episode.failed for e in counted)
    false = sum(e.verdict == Verdict.FALSE_ALARM for e in counted)
    seconds = "" if figures.median_lead is None else f" ({figures.median_lead / spec.control_rate_hz:.2f} s)"
    return [
        Card(
            "failures caught in time",
            f"{caught} of {failing}",
            f"95 % interval {100 * interval.low:.0f} to {100 * interval.high:.0f} %",
            "green",
        ),
        Card("missed", str(times.missed), f"no flag in the {times.window} steps before", "red"),
        Card("flagged too late", str(times.late), f"less than {times.lead} steps before", "amber"),
        Card(
            "median lead",
            "n/a" if figures.median_lead is None else f"{figures.median_lead:g}",
            f"steps{seconds}; useful from {times.lead} on",
        ),
        Card("episodes with a false alarm", f"{false} of {clean}", "nothing came of it", "amber"),
        Card("false alarms", _percent(figures.false_alarms, 1), "of the steps of clean episodes", "amber"),
        Card("precision", _percent(figures.precision), f"a failure within {figures.window} steps of a flag"),
        Card(
            "calibration error",
            "n/a" if audit.reliability is None else f"{audit.reliability.expected_error:.3f}",
            "of the predicted probability",
        ),
        Card("threshold", f"{audit.shield.threshold:g}", f"H {audit.shield.horizon}, {audit.shield.gamma:g}"),
        Card(
            "decided otherwise", str(sum(int(e.changed.sum()) for e in audit.episodes)), "steps, then and now"
        ),
    ]


def _sections(spec: TaskSpec, audit: Audit) -> Iterator[Section]:
    yield Section(
        "Where the shield would have stepped in",
        "Every state is the recorded one: what would have come of another decision is not followed.",
        (picture(where_plot(audit.episodes, spec), "steps flagged per episode, and where the hand was"),),
    )
    if audit.counted:
        yield Section(
            "Lead times",
            f"From the first flag to the failure, in {audit.counted} episodes that the models were not made "
            "from.",
            (
                picture(
                    foresight_plot(audit.foresight, audit.lead_times),
                    "precision, recall and flags by steps ahead; steps from the first flag to the failure",
                ),
            ),
        )
    if audit.reliability is not None:
        yield Section(
            "Reliability",
            "Of episodes that nobody stepped in; recorded actions carry exploration noise that the roll-out "
            "does not, so that even a perfect model would not lie on the diagonal.",
            (picture(reliability_plot(audit.reliability), "observed frequency over predicted probability"),),
        )
    shown = telling(audit.episodes)
    yield Section(
        "Telling episodes",
        "Linear up to the threshold, logarithmic above. Grey: what was predicted when it was recorded.",
        (picture(timeline_plot(shown, audit.shield.threshold), "risk over the steps, now and then"),),
    )
    yield Section("Every bag", "", grid=_grid(audit.episodes))


def _grid(episodes: Sequence[Audited]) -> Grid:
    header = (
        "bag", "kind", "steps", "came", "verdict", "lead", "flagged", "greatest risk", "swapped then",
        "decided otherwise", "models made from it",
    )  # fmt: skip
    return Grid(header, tuple(_row(e) for e in episodes))


def _row(e: Audited) -> tuple[str, ...]:
    episode = e.watched.episode
    came = "failure" if episode.failed else "success" if episode.success else "neither"
    return (
        "/".join(e.watched.path.parts[-2:]),
        episode.kind.name.lower(),
        str(len(episode)),
        came,
        e.verdict.value,
        "" if e.lead is None else str(e.lead),
        str(int(e.flagged.sum())),
        f"{e.risk.max():.3g}",
        str(int(e.watched.intervened.sum())),
        str(int(e.changed.sum())),
        "yes" if e.trained_on else "",
    )


def _shield(audit: Audit) -> Iterator[tuple[str, str]]:
    yield "look-ahead", f"{audit.shield.horizon} steps"
    yield "discount", f"{audit.shield.gamma:g}"
    yield "threshold", f"{audit.shield.threshold:g}"
    yield "in time", f"{audit.shield.window} to {audit.shield.lead} steps before the failure"
    yield "world model", audit.world_model
    yield "calibration", audit.calibration or "that of the model card"


def _then_and_now(episodes: Sequence[Audited]) -> Iterator[tuple[str, str]]:
    """What was decided then beside what the models say now, on the steps in which a shield looked."""
    looked = [np.isfinite(e.watched.risk[: len(e.risk)]) for e in episodes]
    steps = sum(int(seen.sum()) for seen in looked)
    yield "steps in which a shield looked", str(steps)
    if not steps:
        return
    then = np.concatenate(
        [e.watched.intervened[: len(e.risk)][s] for e, s in zip(episodes, looked, strict=True)]
    )
    now = np.concatenate([e.flagged[s] for e, s in zip(episodes, looked, strict=True)])
    risk_then = np.concatenate(
        [e.watched.risk[: len(e.risk)][s] for e, s in zip(episodes, looked, strict=True)]
    )
    risk_now = np.concatenate([e.risk[s] for e, s in zip(episodes, looked, strict=True)])
    thresholds = sorted({e.watched.threshold for e in episodes if math.isfinite(e.watched.threshold)})
    yield "swapped then", str(int(then.sum()))
    yield "flagged now", str(int(now.sum()))
    yield "both", str(int((then & now).sum()))
    yield "then, not now", str(int((then & ~now).sum()))
    yield "now, not then", str(int((now & ~then).sum()))
    yield "risk apart, mean", f"{np.abs(risk_now - risk_then).mean():.3g}"
    yield "thresholds then", ", ".join(f"{t:g}" for t in thresholds) or "none"


def _percent(value: float | None, digits: int = 0) -> str:
    return "n/a" if value is None else f"{value:.{digits}%}"
