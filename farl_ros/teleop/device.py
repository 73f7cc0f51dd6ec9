"""What every input device tells, and how it says that it is gone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class DeviceLost(Exception):
    """The device is not there, or no longer; the message says what was looked for and what to do."""


class Command(StrEnum):
    """What the person asks of the recording; each is a service of the node ``session``."""

    START = "start"
    STOP = "stop"
    SUCCESS = "success"
    FAILURE = "failure"
    FAILED_JUST_NOW = "failed_just_now"
    DISCARD = "discard"
    AGAIN = "again"
    NEXT = "next"  # start; while an episode runs: success. For devices with one spare button


class Speed(StrEnum):
    """A change of the speed scale."""

    FASTER = "faster"
    SLOWER = "slower"


Press = Command | Speed


@dataclass(frozen=True, slots=True)
class Reading:
    """What a device says at one moment.

    Attributes:
        axes: Forward, left and up as the person sees it, each in [-1, 1].
        gripper: 1 to close, -1 to open, 0 to leave it.
        held: Whether the dead-man is held; nothing moves without it.
        pressed: What was pressed since the last reading, in order.
    """

    axes: tuple[float, float, float]
    gripper: int
    held: bool
    pressed: tuple[Press, ...] = ()


class Device(Protocol):
    """One input device; ``open`` and ``read`` raise ``DeviceLost``, and never block."""

    name: str

    def open(self) -> None:
        """Begin to listen."""

    def read(self, now: float) -> Reading:
        """What it says at ``now`` (monotonic) [s]."""

    def close(self) -> None:
        """Give it back; does nothing if it is not open."""


def fraction(value: float) -> float:
    """A value limited to [-1, 1]."""
    return min(1.0, max(-1.0, value))
