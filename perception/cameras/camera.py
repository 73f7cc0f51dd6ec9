"""What every camera offers: a context manager that is asked for its newest frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Protocol, Self

from perception.frame import Frame


class CameraError(RuntimeError):
    """A camera cannot be opened; the message says which, and what to do."""


class CameraState(Enum):
    """What came of asking for a frame."""

    STREAMING = "streaming"  # a new frame is there
    WAITING = "waiting"  # no new frame within the time-out
    UNPLUGGED = "unplugged"  # the device is gone; every read looks for it again
    MALFORMED = "malformed"  # what came is no frame: wrong type, shape or order
    ENDED = "ended"  # a recording is over


@dataclass(frozen=True, slots=True)
class Reading:
    """The answer to one read.

    Attributes:
        state: What came of it.
        frame: The newest frame; there exactly when the state is STREAMING.
        detail: What is wrong and what to do, for a person; empty while streaming.
    """

    state: CameraState
    frame: Frame | None = None
    detail: str = ""

    def __post_init__(self) -> None:
        if (self.state is CameraState.STREAMING) != (self.frame is not None):
            raise ValueError(f"expected a frame exactly when streaming, got {self.state} with {self.frame}")


class Camera(Protocol):
    """An RGB-D camera: open on entering, closed on leaving.

    Only the newest frame is kept: a slow consumer misses frames, but never gets an old one.
    """

    def __enter__(self) -> Self:
        """Open the device.

        Raises:
            CameraError: There is none; at once, not after a long wait.
        """
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the device."""
        ...

    def read(self, timeout: float) -> Reading:
        """Return the newest frame that was not returned before.

        Never raises for what a device does: that is in the reading's state.

        Args:
            timeout: Longest wait, seconds.
        """
        ...
