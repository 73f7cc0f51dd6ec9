"""One picture of an RGB-D camera, and the pinhole model that goes with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.uint8]
Depth = NDArray[np.float32]
Points = NDArray[np.float64]
Transform = NDArray[np.float64]


class FrameError(ValueError):
    """Arrays that are no picture of an RGB-D camera: a wrong type, shape or order."""


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """A pinhole camera without distortion; pixels, the centre of the upper left pixel at (0, 0).

    Attributes:
        width: Pixels.
        height: Pixels.
        fx: Focal length along x, pixels.
        fy: Focal length along y, pixels.
        cx: Principal point, pixels from the left.
        cy: Principal point, pixels from the top.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        numbers = (self.fx, self.fy, self.cx, self.cy)
        if not all(np.isfinite(numbers)) or self.fx <= 0.0 or self.fy <= 0.0:
            raise FrameError(
                f"expected finite intrinsics with fx and fy above 0, got fx, fy, cx, cy = {numbers}; "
                "zeros mean that the camera was never calibrated"
            )

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Camera matrix (3, 3)."""
        return np.array(((self.fx, 0.0, self.cx), (0.0, self.fy, self.cy), (0.0, 0.0, 1.0)))

    @classmethod
    def from_field_of_view(cls, width: int, height: int, vertical_degrees: float) -> Intrinsics:
        """Square pixels and a centred principal point, as a renderer has them."""
        focal = 0.5 * height / float(np.tan(np.radians(vertical_degrees) / 2.0))
        return cls(width, height, focal, focal, 0.5 * (width - 1), 0.5 * (height - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Colour and depth of one moment, aligned: one pixel of both is one direction.

    Attributes:
        colour: (H, W, 3) uint8, in OpenCV's order blue, green, red.
        depth: (H, W) float32, metres along the optical axis; 0.0 where nothing was measured.
        intrinsics: Of both images; None where the source has none.
        stamp: When the picture was taken, seconds, on the clock that the consumer's ``now`` is on.
        number: Counts the camera's frames; a gap is a dropped frame.
    """

    colour: Colour
    depth: Depth
    intrinsics: Intrinsics | None
    stamp: float
    number: int

    def __post_init__(self) -> None:
        colour, depth = self.colour, self.depth
        if colour.dtype != np.uint8 or colour.ndim != 3 or colour.shape[2] != 3:
            raise FrameError(
                f"expected colour (H, W, 3) of uint8, got {colour.shape} of {colour.dtype}; "
                "are the colour and the depth stream swapped?"
            )
        if depth.dtype != np.float32 or depth.ndim != 2:
            raise FrameError(
                f"expected depth (H, W) of float32 in metres, got {depth.shape} of {depth.dtype}; multiply "
                "raw depth by its unit (0.001 for most cameras); are the streams swapped?"
            )
        if colour.shape[:2] != depth.shape:
            raise FrameError(
                f"expected depth aligned to colour, got {depth.shape} beside {colour.shape[:2]} pixels; "
                "switch on the alignment of depth to colour"
            )
        size = (self.height, self.width)
        if self.intrinsics is not None and (self.intrinsics.height, self.intrinsics.width) != size:
            raise FrameError(
                f"expected intrinsics of {size} pixels (height, width), "
                f"got those of {(self.intrinsics.height, self.intrinsics.width)}"
            )

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.colour.shape[0])

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.colour.shape[1])
