"""A calibration from recorded pictures of rendered boards, through the command line."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from farl_ros.calibrating.pictures import Picture, read_pictures, write_picture
from farl_ros.sight.files import mounted
from perception.calibration.board import Board, BoardFinder
from perception.calibration.hand_eye import CalibrationError, Mount
from perception.frame import Intrinsics
from perception.transforms import invert
from tests.perception.board_renderer import CAMERA, board_poses, pose, see
from tests.perception.raycast import looking

BESIDE = looking((1.15, 0.1, 0.62), (0.5, 0.0, 0.05))
IN_HAND = pose((0.3, 0.1, 0.2), (0.02, 0.01, 0.06))
FILE = """
name: table
serial: null
streams: {width: 640, height: 480, rate: 30}
mounting: {kind: calibrated, file: table.calibration.yaml, oldest: 90}
limits: {dark: 20, least_depth_share: 0.3, nearest: 0.15, farthest: 4.0, frozen_frames: 5, oldest: 0.5,
  future: 0.05, table_tolerance: 0.02}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve boards in the hand, seen by a camera beside the robot, and a picture without one."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(3)
    for number, camera_from_board in enumerate(board_poses(12, random)):
        hand = BESIDE @ camera_from_board @ invert(IN_HAND)
        hand[:3, 3] += 0.0002 * random.standard_normal(3)
        write_picture(folder, number, Picture(see(camera_from_board, random), CAMERA, hand, "A1"))
    blank = np.full((480, 640, 3), 128, np.uint8)
    write_picture(folder, 12, Picture(blank, CAMERA, np.eye(4), "A1"))
    return folder


def test_recorded_pictures_give_the_cameras_file(farl, capsys, folder, tmp_path):
    camera = tmp_path / "table.yaml"
    camera.write_text(FILE)
    assert farl("perception", "calibrate", "--camera", camera, "--folder", folder) == 0
    told = capsys.readouterr().out
    assert (
        "picture 12: board not found; 12 so far" in told
        and "(chosen)" in told
        and "passed, 12 pictures" in told
    )
    _, mounting = mounted(str(camera))
    assert mounting.mount is Mount.BESIDE_ROBOT and mounting.intrinsics == CAMERA
    assert np.linalg.norm(mounting.transform[:3, 3] - BESIDE[:3, 3]) < 0.002


def test_poses_that_do_not_fit_fail_and_are_refused_later(farl, capsys, folder, tmp_path):
    camera, wrong = tmp_path / "table.yaml", tmp_path / "wrong"
    camera.write_text(FILE)
    random = np.random.default_rng(0)
    for number, picture in enumerate(list(read_pictures(folder))[:12]):
        hand = picture.base_from_hand.copy()
        hand[:3, 3] += 0.02 * random.standard_normal(3)
        write_picture(wrong, number, Picture(picture.colour, picture.intrinsics, hand, "A1"))
    assert farl("perception", "calibrate", "--camera", camera, "--folder", wrong) == 1
    assert "FAILED: it will be refused" in capsys.readouterr().out
    with pytest.raises(ValueError, match="has failed with a residual"):
        mounted(str(camera))


def test_a_camera_without_a_calibration_says_what_to_do(tmp_path):
    camera = tmp_path / "table.yaml"
    camera.write_text(FILE)
    with pytest.raises(
        ValueError, match=r"no calibration .*table.calibration.yaml.*farl perception calibrate"
    ):
        mounted(str(camera))


def test_few_pictures_and_a_known_camera_are_refused(farl, capsys, folder, tmp_path):
    assert farl("perception", "calibrate", "--camera", "franka_twin", "--folder", folder) == 2
    assert "needs no calibration" in capsys.readouterr().out
    few = tmp_path / "few"
    for number, picture in enumerate(list(read_pictures(folder))[:3]):
        write_picture(few, number, picture)
    out = tmp_path / "out.yaml"
    assert farl("perception", "calibrate", "--folder", few, "--out", out) == 2
    assert "at least 8 pictures" in capsys.readouterr().out and not out.exists()
    assert farl("perception", "calibrate", "--folder", tmp_path / "none", "--out", out) == 2
    assert "found none" in capsys.readouterr().out


def test_a_pose_that_is_none_is_named(folder, tmp_path):
    lens = Intrinsics(4, 3, 5.0, 5.0, 1.5, 1.0)
    write_picture(tmp_path, 0, Picture(np.zeros((3, 4, 3), np.uint8), lens, np.eye(4), "A1"))
    file = tmp_path / "000.json"
    plain = json.loads(file.read_text())
    mirrored = np.diag((1.0, 1.0, -1.0, 1.0)).tolist()
    for change, says in (
        ({"base_from_hand": mirrored}, "no rigid motion"),
        ({"base_from_hand": [[0.0]]}, "cannot be used"),
        ({"camera": {**plain["camera"], "width": 5}}, "a picture of 5x3"),
    ):
        file.write_text(json.dumps(plain | change))
        with pytest.raises(CalibrationError, match=says):
            list(read_pictures(tmp_path))


def test_the_board_is_printed_in_its_true_size_and_found_in_its_print(farl, capsys):
    assert farl("perception", "board") == 0
    board = Board()
    with Image.open("board.png") as picture:
        sides = [0.0254 * n / dpi for n, dpi in zip(picture.size, picture.info["dpi"], strict=True)]
    assert sides == pytest.approx([(board.columns + 1) * board.square, (board.rows + 1) * board.square], 1e-3)
    print_of_it = cv2.resize(cv2.imread("board.png"), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    eye = Intrinsics(600, 450, 600.0, 600.0, 299.5, 224.5)
    seen = BoardFinder(board).find(print_of_it, eye)
    assert seen is not None and len(seen.on_board) == (board.columns - 1) * (board.rows - 1)
    assert seen.camera_from_board[2, 3] == pytest.approx(600.0 * board.square / 75.0, rel=5e-3)
    assert farl("perception", "board", "--out", "nowhere/board.png") == 2
    assert "cannot write nowhere/board.png" in "".join(capsys.readouterr())
