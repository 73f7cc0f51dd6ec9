"""Held-out quality of a task's models from bags: what ``farl offline`` and ``farl quality`` both write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farl.calibration import foretell
from farl.datasets import DatasetError, DemoSet, Episode, digests
from farl.files import write_json
from farl.models import ModelBundle, ModelError
from farl.policy import FastPolicy
from farl.prediction_errors import Field
from farl.quality import ModelQuality, ShieldChoice, measure
from farl.selection import Choice
from farl.types import EpisodeKind
from farl_ros.task_spec import TaskSpec

QUALITY = "quality.json"
TRAINED_ON = "trained_on_failures"


@dataclass(frozen=True)
class HeldOutQuality:
    """Quality of models on episodes that they were not trained on.

    Attributes:
        choice: How H, γ_risk and threshold were chosen, in the offline phase.
        quality: What was measured with them.
        world_model: SHA-256 of the world model's file.
    """

    choice: Choice
    quality: ModelQuality
    world_model: str

    def to_json(self) -> dict[str, Any]:
        """In plain JSON types, without the curves: the model card holds those."""
        choice = {name: value for name, value in self.choice.to_json().items() if name != "curves"}
        return {"world_model": self.world_model, "choice": choice, "quality": self.quality.to_json()}


def held_out(bundle: ModelBundle, demos: DemoSet) -> list[Episode]:
    """The failure demonstrations that the models were not trained on, told by their content.

    Raises:
        ModelError: The model card does not say what they were trained on.
        DatasetError: Too few are left, or none of them with (or none without) a failure.
    """
    if TRAINED_ON not in bundle.card:
        raise ModelError(
            f"the model card does not say which episodes were trained on (no {TRAINED_ON!r}): "
            "train again (farl offline)"
        )
    trained_on = set(bundle.card[TRAINED_ON].split())
    failures = demos.of(EpisodeKind.FAILURE)
    left = [e for e, d in zip(failures, digests(failures), strict=True) if d not in trained_on]
    failing = sum(e.failed for e in left)
    if failing == 0 or failing == len(left):
        raise DatasetError(
            f"of {len(failures)} failure demonstrations {len(left)} were not trained on, {failing} of "
            "those contain a failure; expected some that do and some not: record more, with a new seed"
        )
    return left


def fields_of(spec: TaskSpec) -> tuple[Field, ...]:
    """The observation fields of a task."""
    return tuple(Field(f.name, f.unit, spec.slice_of(f.name)) for f in spec.observation)


def quality_on(spec: TaskSpec, bundle: ModelBundle, episodes: Sequence[Episode]) -> HeldOutQuality:
    """Measure the models with their shield as it was chosen.

    Args:
        spec: The task.
        bundle: Models made by the offline phase.
        episodes: Some that they were not trained on (``held_out``).

    Raises:
        ModelError: The model card does not say how the shield was chosen.
    """
    choice = Choice.of_card(bundle.card)
    window = choice.figures.window
    foretold = foretell(bundle.world_model, FastPolicy.of(bundle.task_policy), episodes, window)
    shield = ShieldChoice(bundle.horizon, bundle.risk_gamma, bundle.threshold, choice.figures.lead, window)
    measured = measure(bundle.world_model, foretold, episodes, shield, fields_of(spec))
    return HeldOutQuality(choice, measured, bundle.world_model_hash)


def write_quality(result: HeldOutQuality, folder: Path) -> Path:
    """Write ``quality.json`` beside the models, and return its path."""
    write_json(folder / QUALITY, result.to_json())
    return folder / QUALITY
