"""The ChArUco board: how it is printed, and where it is in a picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.frame import Colour, Intrinsics, Transform

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Board:
    """A printed board; measure the squares, printers scale.

    Attributes:
        columns: Squares along x.
        rows: Squares along y.
        square: Side of a square, metres.
        marker: Side of a marker, metres.
        dictionary: Name of OpenCV's marker dictionary.
    """

    columns: int = 7
    rows: int = 5
    square: float = 0.03
    marker: float = 0.022
    dictionary: str = "DICT_5X5_100"

    def charuco(self) -> cv2.aruco.CharucoBoard:
        """Return OpenCV's form of it."""
        dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, self.dictionary))
        return cv2.aruco.CharucoBoard((self.columns, self.rows), self.square, self.marker, dictionary)

    def picture(self, pixels_per_square: int, margin: int) -> NDArray[np.uint8]:
        """Return what to print (h, w), grey levels, with a white margin, pixels."""
        size = (
            self.columns * pixels_per_square + 2 * margin,
            self.rows * pixels_per_square + 2 * margin,
        )
        return np.asarray(self.charuco().generateImage(size, None, margin, 1), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class BoardView:
    """A board in one picture.

    Attributes:
        camera_from_board: (4, 4); the board's origin is its upper left corner, x right, y down.
        on_board: Corners (n, 3) on the board, metres.
        in_picture: The same corners (n, 2), pixels.
        error: Root mean square distance of the corners to where the pose puts them, pixels.
    """

    camera_from_board: Transform
    on_board: Floats
    in_picture: Floats
    error: float


class BoardFinder:
    """Finds a board's corners and its pose."""

    def __init__(self, board: Board, least_corners: int = 8) -> None:
        """Prepare.

        Args:
            board: What was printed.
            least_corners: With fewer in view, a picture is not used.
        """
        self.board = board
        self._least = max(6, least_corners)
        self._charuco = board.charuco()
        self._detector = cv2.aruco.CharucoDetector(self._charuco)

    def find(self, colour: Colour, intrinsics: Intrinsics) -> BoardView | None:
        """Return the board's pose, None if too little of it is in view.

        Args:
            colour: (H, W, 3).
            intrinsics: Of the camera.
        """
        grey = cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)
        corners, ids, _, _ = self._detector.detectBoard(grey)
        if ids is None or len(ids) < self._least:
            return None
        on_board, in_picture = self._charuco.matchImagePoints(list(corners), ids)
        flat = np.asarray(on_board, float).reshape(-1, 3)
        seen = np.asarray(in_picture, float).reshape(-1, 2)
        found, turn, place = cv2.solvePnP(flat, seen, intrinsics.matrix, None)
        if not found:
            return None
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = cv2.Rodrigues(turn)[0], place.ravel()
        expected, _ = cv2.projectPoints(flat, turn, place, intrinsics.matrix, None)
        miss = np.linalg.norm(expected.reshape(-1, 2) - seen, axis=1)
        return BoardView(pose, flat, seen, float(np.sqrt(np.mean(miss**2))))
