from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from perception.calibration.file import load_calibration, same_lens, save_calibration
from perception.calibration.hand_eye import CalibrationError, HandEye, Method, Mount, Residuals
from perception.calibration.lens import LensCheck
from perception.frame import Intrinsics
from tests.perception.board_renderer import BOARD, CAMERA, pose

MADE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MONTH = timedelta(days=30)
RESULT = HandEye(
    Mount.BESIDE_ROBOT,
    pose((1.9, -0.4, 0.3), (1.15, 0.1, 0.62)),
    Method.PARK,
    {
        Method.PARK: Residuals(0.0011, 0.0025, 0.002, 18),
        Method.TSAI: Residuals(float("inf"), float("inf"), float("inf"), 18),
    },
    passed=True,
)
LENS = LensCheck(0.25, 0.2, 1.001, 18, passed=True)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "cameras" / "table.yaml"


def save(file, result=RESULT, lens=LENS, created=MADE):
    save_calibration(file, result, lens, CAMERA, "A1", BOARD, created)


def test_what_was_written_is_read(file):
    save(file)
    read = load_calibration(file, MADE + MONTH, MONTH, "A1")
    assert read.transform == pytest.approx(RESULT.transform, abs=1e-12)
    assert (read.mount, read.serial, read.created) == (Mount.BESIDE_ROBOT, "A1", MADE)
    assert read.intrinsics == CAMERA
    assert read.translation_rms == pytest.approx(0.0011)
    assert [path.name for path in file.parent.iterdir()] == ["table.yaml"]


def test_a_person_can_read_it(file):
    save(file)
    text = file.read_text()
    assert "base_from_camera, metres and radians" in text and "2026-03-01" in text and "park" in text


def test_a_missing_file_is_refused(file):
    with pytest.raises(CalibrationError, match=r"no calibration .*table\.yaml: calibrate the camera first"):
        load_calibration(file, MADE, MONTH)


def test_an_old_file_is_refused_and_the_last_day_is_not(file):
    save(file)
    with pytest.raises(CalibrationError, match=r"from 2026-03-01, 30 days old; at most 30"):
        load_calibration(file, MADE + MONTH + timedelta(seconds=1), MONTH)
    with pytest.raises(CalibrationError, match="days old"):
        load_calibration(file, MADE - timedelta(days=3), MONTH)


@pytest.mark.parametrize(
    "result, lens",
    [
        (HandEye(RESULT.mount, RESULT.transform, RESULT.method, RESULT.residuals, passed=False), LENS),
        (RESULT, LensCheck(2.0, 0.2, 1.07, 18, passed=False)),
    ],
)
def test_a_failed_calibration_is_refused(file, result, lens):
    save(file, result, lens)
    with pytest.raises(CalibrationError, match=r"has failed with a residual of 1\.1 mm"):
        load_calibration(file, MADE, MONTH)


def test_a_file_of_another_camera_is_refused(file):
    save(file)
    with pytest.raises(CalibrationError, match="is of camera A1, but camera B2 is in use"):
        load_calibration(file, MADE, MONTH, "B2")


def test_an_edited_file_is_refused(file):
    save(file)
    file.write_text(file.read_text().replace("passed: true", "passed: true ").replace("1.15", "1.16"))
    with pytest.raises(CalibrationError, match="was changed after it was written"):
        load_calibration(file, MADE, MONTH)


@pytest.mark.parametrize(
    "text, said",
    [("just text", "no calibration file"), ("a: [", "not valid YAML"), ("farmat: 1", "'format'")],
)
def test_a_broken_file_is_refused(file, text, said):
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(CalibrationError, match=said):
        load_calibration(file, MADE, MONTH)


def test_a_lens_is_known_by_size_focal_length_and_centre():
    assert same_lens(CAMERA, CAMERA)
    assert not same_lens(CAMERA, Intrinsics(1280, 720, 615.0, 615.0, 322.0, 242.0))
    assert not same_lens(CAMERA, Intrinsics(640, 480, 625.0, 615.0, 322.0, 242.0))
    assert not same_lens(CAMERA, Intrinsics(640, 480, 615.0, 615.0, 330.0, 242.0))
    assert np.isclose(CAMERA.matrix[0, 2], 322.0)
