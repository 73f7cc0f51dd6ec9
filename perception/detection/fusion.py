"""YOLOv8 and colour together, the paper's "YOLOv8 object detection and color-based filtering"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from perception.detection.colour import ColourDetector
from perception.detection.detection import Detection, Detector, Source
from perception.frame import Colour

_MARGIN = 0.1
"""A box is searched for colour a little beyond its rim: share of its size."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """When one of the two is believed alone.

    Attributes:
        colour_share: Share of a box that its class's colour must fill to confirm it.
        yolo_alone: Least score of a box whose colour is not confirmed; 1.0 is never.
        colour_alone: Least score of a blob of a class that YOLO has not found; 1.0 is almost never.
    """

    colour_share: float
    yolo_alone: float
    colour_alone: float


class FusedDetector:
    """Boxes are confirmed by the colour in them, which also gives the mask; each fills the other's gaps."""

    def __init__(self, boxes: Detector, colours: ColourDetector, rule: Fusion) -> None:
        """Put the two together.

        Args:
            boxes: YOLOv8.
            colours: Colour of each class that has one; other classes go by their box alone.
            rule: When one is believed alone.
        """
        self._boxes, self._colours, self._rule = boxes, colours, rule

    def detect(self, colour: Colour) -> list[Detection]:
        """Return what both see, and what one sees well enough, best first."""
        found = [kept for box in self._boxes.detect(colour) if (kept := self._confirmed(colour, box))]
        seen = {detection.object_class for detection in found}
        missed = {name: wanted for name, wanted in self._colours.ranges.items() if name not in seen}
        blobs = self._colours.find(colour, missed)
        found += [blob for blob in blobs if blob.score >= self._rule.colour_alone]
        return sorted(found, key=lambda detection: detection.score, reverse=True)

    def _confirmed(self, colour: Colour, seen: Detection) -> Detection | None:
        if seen.object_class not in self._colours.ranges:
            return seen
        region = self._colours.inside(colour, seen.object_class, seen.box.grown(_MARGIN))
        area = seen.box.width * seen.box.height
        if region is not None and region.area >= self._rule.colour_share * area:
            return replace(seen, source=Source.BOTH, region=region)
        return seen if seen.score >= self._rule.yolo_alone else None
