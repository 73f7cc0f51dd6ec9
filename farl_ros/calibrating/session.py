"""A calibration under way: pictures come one by one, each with the arm's pose; at the end the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from perception.calibration.board import Board, BoardFinder, BoardView
from perception.calibration.file import same_lens, save_calibration
from perception.calibration.hand_eye import (
    CalibrationError,
    HandEye,
    Mount,
    PassLimits,
    Residuals,
    Sample,
    calibrate,
)
from perception.calibration.lens import LensCheck, check_lens
from perception.frame import Colour, Intrinsics, Transform


@dataclass(frozen=True)
class Verdict:
    """What a calibration came to.

    Attributes:
        hand_eye: Where the camera is, and the residuals of each method.
        lens: Whether the intrinsics agree with the pictures.
    """

    hand_eye: HandEye
    lens: LensCheck

    @property
    def passed(self) -> bool:
        """Whether the file will be accepted."""
        return self.hand_eye.passed and self.lens.passed

    @property
    def residuals(self) -> Residuals:
        """Those of the method that was chosen."""
        return self.hand_eye.residuals[self.hand_eye.method]


@dataclass
class Session:
    """Collects samples.

    Attributes:
        board: What was printed.
        mount: Where the camera is fixed.
        views: The boards that were found.
        samples: The same with the arm's poses.
    """

    board: Board
    mount: Mount
    views: list[BoardView] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    _intrinsics: Intrinsics | None = None

    def __post_init__(self) -> None:
        """Prepare the search for the board."""
        self._finder = BoardFinder(self.board)

    def add(self, colour: Colour, intrinsics: Intrinsics, base_from_hand: Transform) -> BoardView | None:
        """Take a picture (H, W, 3) and the arm's pose (4, 4); None where too little of the board is seen.

        Raises:
            CalibrationError: The picture is of another camera than the ones before.
        """
        if self._intrinsics is None:
            self._intrinsics = intrinsics
        elif not same_lens(intrinsics, self._intrinsics):
            raise CalibrationError(
                f"expected pictures of one camera, got intrinsics {intrinsics} after {self._intrinsics}"
            )
        view = self._finder.find(colour, intrinsics)
        if view is not None:
            self.views.append(view)
            self.samples.append(Sample(base_from_hand, view.camera_from_board))
        return view

    def finish(self, file: Path, serial: str, now: datetime) -> Verdict:
        """Solve, and write the file, which also says if the calibration has failed.

        Raises:
            CalibrationError: Too few pictures with a board, or too little turning between them.
        """
        if self._intrinsics is None:
            raise CalibrationError("there is no picture")
        try:
            lens = check_lens(self.views, self._intrinsics)
        except ValueError as error:
            raise CalibrationError(str(error)) from error
        verdict = Verdict(calibrate(self.samples, self.mount, PassLimits()), lens)
        save_calibration(file, verdict.hand_eye, lens, self._intrinsics, serial, self.board, now)
        return verdict
