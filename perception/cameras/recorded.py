"""A camera that plays frames from memory: whoever reads a recording makes the frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from perception.cameras.camera import CameraState, Reading
from perception.frame import Frame, FrameError


class RecordedCamera:
    """Plays frames once, in order.

    Without a clock each read gives the next frame, so that nothing is missed. With a clock (of the stamps,
    for example that of a simulation) each read gives the newest frame that has been taken by then.
    """

    def __init__(self, frames: Iterable[Frame], clock: Callable[[], float] | None = None) -> None:
        """Remember where the frames come from.

        Args:
            frames: May be a generator; an error of type ``FrameError`` in it is reported as MALFORMED.
            clock: Returns the time on the clock of the stamps, seconds.
        """
        self._frames = iter(frames)
        self._clock = clock
        self._ahead: Frame | None = None

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to close."""

    def read(self, timeout: float) -> Reading:
        """Return the next frame, or the newest one by the clock; never waits."""
        newest: Frame | None = None
        while True:
            try:
                frame = self._ahead if self._ahead is not None else next(self._frames, None)
            except FrameError as error:
                return Reading(CameraState.MALFORMED, detail=str(error))
            self._ahead = None
            if frame is None:
                break
            if self._clock is not None and frame.stamp > self._clock():
                self._ahead = frame
                break
            newest = frame
            if self._clock is None:
                break
        if newest is not None:
            return Reading(CameraState.STREAMING, newest)
        if self._ahead is None:
            return Reading(CameraState.ENDED, detail="the recording is over")
        return Reading(CameraState.WAITING, detail="the next recorded frame is not due yet")
