"""Objects by their colour: OpenCV's HSV ranges, in a whole picture or inside a box. Needs no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.detection.detection import Box, Detection, Region, Source
from perception.frame import Colour

_SPECKLE = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))
_HUES = 180
"""OpenCV's hue circle: half degrees."""

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ColourRange:
    """A box in OpenCV's HSV space, both ends included.

    Attributes:
        hue: First and last hue on the circle of 180; red goes through 0, for example (172, 8).
        saturation: Least and greatest, 0 to 255.
        value: Least and greatest, 0 to 255.
        least_area: Smaller blobs are noise, pixels.
    """

    hue: tuple[int, int]
    saturation: tuple[int, int]
    value: tuple[int, int]
    least_area: int = 80

    def mask(self, hsv: Bytes) -> Bytes:
        """Return 255 where an HSV picture (h, w, 3) is in the range, without single pixels, else 0."""
        first, last = self.hue
        pieces = [(first, last)] if first <= last else [(first, _HUES - 1), (0, last)]
        masks = [
            cv2.inRange(
                hsv,
                np.array((low, self.saturation[0], self.value[0])),
                np.array((high, self.saturation[1], self.value[1])),
            )
            for low, high in pieces
        ]
        mask = masks[0] if len(masks) == 1 else cv2.bitwise_or(*masks)
        return cv2.morphologyEx(mask, cv2.MORPH_OPEN, _SPECKLE)  # type: ignore[return-value]


class ColourDetector:
    """Every blob of a class's colour is a detection; its score tells how well it fills an ellipse."""

    def __init__(self, ranges: Mapping[str, ColourRange]) -> None:
        """Take the colours.

        Args:
            ranges: Colour of each class that has one.
        """
        self.ranges = dict(ranges)

    def detect(self, colour: Colour) -> list[Detection]:
        """Return the blobs of all classes, best first."""
        return self.find(colour, self.ranges)

    def find(self, colour: Colour, classes: Mapping[str, ColourRange]) -> list[Detection]:
        """Return the blobs of some classes in a picture (H, W, 3), best first."""
        if not classes:
            return []
        hsv = _hsv(colour)
        found = [
            Detection(name, _roundness(region), box, Source.COLOUR, region)
            for name, wanted in classes.items()
            for box, region in _blobs(wanted.mask(hsv), wanted.least_area)
        ]
        return sorted(found, key=lambda detection: detection.score, reverse=True)

    def inside(self, colour: Colour, object_class: str, box: Box) -> Region | None:
        """Return the largest blob of a class's colour in a box of a picture (H, W, 3), None without one."""
        wanted = self.ranges.get(object_class)
        rows, columns = box.pixels(colour.shape[1], colour.shape[0])
        cut = colour[rows, columns]
        if wanted is None or cut.size == 0:
            return None
        blobs = _blobs(wanted.mask(_hsv(cut)), wanted.least_area)
        if not blobs:
            return None
        _, largest = max(blobs, key=lambda blob: blob[1].area)
        return Region(largest.top + rows.start, largest.left + columns.start, largest.mask)


def _hsv(colour: Colour) -> Bytes:
    return cv2.cvtColor(colour, cv2.COLOR_BGR2HSV)  # type: ignore[return-value]


def _blobs(mask: Bytes, least_area: int) -> list[tuple[Box, Region]]:
    """Return each connected patch of a mask (h, w) that is large enough."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    blobs = []
    for contour in contours:
        left, top, width, height = cv2.boundingRect(contour)
        if width * height < least_area:
            continue
        own = np.zeros((height, width), np.uint8)
        cv2.drawContours(own, [contour], -1, 255, cv2.FILLED, offset=(-left, -top))
        # Holes in the patch are not the object: something is in front of it there.
        patch = (own > 0) & (mask[top : top + height, left : left + width] > 0)
        region = Region(top, left, patch)
        if region.area >= least_area:
            blobs.append((Box(left, top, left + width, top + height), region))
    return blobs


def _roundness(region: Region) -> float:
    """Area over that of the ellipse in its box, at most 1."""
    return min(1.0, region.area / (0.25 * np.pi * region.mask.size))
