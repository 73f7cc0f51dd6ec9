"""The report on a task's models: what they were made from, and how good they are on held-out episodes."""

from __future__ import annotations

import math
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from farl.datasets import DemoSet
from farl.files import write_atomic
from farl.intervals import Interval, wilson
from farl.models import ModelBundle, save_models
from farl.prediction_errors import ErrorCurve
from farl_ros.calibration_file import CALIBRATION
from farl_ros.offline import STAGES
from farl_ros.quality import HeldOutQuality, held_out, quality_on, write_quality
from farl_ros.quality_plots import choice_plot, error_plot, foresight_plot, reliability_plot
from farl_ros.report_page import Card, Section, Table, flat, picture, render
from farl_ros.task_spec import TaskSpec

REPORT = "report.html"
FEW_FAILURES = 30
"""Below so many held-out failures the 95 % interval of a share is wider than a third."""


def write_quality_report(
    spec: TaskSpec, card: Mapping[str, Any], result: HeldOutQuality, command: Sequence[str], folder: Path
) -> Path:
    """Write ``report.html`` into a folder, and return its path.

    Args:
        spec: The task.
        card: The model card.
        result: What was measured.
        command: How to make it again.
        folder: Where to.
    """
    html = render(
        title=f"{spec.name} · world model and shield",
        subtitle=f"held-out demonstrations · world model {result.world_model[:12] or 'not saved'}",
        notes=list(notes_on(result)),
        cards=_cards(spec, result),
        sections=list(_sections(spec, result)),
        command=shlex.join(command),
        tables=(
            Table("Data", tuple(_data(card, result))),
            Table(f"Errors {result.choice.horizon} steps ahead", tuple(_errors(result))),
            *(
                Table(name.replace("_", " ").capitalize(), tuple(flat(card[name])))
                for name in ("task_policy", "recovery_policy")
                if name in card
            ),
            Table("Settings", tuple(flat(card.get("settings", {})))),
        ),
        spec=spec.resolved_yaml(),
    )
    write_atomic(folder / REPORT, html.encode())
    return folder / REPORT


def save_offline(
    spec: TaskSpec, bundle: ModelBundle, demos: DemoSet, command: Sequence[str], out: Path
) -> HeldOutQuality:
    """Write what the offline phase made: OUT/models with their quality beside them, and OUT/report.html.

    Stages that were kept to go on from are removed, and so is a calibration of models that lay there before.

    Args:
        spec: The task.
        bundle: From ``offline_from_bags``.
        demos: What it was made from.
        command: How it was made.
        out: Run folder.
    """
    models = out / "models"
    (models / CALIBRATION).unlink(missing_ok=True)
    saved = replace(bundle, world_model_hash=save_models(bundle, models))
    shutil.rmtree(out / STAGES, ignore_errors=True)
    result = quality_on(spec, saved, held_out(saved, demos))
    write_quality(result, models)
    write_quality_report(spec, saved.card, result, command, out)
    return result


def notes_on(result: HeldOutQuality) -> Iterator[str]:
    """What a reader must know before the figures."""
    choice, quality = result.choice, result.quality
    if not choice.fits:
        yield (
            "No horizon, discount and threshold catch a held-out failure in time within the false-alarm "
            f"budget of {choice.false_alarm_budget:.0%}: what is shown comes nearest, and will hardly help."
        )
    figures = choice.figures
    chance = figures.caught_by_chance
    if choice.fits and chance is not None and choice.caught_interval.low <= chance:
        yield (
            f"Stretches of clean episodes are flagged as often ({chance:.0%}) as failures are caught "
            f"({_range(choice.caught_interval)}): flags say little about failures here."
        )
    if quality.failing < FEW_FAILURES:
        yield f"Only {quality.failing} held-out episodes fail: mind the intervals."
    if quality.reliability.brier >= quality.reliability.brier_of_rate:
        yield (
            "As a probability the prediction is worse than always naming the overall failure rate (Brier "
            f"score {quality.reliability.brier:.3f} against {quality.reliability.brier_of_rate:.3f}): it "
            "ranks states, and the threshold is chosen for that; do not read it as a probability."
        )


def _cards(spec: TaskSpec, result: HeldOutQuality) -> list[Card]:
    choice, quality, figures = result.choice, result.quality, result.choice.figures
    cross = choice.cross_validation
    clean = wilson(choice.clean_flagged, choice.clean)
    position = spec.objects[0].position
    curve = next((c for c in quality.errors if c.name == position), quality.errors[0])
    at = min(choice.horizon, len(curve.median) - 1)
    reliability = quality.reliability
    return [
        Card(
            "failures caught in time",
            _percent(figures.caught),
            f"of {choice.failing}; 95 % interval {_range(choice.caught_interval)}",
            "green",
        ),
        Card(
            "cross-validated",
            _percent(None if cross is None else cross.caught),
            "too few episodes" if cross is None else f"chosen without them; {cross.folds} folds",
            "green",
        ),
        Card(
            "by chance",
            _percent(figures.caught_by_chance),
            "stretches of clean episodes with a flag",
            "amber",
        ),
        Card(
            "false alarms",
            _percent(figures.false_alarms, 1),
            f"of clean steps; budget {choice.false_alarm_budget:.0%}",
            "amber",
        ),
        Card(
            "clean episodes flagged",
            f"{choice.clean_flagged} of {choice.clean}",
            f"95 % interval {_range(clean)}",
            "amber",
        ),
        Card("precision", _percent(figures.precision), f"a failure within {figures.window} steps of a flag"),
        Card("recall", _percent(figures.recall), f"of the {figures.window} steps before failures"),
        Card(
            "median lead",
            "n/a" if figures.median_lead is None else f"{figures.median_lead:g}",
            f"steps; useful from {figures.lead} on",
        ),
        Card(
            "look-ahead",
            f"{choice.horizon}",
            f"steps ({choice.horizon / spec.control_rate_hz:.2f} s); discount {choice.gamma:g}",
        ),
        Card("threshold", f"{choice.threshold:g}", "of the discounted sum"),
        Card(
            f"{curve.name.replace('_', ' ')} error",
            f"{curve.median[at] * 1e3:.1f} mm" if curve.unit == "m" else f"{curve.median[at]:.2f}",
            f"median, {at} steps ahead",
        ),
        Card(
            "calibration error",
            f"{reliability.expected_error:.3f}",
            f"Brier {reliability.brier:.3f}, of the rate {reliability.brier_of_rate:.3f}",
        ),
    ]


def _sections(spec: TaskSpec, result: HeldOutQuality) -> Iterator[Section]:
    choice, quality, figures = result.choice, result.quality, result.choice.figures
    yield Section(
        "Choice of the shield",
        f"A failure is caught in time if it is flagged {figures.lead} to {figures.window} steps before. By "
        "chance: the share of equally long stretches of clean episodes with a flag. Chosen on held-out "
        "demonstrations alone, never on online counts.",
        (picture(choice_plot(choice), "failures caught over false alarms, and over the look-ahead"),),
    )
    yield Section(
        "When failures are foreseen",
        "A failure within k steps counts as predicted where its probability exceeds one half, whatever the "
        "threshold. Flags are those of the chosen shield.",
        (
            picture(
                foresight_plot(quality.foresight, quality.lead_times),
                "precision, recall and flags by steps ahead; steps from the first flag to the failure",
            ),
        ),
    )
    yield Section(
        "Reliability",
        "Predictions let the task policy's mean act from the second step on; the logged actions carry "
        "exploration noise, so that even a perfect model would not lie on the diagonal.",
        (picture(reliability_plot(quality.reliability), "observed frequency over predicted probability"),),
    )
    shown = {spec.hand, *(o.position for o in spec.objects)}
    curves = [quality.errors[0], *(c for c in quality.errors[1:] if c.name in shown)]
    yield Section(
        "Errors of the world model",
        "Roll-outs of the logged actions against what was observed, up to the first violation. Latent errors "
        "are shares of the spread of all latent states.",
        (picture(error_plot(curves, choice.horizon), "errors over the steps rolled out"),),
    )


def _data(card: Mapping[str, Any], result: HeldOutQuality) -> Iterator[tuple[str, str]]:
    for kind, episodes in card["episodes"].items():
        yield f"{kind} demonstrations", f"{episodes} episodes, {card['transitions'][kind]:,} transitions"
    yield "episodes with a failure", str(card["failing_episodes"])
    quality = result.quality
    yield "held out here", f"{quality.episodes} episodes, {quality.failing} failing, {quality.steps:,} steps"
    yield "recoveries kept from the world model", str(card["recoveries_kept_from_world_model"])
    yield "seed", str(card["seed"])
    yield "world model", result.world_model


def _errors(result: HeldOutQuality) -> Iterator[tuple[str, str]]:
    for curve in result.quality.errors:
        yield (
            curve.name.replace("_", " "),
            _error_at(curve, min(result.choice.horizon, len(curve.median) - 1)),
        )


def _error_at(curve: ErrorCurve, steps: int) -> str:
    digits = "" if curve.unit == "1" else f" {curve.unit}"
    return (
        f"median {curve.median[steps]:.3g}, 90th percentile {curve.p90[steps]:.3g}, "
        f"if nothing moved {curve.unmoved[steps]:.3g}{digits}"
    )


def _percent(value: float | None, digits: int = 0) -> str:
    return "n/a" if value is None or math.isnan(value) else f"{value:.{digits}%}"


def _range(interval: Interval) -> str:
    return f"{100 * interval.low:.0f} to {100 * interval.high:.0f} %"
