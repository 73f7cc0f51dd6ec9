"""Whether the intrinsics that the camera reports agree with what it sees of a board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from perception.calibration.board import BoardView
from perception.frame import Intrinsics


@dataclass(frozen=True, slots=True)
class LensCheck:
    """The result.

    Attributes:
        error: Root mean square reprojection error with the reported intrinsics, pixels.
        own_error: The same with intrinsics fitted to the pictures, pixels.
        focal_ratio: Fitted focal length over the reported one.
        views: Number of pictures.
        passed: Both are good enough.
    """

    error: float
    own_error: float
    focal_ratio: float
    views: int
    passed: bool


def check_lens(
    views: Sequence[BoardView],
    intrinsics: Intrinsics,
    greatest_error: float = 0.7,
    greatest_ratio: float = 0.015,
) -> LensCheck:
    """Compare the reported intrinsics with those that fit the pictures best.

    Args:
        views: At least 8, the board tilted in several ways.
        intrinsics: What the camera reports.
        greatest_error: Reprojection error that passes, pixels.
        greatest_ratio: Relative difference of the focal lengths that passes.

    Raises:
        ValueError: Too few pictures.
    """
    if len(views) < 8:
        raise ValueError(f"expected at least 8 pictures of the board, got {len(views)}")
    fitted = cv2.calibrateCamera(
        [view.on_board.astype(np.float32) for view in views],
        [view.in_picture.astype(np.float32) for view in views],
        (intrinsics.width, intrinsics.height),
        intrinsics.matrix,
        np.zeros(5),
        flags=cv2.CALIB_USE_INTRINSIC_GUESS | cv2.CALIB_FIX_ASPECT_RATIO | cv2.CALIB_FIX_K3,
    )
    own_error, matrix = float(fitted[0]), np.asarray(fitted[1])
    squares = [len(view.on_board) * view.error**2 for view in views]
    error = float(np.sqrt(sum(squares) / sum(len(view.on_board) for view in views)))
    ratio = float(matrix[0, 0]) / intrinsics.fx
    passed = error <= greatest_error and abs(ratio - 1.0) <= greatest_ratio
    return LensCheck(error, own_error, ratio, len(views), passed)
