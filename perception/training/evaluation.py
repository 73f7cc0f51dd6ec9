"""How good a detector is: mean average precision, and the error of the positions that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception.detection.detection import Box, Detection, Detector
from perception.geometry import LiftLimits, Measurement, ObjectModel, locate
from perception.training.pictures import LabelledPicture


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found on pictures that training never saw.

    Attributes:
        pictures: How many.
        average_precision: Of each class at an overlap of one half (AP50), in [0, 1].
        located: Share of the labelled objects for which a position was found.
        error_median: Of the position, metres; not-a-number if none was found.
        error_p95: The same, 95th percentile.
    """

    pictures: int
    average_precision: Mapping[str, float]
    located: float
    error_median: float
    error_p95: float

    @property
    def map50(self) -> float:
        """Mean average precision at an overlap of one half."""
        return float(np.mean(list(self.average_precision.values())))


class PrecisionCount:
    """Collects one class's detections and labels over pictures."""

    def __init__(self) -> None:
        """Start without pictures."""
        self._scores: list[float] = []
        self._right: list[bool] = []
        self._labels = 0

    def add(self, detections: Iterable[Detection], label: Box | None, overlap: float = 0.5) -> None:
        """Take in a picture in which there is at most one object of the class.

        Args:
            detections: Of that class.
            label: Where it is; None where it is not in the picture.
            overlap: From which on a box is right; of several, the best scored one is.
        """
        self._labels += label is not None
        taken = False
        for detection in sorted(detections, key=lambda one: one.score, reverse=True):
            right = label is not None and not taken and detection.box.overlap(label) >= overlap
            taken = taken or right
            self._scores.append(detection.score)
            self._right.append(right)

    def average_precision(self) -> float:
        """Return the area under the envelope of precision over recall; not-a-number without labels."""
        if self._labels == 0:
            return float("nan")
        right = np.array(self._right, bool)[np.argsort(-np.array(self._scores), kind="stable")]
        hits = np.cumsum(right)
        precision = hits / np.arange(1, right.size + 1)
        envelope: NDArray[np.float64] = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.sum(envelope[right]) / self._labels)


def evaluate(
    detector: Detector,
    pictures: Iterable[LabelledPicture],
    models: Mapping[str, ObjectModel],
    limits: LiftLimits,
) -> Evaluation:
    """Run a detector on labelled pictures.

    Args:
        detector: To judge.
        pictures: With depth and truth.
        models: Size of each class.
        limits: What of a detection is believed.
    """
    counts = {name: PrecisionCount() for name in models}
    errors: list[float] = []
    total = labelled = 0
    for picture in pictures:
        total += 1
        labels = picture.boxes()
        found = detector.detect(picture.frame.colour)
        for name, model in models.items():
            own = [one for one in found if one.object_class == name]
            label = labels.get(name)
            counts[name].add(own, label)
            if label is not None:
                labelled += 1
                error = _error(own, picture, name, model, limits)
                errors += [] if error is None else [error]
    median, high = np.percentile(errors, (50, 95)).tolist() if errors else (float("nan"), float("nan"))
    precision = {name: count.average_precision() for name, count in counts.items()}
    return Evaluation(total, precision, len(errors) / max(labelled, 1), median, high)


def _error(
    own: list[Detection], picture: LabelledPicture, name: str, model: ObjectModel, limits: LiftLimits
) -> float | None:
    """Distance (metres) of the best measurement to the truth; None without one."""
    lens = picture.frame.intrinsics
    if lens is None:
        return None
    results = [locate(one, picture.frame, lens, picture.base_from_camera, model, limits) for one in own]
    measured = [result for result in results if isinstance(result, Measurement)]
    if not measured:
        return None
    best = max(measured, key=lambda measurement: measurement.score)
    return float(np.linalg.norm(best.position - picture.positions[name]))
