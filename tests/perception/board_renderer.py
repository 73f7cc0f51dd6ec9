"""Pictures of a printed board seen by a pinhole camera: a plane homography, no code under test."""

import cv2
import numpy as np

from perception.calibration.board import Board
from perception.frame import Intrinsics

CAMERA = Intrinsics(640, 480, 615.0, 615.0, 322.0, 242.0)
BOARD = Board()
PER_SQUARE, MARGIN = 60, 60
PRINTED = BOARD.picture(PER_SQUARE, MARGIN)


def pose(rotation_vector, translation):
    transform = np.eye(4)
    transform[:3, :3] = cv2.Rodrigues(np.array(rotation_vector, float))[0]
    transform[:3, 3] = translation
    return transform


def see(camera_from_board, random=None, camera=CAMERA):
    """Picture (H, W, 3) of the board."""
    metre = BOARD.square / PER_SQUARE
    shift = (0.5 - MARGIN) * metre  # the middle of the first printed pixel, seen from the board's corner
    on_board = np.array(((metre, 0.0, shift), (0.0, metre, shift), (0.0, 0.0, 1.0)))
    flat = camera_from_board[:3][:, [0, 1, 3]]
    # Drawn twice as large and averaged, as a sensor's pixels average.
    double = np.array(((2.0, 0.0, 0.5), (0.0, 2.0, 0.5), (0.0, 0.0, 1.0)))
    homography = double @ camera.matrix @ flat @ on_board
    large = cv2.warpPerspective(PRINTED, homography, (2 * camera.width, 2 * camera.height), borderValue=160)
    picture = cv2.resize(large, (camera.width, camera.height), interpolation=cv2.INTER_AREA).astype(float)
    if random is not None:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.7) + random.normal(0.0, 3.0, picture.shape)
    return np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def board_poses(count, random):
    """camera_from_board of boards in view: 0.45 to 0.75 m away, tilted by up to 35 degrees, any roll."""
    middle = np.array((BOARD.columns, BOARD.rows, 0.0)) * BOARD.square / 2
    for _ in range(count):
        tilt = np.radians(random.uniform(-35.0, 35.0, 2))
        turn = pose((tilt[0], 0, 0), (0, 0, 0)) @ pose((0, tilt[1], 0), (0, 0, 0))
        turn = pose((0, 0, random.uniform(-np.pi, np.pi)), (0, 0, 0)) @ turn
        place = random.uniform((-0.08, -0.06, 0.45), (0.08, 0.06, 0.75))
        turn[:3, 3] = place - turn[:3, :3] @ middle
        yield turn
