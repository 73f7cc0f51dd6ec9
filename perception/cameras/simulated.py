"""A camera in a simulator: a function renders, this class makes what a D435 would have given of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from perception.cameras.camera import CameraState, Reading
from perception.frame import Colour, Depth, Frame, FrameError, Intrinsics

Render = Callable[[], tuple[Colour, Depth]]
"""Returns colour (H, W, 3) uint8, blue first, and depth (H, W) float32, metres along the optical axis."""


@dataclass(frozen=True, slots=True)
class StereoNoise:
    """Depth noise of a stereo camera: grows with the distance squared; some pixels have no match.

    Attributes:
        disparity: Standard deviation of the disparity, pixels; a D435 on textured surfaces has about 0.08.
        focal: Of the infrared cameras, pixels.
        baseline: Distance of the two infrared cameras, metres.
        holes: Share of pixels without depth.
        grain: Standard deviation of the colour noise, grey levels.
    """

    disparity: float = 0.08
    focal: float = 385.0
    baseline: float = 0.05
    holes: float = 0.01
    grain: float = 2.0

    def on_depth(self, depth: Depth, random: np.random.Generator) -> Depth:
        """Return noisy depth (H, W), metres, in whole millimetres as the camera sends it."""
        scale = np.float32(self.disparity / (self.focal * self.baseline))
        noisy = depth + random.standard_normal(depth.shape, dtype=np.float32) * scale * depth**2
        noisy[random.random(depth.shape, dtype=np.float32) < self.holes] = 0.0
        return np.round(noisy, 3).astype(np.float32, copy=False)

    def on_colour(self, colour: Colour, random: np.random.Generator) -> Colour:
        """Return noisy colour (H, W, 3)."""
        grain: NDArray[np.float32] = random.standard_normal(colour.shape, dtype=np.float32)
        noisy: Colour = np.clip(colour + self.grain * grain, 0.0, 255.0).astype(np.uint8)
        return noisy


class SimulatedCamera:
    """Renders when it is asked for a frame; the world's clock gives the stamps.

    A frame of a world that has not moved on is no new frame.
    """

    def __init__(
        self,
        render: Render,
        intrinsics: Intrinsics,
        clock: Callable[[], float],
        noise: StereoNoise | None = None,
        seed: int = 0,
    ) -> None:
        """Keep what is needed.

        Args:
            render: Draws the world as it is now.
            intrinsics: Of what it draws.
            clock: The world's time, seconds.
            noise: What a real camera adds; None for a perfect picture.
            seed: Of the noise.
        """
        self._render = render
        self._intrinsics = intrinsics
        self._clock = clock
        self._noise = noise
        self._random = np.random.default_rng(seed)
        self._number = 0
        self._last: float | None = None

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to close: the renderer is the caller's."""

    def read(self, timeout: float) -> Reading:
        """Render the world as it is now; never waits."""
        now = self._clock()
        if self._last is not None and now == self._last:
            return Reading(CameraState.WAITING, detail=f"the simulated world stands still at {now:.3f} s")
        self._last = now
        self._number += 1
        colour, depth = self._render()
        try:
            if self._noise is not None:
                colour = self._noise.on_colour(colour, self._random)
                depth = self._noise.on_depth(depth, self._random)
            frame = Frame(colour, depth, self._intrinsics, now, self._number)
        except FrameError as error:
            return Reading(CameraState.MALFORMED, detail=str(error))
        return Reading(CameraState.STREAMING, frame)
