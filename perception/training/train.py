"""The whole way: scenes → pictures → network → evaluation → model folder with its card."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import numpy as np

from perception.cameras.simulated import StereoNoise
from perception.detection.model_folder import save_detector
from perception.detection.yolo import YoloDetector
from perception.training.evaluation import Evaluation, evaluate
from perception.training.fit import FitSettings, fit
from perception.training.pictures import DatasetWriter, Labelled, SensorNoise, sensed, simulated
from perception.training.scenes import Scenes

LICENCE = (
    "AGPL-3.0: trained with Ultralytics, whose makers hold that weights and exports are under its licence too"
)
_VALIDATION_SEED, _TEST_SEED = 1_000_003, 2_000_003
"""Added to the seed, so that no scene is drawn twice."""


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How much is drawn.

    Attributes:
        pictures: To train from.
        validation: To watch the training with.
        test: To evaluate with.
        seed: Of everything.
        least_score: Of the detector in the evaluation; average precision needs a low one.
    """

    pictures: int = 800
    validation: int = 100
    test: int = 200
    seed: int = 0
    least_score: float = 0.05


def train_detector(
    scenes: Scenes,
    work: Path,
    folder: Path,
    settings: TrainSettings,
    fit_settings: FitSettings,
    start: Path | None = None,
    recorded: Iterable[Labelled] = (),
) -> Evaluation:
    """Train a detector from a simulator and write its model folder.

    Args:
        scenes: Labelled pictures; the keys of its models are the network's classes, in this order.
        work: Folder for dataset and training; can be thrown away afterwards.
        folder: The model folder; what is there is replaced once the new one is complete.
        settings: How much is drawn.
        fit_settings: How the network is trained.
        start: Weights of an earlier training to go on from.
        recorded: Pictures of a real camera to train from, too.
    """
    begin, draw = time.monotonic(), scenes.draw
    noise, seed = SensorNoise(), settings.seed
    writer = DatasetWriter(work / "dataset", tuple(scenes.models))
    drawn_pictures = simulated(draw, settings.pictures, seed, noise)
    shown = writer.write("train", chain(drawn_pictures, recorded))
    writer.write("val", simulated(draw, settings.validation, seed + _VALIDATION_SEED, noise))
    drawn = time.monotonic()
    fitted = fit(writer.folder, work, fit_settings, start)
    trained = time.monotonic()
    random = np.random.default_rng(seed + _TEST_SEED)
    detector = YoloDetector(fitted.network, settings.least_score, overlap=0.5)
    stereo = StereoNoise()
    unseen = (sensed(draw(random), noise, stereo, random) for _ in range(settings.test))
    result = evaluate(detector, unseen, scenes.models, scenes.limits)
    card = {
        "what": f"YOLOv8 detector for {scenes.task}",
        "classes": tuple(scenes.models),
        "licence": LICENCE,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": {"simulated": "domain-randomised", "recorded": shown - settings.pictures, **asdict(settings)},
        "training": {
            **asdict(fit_settings),
            "epochs_done": fitted.epochs,
            "seconds": {"pictures": round(drawn - begin), "training": round(trained - drawn)},
        },
        "versions": fitted.versions,
        "evaluation": _figures(result),
    }
    save_detector(folder, fitted.network, card)
    return result


def _figures(result: Evaluation) -> dict[str, object]:
    return {
        "pictures": result.pictures,
        "map50": _rounded(result.map50),
        "average_precision_50": {name: _rounded(ap) for name, ap in result.average_precision.items()},
        "located": _rounded(result.located),
        "position_error_median_mm": _rounded(1e3 * result.error_median),
        "position_error_p95_mm": _rounded(1e3 * result.error_p95),
    }


def _rounded(number: float) -> float | None:
    """Four digits; JSON has no not-a-number."""
    return round(number, 4) if np.isfinite(number) else None
