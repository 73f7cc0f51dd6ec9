"""How well the camera sees: rate, age, latency of each stage, what is wrong. Kept between two reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from perception.pipeline import Scene, Stage
from perception.tracking.tracker import TrackState

WHOLE = "whole"
"""All stages of a frame together."""


class Level(IntEnum):
    """The levels of ``diagnostic_msgs/DiagnosticStatus``."""

    OK = 0
    WARN = 1
    ERROR = 2


@dataclass(frozen=True)
class Report:
    """What is told.

    Attributes:
        level: How bad it is.
        message: For a person, one sentence.
        figures: Name to number; the names carry the units.
    """

    level: Level
    message: str
    figures: Mapping[str, float]


@dataclass
class Health:
    """Counts frames between two reports.

    Attributes:
        least_rate: Frames per second below which somebody is warned [Hz].
        unpaired: Colour pictures so far to which no depth or camera information came.
    """

    least_rate: float
    unpaired: int = 0
    _latency: dict[str, list[float]] = field(default_factory=dict)
    _frames: int = 0
    _unusable: int = 0
    _missed: int = 0
    _last: Scene | None = None
    _seen: float | None = None

    def take(self, scene: Scene, frame_stamp: float | None) -> None:
        """Take a scene.

        Args:
            scene: What became of a reading.
            frame_stamp: When its picture was taken [s]; None where there was none.
        """
        self._last = scene
        self._missed += scene.missed
        if frame_stamp is None:
            return
        self._frames += 1
        self._unusable += bool(scene.problems)
        if not scene.problems:
            self._seen = frame_stamp
            stages = {stage.value: seconds for stage, seconds in scene.latency.items()}
            for name, seconds in (*stages.items(), (WHOLE, sum(stages.values()))):
                self._latency.setdefault(name, []).append(seconds)

    def report(self, now: float, seconds: float) -> Report:
        """Tell, and begin anew.

        Args:
            now: On the clock of the stamps [s].
            seconds: Since the last report, on the wall.
        """
        rate = self._frames / seconds
        figures = {
            "frames_per_second": rate,
            "frame_age_ms": float("inf") if self._seen is None else 1e3 * (now - self._seen),
            "unusable_frames": float(self._unusable),
            "missed_frames": float(self._missed),
            "unpaired_pictures": float(self.unpaired),
        }
        for name in (*(stage.value for stage in Stage), WHOLE):
            for percent in (50, 99):
                taken = self._latency.get(name)
                if taken:
                    figures[f"{name}_p{percent}_ms"] = 1e3 * float(np.percentile(taken, percent))
        lost = []
        for track in () if self._last is None else self._last.tracks:
            figures[f"{track.name}_age_s"] = track.age
            figures[f"{track.name}_sd_mm"] = 1e3 * float(np.sqrt(np.trace(track.covariance[:3, :3]) / 3.0))
            if track.state is TrackState.LOST:
                lost.append(f"{track.name} is lost" + (": several look alike" if track.ambiguous else ""))
        level, message = self._judge(rate, lost)
        self._latency, self._frames, self._unusable, self._missed = {}, 0, 0, 0
        return Report(level, message, figures)

    def _judge(self, rate: float, lost: list[str]) -> tuple[Level, str]:
        if self._last is None:
            return Level.ERROR, "no frame has come yet: is the camera there, are the topics right?"
        if self._last.problems:
            return Level.ERROR, self._last.detail
        if lost:
            return Level.WARN, ", ".join(lost)
        if rate < self.least_rate:
            return Level.WARN, f"{rate:.1f} frames per second, fewer than the task's {self.least_rate:g}"
        return Level.OK, f"everything in sight, {rate:.0f} frames per second"
