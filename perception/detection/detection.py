"""What detectors give, and what every detector offers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from perception.frame import Colour

Mask = NDArray[np.bool_]


class Source(Enum):
    """Who saw it."""

    YOLO = "yolo"
    COLOUR = "colour"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in a picture, pixels; right and bottom do not belong to it."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels."""
        return self.bottom - self.top

    def grown(self, share: float) -> Box:
        """Return the box made larger by a share of its size on each side."""
        x, y = share * self.width, share * self.height
        return Box(self.left - x, self.top - y, self.right + x, self.bottom + y)

    def pixels(self, width: int, height: int) -> tuple[slice, slice]:
        """Return the rows and columns of the whole pixels that it touches in a picture."""
        rows = slice(max(0, int(np.floor(self.top))), min(height, int(np.ceil(self.bottom))))
        columns = slice(max(0, int(np.floor(self.left))), min(width, int(np.ceil(self.right))))
        return rows, columns

    def overlap(self, other: Box) -> float:
        """Area of the intersection over that of the union."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        if wide <= 0.0 or high <= 0.0:
            return 0.0
        both = wide * high
        return both / (self.width * self.height + other.width * other.height - both)


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """The pixels of an object: a mask (h, w) whose upper left pixel is at row ``top``, column ``left``."""

    top: int
    left: int
    mask: Mask

    @property
    def area(self) -> int:
        """Pixels."""
        return int(np.count_nonzero(self.mask))


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One object in a picture.

    Attributes:
        object_class: Name of its class.
        score: How sure the detector is, in [0, 1].
        box: Around what is visible of it.
        source: Who saw it.
        region: Its pixels; None where only the box is known.
    """

    object_class: str
    score: float
    box: Box
    source: Source
    region: Region | None = None


class Detector(Protocol):
    """Finds objects in a colour picture."""

    def detect(self, colour: Colour) -> list[Detection]:
        """Return what is seen, best first.

        Args:
            colour: (H, W, 3) uint8, blue first.
        """
        ...
