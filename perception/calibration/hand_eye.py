"""Hand-eye calibration: where the camera is on the hand, or beside the robot, from pictures of a board.

Camera on the hand, board on the table: base_from_hand @ X @ camera_from_board is the same in all samples,
with X = hand_from_camera. Camera beside the robot, board in the hand: the same with hand_from_base, and
X = base_from_camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.frame import Transform
from perception.transforms import invert

Floats = NDArray[np.float64]


class CalibrationError(ValueError):
    """A calibration cannot be made, or a file must not be used; the message says why and what to do."""


class Mount(Enum):
    """Where the camera is fixed."""

    ON_HAND = "on_hand"
    BESIDE_ROBOT = "beside_robot"


class Method(Enum):
    """OpenCV's solvers, by their authors."""

    TSAI = "tsai"
    PARK = "park"
    HORAUD = "horaud"
    ANDREFF = "andreff"
    DANIILIDIS = "daniilidis"


_FLAGS = {
    Method.TSAI: cv2.CALIB_HAND_EYE_TSAI,
    Method.PARK: cv2.CALIB_HAND_EYE_PARK,
    Method.HORAUD: cv2.CALIB_HAND_EYE_HORAUD,
    Method.ANDREFF: cv2.CALIB_HAND_EYE_ANDREFF,
    Method.DANIILIDIS: cv2.CALIB_HAND_EYE_DANIILIDIS,
}
_LEAST_TURN = 0.15
"""Turns about a second axis must reach this root mean square, radians."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One picture of the board and the arm's pose then.

    Attributes:
        base_from_hand: (4, 4) measured by the arm.
        camera_from_board: (4, 4) seen.
    """

    base_from_hand: Transform
    camera_from_board: Transform


@dataclass(frozen=True, slots=True)
class Residuals:
    """How far the board appears to move, each sample judged by a calibration from all others.

    Attributes:
        translation_rms: Metres; as a position error, this is what the calibration costs.
        translation_max: Metres.
        rotation_rms: Radians.
        samples: How many there were.
    """

    translation_rms: float
    translation_max: float
    rotation_rms: float
    samples: int


@dataclass(frozen=True, slots=True)
class PassLimits:
    """What a calibration must reach.

    Attributes:
        translation_rms: Metres.
        rotation_rms: Radians.
        samples: Fewest.
    """

    translation_rms: float = 0.003
    rotation_rms: float = 0.01
    samples: int = 10

    def hold_for(self, residuals: Residuals) -> bool:
        """Whether a calibration passes; not-a-number does not."""
        return (
            residuals.translation_rms <= self.translation_rms
            and residuals.rotation_rms <= self.rotation_rms
            and residuals.samples >= self.samples
        )


@dataclass(frozen=True, slots=True, eq=False)
class HandEye:
    """The result.

    Attributes:
        mount: Where the camera is fixed.
        transform: (4, 4) hand_from_camera or base_from_camera.
        method: The solver with the least residual.
        residuals: Of each solver that gave an answer.
        passed: The chosen one's residuals are small enough.
    """

    mount: Mount
    transform: Transform
    method: Method
    residuals: dict[Method, Residuals]
    passed: bool


def calibrate(samples: Sequence[Sample], mount: Mount, limits: PassLimits) -> HandEye:
    """Solve with every method and keep the one whose held-out residual is least.

    Args:
        samples: At least four, the hand turned about at least two axes between them.
        mount: Where the camera is fixed.
        limits: What passes.

    Raises:
        CalibrationError: Too few samples, too little turning, or no solver has an answer.
    """
    if len(samples) < 4:
        raise CalibrationError(f"expected at least 4 samples, got {len(samples)}: take more pictures")
    turn = _second_turn(samples)
    if turn < _LEAST_TURN:
        raise CalibrationError(
            f"expected the hand to turn about two axes by at least {np.degrees(_LEAST_TURN):.0f} degrees "
            f"(rms), got {np.degrees(turn):.1f}: tilt it to the front, back and sides between the pictures"
        )
    # A board's pose fits the hand's in one way only; which one is inverted tells the mount.
    arms = [s.base_from_hand if mount is Mount.ON_HAND else invert(s.base_from_hand) for s in samples]
    boards = [s.camera_from_board for s in samples]
    residuals: dict[Method, Residuals] = {}
    solved: dict[Method, Transform] = {}
    for method in Method:
        found = _solve(arms, boards, method)
        if found is not None:
            solved[method], residuals[method] = found, _held_out(arms, boards, method)
    usable = {m: r for m, r in residuals.items() if np.isfinite(r.translation_rms)}
    if not usable:
        raise CalibrationError("no solver found the camera: are the arm poses those of the pictures?")
    best = min(usable, key=lambda method: usable[method].translation_rms)
    return HandEye(mount, solved[best], best, residuals, limits.hold_for(residuals[best]))


def _solve(arms: list[Transform], boards: list[Transform], method: Method) -> Transform | None:
    try:
        # By keyword: as the fifth argument it would be an output, and the method always Tsai's.
        rotation, translation = cv2.calibrateHandEye(
            [arm[:3, :3] for arm in arms],
            [arm[:3, 3] for arm in arms],
            [board[:3, :3] for board in boards],
            [board[:3, 3] for board in boards],
            method=_FLAGS[method],
        )
    except cv2.error:
        return None
    transform = np.eye(4)
    transform[:3, :3], transform[:3, 3] = rotation, np.asarray(translation).ravel()
    return transform if np.isfinite(transform).all() else None


def _held_out(arms: list[Transform], boards: list[Transform], method: Method) -> Residuals:
    """Judge each sample by what the others say."""
    shifts, turns = [], []
    for i in range(len(arms)):
        others = [j for j in range(len(arms)) if j != i]
        found = _solve([arms[j] for j in others], [boards[j] for j in others], method)
        if found is None:
            return Residuals(float("inf"), float("inf"), float("inf"), len(arms))
        places = [arms[j] @ found @ boards[j] for j in others]
        expected = _mean(places)
        got = arms[i] @ found @ boards[i]
        shifts.append(float(np.linalg.norm(got[:3, 3] - expected[:3, 3])))
        turns.append(float(np.linalg.norm(_rotation_vector(expected[:3, :3].T @ got[:3, :3]))))
    return Residuals(
        float(np.sqrt(np.mean(np.square(shifts)))),
        max(shifts),
        float(np.sqrt(np.mean(np.square(turns)))),
        len(arms),
    )


def _mean(poses: list[Transform]) -> Transform:
    """Mean of poses near each other: of the positions, and the rotation nearest to the mean matrix."""
    mean = np.mean(poses, axis=0)
    left, _, right = np.linalg.svd(mean[:3, :3])
    mean[:3, :3] = left @ np.diag((1.0, 1.0, float(np.linalg.det(left @ right)))) @ right
    return np.asarray(mean)


def _rotation_vector(rotation: Floats) -> Floats:
    return np.asarray(cv2.Rodrigues(rotation)[0], float).ravel()


def _second_turn(samples: Sequence[Sample]) -> float:
    """Root mean square turn (radians) about the second most used axis, between all pairs."""
    turns = [
        _rotation_vector(a.base_from_hand[:3, :3].T @ b.base_from_hand[:3, :3])
        for i, a in enumerate(samples)
        for b in samples[:i]
    ]
    return float(np.linalg.svd(np.array(turns), compute_uv=False)[1] / np.sqrt(len(turns)))
