"""The way of a frame: believed? → detected → located → tracked, with the time that each stage took."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from perception.calibration.file import same_lens
from perception.calibration.hand_eye import Mount
from perception.camera_spec import Mounting
from perception.cameras.camera import CameraState, Reading
from perception.detection.detection import Detection, Detector
from perception.frame import Frame, Transform
from perception.geometry import LiftLimits, Measurement, ObjectModel, Rejection, locate, table_error
from perception.problems import Problem, StreamCheck
from perception.tracking.tracker import Track, Tracker

_WITHOUT_FRAME = {
    CameraState.WAITING: Problem.NO_FRAME,
    CameraState.ENDED: Problem.NO_FRAME,
    CameraState.UNPLUGGED: Problem.UNPLUGGED,
    CameraState.MALFORMED: Problem.MALFORMED,
}


class Stage(Enum):
    """What takes time."""

    CHECK = "check"
    DETECT = "detect"
    LOCATE = "locate"
    TRACK = "track"


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is known after a reading.

    Attributes:
        stamp: When what is shown was true, seconds: the frame's stamp, unchanged, or the time of asking where
            no frame could be used.
        tracks: Each object of the task, always all of them.
        problems: What was wrong with camera or frame; if anything was, no object is VISIBLE.
        detail: The same for a person; empty when nothing is wrong.
        detections: What the detector saw.
        rejected: Those detections that gave no position, and why.
        missed: Frames of the camera that were never read, before this one.
        latency: Seconds that each stage took.
    """

    stamp: float
    tracks: tuple[Track, ...]
    problems: Problem
    detail: str = ""
    detections: tuple[Detection, ...] = ()
    rejected: tuple[tuple[Detection, Rejection], ...] = ()
    missed: int = 0
    latency: Mapping[Stage, float] = field(default_factory=dict)


class Perception:
    """Turns readings into scenes. What cannot be believed is reported, and changes no track."""

    def __init__(
        self,
        detector: Detector,
        models: Mapping[str, ObjectModel],
        tracker: Tracker,
        check: StreamCheck,
        limits: LiftLimits,
        mounting: Mounting,
        table_tolerance: float,
        steady: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Put the stages together.

        Args:
            detector: Finds objects in pictures.
            models: Size of each class; detections of other classes are none of the task's business.
            tracker: Follows the task's objects.
            check: Judges frames.
            limits: What of a detection is believed.
            mounting: Where the camera is.
            table_tolerance: How far the table may seem to be from its height, metres.
            steady: Clock for latencies, seconds.
        """
        self._detector, self._models, self._tracker = detector, dict(models), tracker
        self._check, self._limits, self._mounting = check, limits, mounting
        self._table_tolerance, self._steady = table_tolerance, steady
        self._number: int | None = None

    def warm_up(self, height: int, width: int) -> None:
        """Look at a black picture (pixels), and forget it: the first time takes many times as long."""
        self._detector.detect(np.zeros((height, width, 3), np.uint8))

    def process(self, reading: Reading, now: float, base_from_hand: Transform | None = None) -> Scene:
        """Take in what a camera gave.

        Args:
            reading: Of the camera.
            now: Time on the clock of the stamps, seconds.
            base_from_hand: (4, 4) when the frame was taken; needed only for a camera on the hand.
        """
        frame = reading.frame
        if frame is None:
            problem = _WITHOUT_FRAME[reading.state]
            return Scene(now, self._tracker.view(now), problem, reading.detail)
        begin = self._steady()
        missed = 0 if self._number is None else max(0, frame.number - self._number - 1)
        self._number = frame.number
        problems, base_from_camera = self._judge(frame, now, base_from_hand)
        checked = self._steady()
        if problems is not Problem.NONE or base_from_camera is None or frame.intrinsics is None:
            if Problem.CLOCK_JUMP in problems:
                self._tracker.reset()
            detail = f"frame {frame.number} cannot be used: {_names(problems)}"
            latency = {Stage.CHECK: checked - begin}
            return Scene(now, self._tracker.view(now), problems, detail, missed=missed, latency=latency)

        detections = tuple(
            one for one in self._detector.detect(frame.colour) if one.object_class in self._models
        )
        detected = self._steady()
        found: list[Measurement] = []
        rejected: list[tuple[Detection, Rejection]] = []
        for one in detections:
            model = self._models[one.object_class]
            result = locate(one, frame, frame.intrinsics, base_from_camera, model, self._limits)
            if isinstance(result, Measurement):
                found.append(result)
            else:
                rejected.append((one, result))
        located = self._steady()
        tracks = self._tracker.update(frame.stamp, found)
        latency = {
            Stage.CHECK: checked - begin,
            Stage.DETECT: detected - checked,
            Stage.LOCATE: located - detected,
            Stage.TRACK: self._steady() - located,
        }
        return Scene(frame.stamp, tracks, problems, "", detections, tuple(rejected), missed, latency)

    def _judge(
        self, frame: Frame, now: float, base_from_hand: Transform | None
    ) -> tuple[Problem, Transform | None]:
        problems = self._check.check(frame, now)
        base_from_camera = self._mounting.base_from_camera(base_from_hand)
        if base_from_camera is None:
            return problems | Problem.NO_ARM_POSE, None
        if frame.intrinsics is None:
            return problems, base_from_camera
        if not same_lens(frame.intrinsics, self._mounting.intrinsics):
            problems |= Problem.WRONG_CAMERA
        if not problems:
            error = table_error(frame, frame.intrinsics, base_from_camera, self._limits)
            beside = self._mounting.mount is Mount.BESIDE_ROBOT
            # A camera on the hand may look away from the table, one beside the robot may not.
            if beside if error is None else abs(error) > self._table_tolerance:
                problems |= Problem.TABLE_MISPLACED
        return problems, base_from_camera


def _names(problems: Problem) -> str:
    return ", ".join(problem.name.lower().replace("_", " ") for problem in problems if problem.name)
