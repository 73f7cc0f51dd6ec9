import cv2
import numpy as np
import pytest

from perception.detection.colour import ColourDetector, ColourRange
from perception.detection.detection import Box, Source

RED = ColourRange((172, 8), (120, 255), (60, 255))
BLUE = ColourRange((105, 130), (120, 255), (60, 255))
DETECTOR = ColourDetector({"ball": RED, "puck": BLUE})


def table():
    return np.full((480, 640, 3), (84, 110, 140), np.uint8)  # brown, blue first


def test_blobs_are_found_with_class_box_and_mask():
    picture = table()
    cv2.circle(picture, (200, 100), 20, (10, 10, 220), -1)
    cv2.rectangle(picture, (400, 300), (459, 329), (220, 60, 10), -1)
    found = {detection.object_class: detection for detection in DETECTOR.detect(picture)}
    ball, puck = found["ball"], found["puck"]
    # opening takes the single pixels at the circle's four poles
    corners = (ball.box.left, ball.box.top, ball.box.right, ball.box.bottom)
    assert corners == pytest.approx((180, 80, 221, 121), abs=1)
    assert ball.source is Source.COLOUR
    assert ball.region.area == pytest.approx(np.pi * 20.5**2, rel=0.06)
    assert (puck.box.left, puck.box.top, puck.box.right, puck.box.bottom) == (400, 300, 460, 330)
    assert puck.region.area == 60 * 30


def test_red_on_both_sides_of_the_hue_circle_is_one_class():
    picture = table()
    picture[100:120, 100:120] = cv2.cvtColor(np.full((1, 1, 3), (3, 220, 200), np.uint8), cv2.COLOR_HSV2BGR)
    picture[100:120, 120:140] = cv2.cvtColor(np.full((1, 1, 3), (176, 220, 200), np.uint8), cv2.COLOR_HSV2BGR)
    (found,) = DETECTOR.detect(picture)
    assert found.object_class == "ball" and found.region.area == 800


def test_specks_and_blobs_below_the_least_area_are_noise():
    picture = table()
    picture[10:12, 10:12] = (10, 10, 220)
    picture[50:58, 50:59] = (10, 10, 220)  # 72 pixels
    assert DETECTOR.detect(picture) == []


def test_holes_are_not_part_of_the_mask():
    picture = table()
    picture[100:140, 100:140] = (220, 60, 10)
    picture[115:125, 115:125] = (90, 90, 90)
    (found,) = DETECTOR.detect(picture)
    # opening takes a pixel at no straight rim
    assert found.region.area == 40 * 40 - 10 * 10


def test_a_round_blob_scores_higher_than_a_ragged_one():
    picture = table()
    cv2.circle(picture, (100, 100), 20, (220, 60, 10), -1)
    cv2.line(picture, (200, 200), (300, 300), (220, 60, 10), 5)
    first, second = DETECTOR.detect(picture)
    assert first.score > 0.95 and second.score < 0.2
    assert first.box.width == pytest.approx(41, abs=2)


def test_inside_a_box_only_that_colour_counts_and_pixels_are_those_of_the_picture():
    picture = table()
    cv2.circle(picture, (200, 100), 20, (10, 10, 220), -1)
    cv2.circle(picture, (300, 100), 20, (10, 10, 220), -1)
    region = DETECTOR.inside(picture, "ball", Box(170, 70, 240, 130))
    assert (region.left, region.top) == pytest.approx((180, 80), abs=1)
    assert DETECTOR.inside(picture, "puck", Box(170, 70, 240, 130)) is None
    assert DETECTOR.inside(picture, "unknown", Box(170, 70, 240, 130)) is None
    assert DETECTOR.inside(picture, "ball", Box(700, 70, 800, 130)) is None


def test_without_classes_nothing_is_found():
    assert ColourDetector({}).detect(table()) == []
