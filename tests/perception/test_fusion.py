import numpy as np
import pytest

from perception.detection.colour import ColourDetector, ColourRange
from perception.detection.detection import Box, Detection, Source
from perception.detection.fusion import FusedDetector, Fusion

BLUE = ColourRange((105, 130), (120, 255), (60, 255))
RULE = Fusion(colour_share=0.3, yolo_alone=0.6, colour_alone=0.7)


class Boxes:
    def __init__(self, *detections):
        self.detections = list(detections)

    def detect(self, colour):
        return self.detections


def yolo(score, left=100, top=100, name="puck"):
    return Detection(name, score, Box(left, top, left + 40, top + 40), Source.YOLO)


def fused(*boxes):
    return FusedDetector(Boxes(*boxes), ColourDetector({"puck": BLUE}), RULE)


@pytest.fixture
def picture():
    plain = np.full((480, 640, 3), (84, 110, 140), np.uint8)
    plain[100:140, 100:140] = (220, 60, 10)
    return plain


def test_a_box_with_its_colour_in_it_is_confirmed_and_gets_the_mask(picture):
    (found,) = fused(yolo(0.3)).detect(picture)
    assert found.source is Source.BOTH and found.score == 0.3
    assert found.region.area == 1600


def test_a_box_without_its_colour_needs_a_high_score(picture):
    picture[:] = (84, 110, 140)
    assert fused(yolo(0.59)).detect(picture) == []
    (found,) = fused(yolo(0.6)).detect(picture)
    assert found.source is Source.YOLO and found.region is None


def test_too_little_colour_does_not_confirm(picture):
    picture[100:140, 112:140] = (84, 110, 140)  # 480 of 1600 pixels: 0.3, then less
    assert fused(yolo(0.5)).detect(picture)[0].source is Source.BOTH
    picture[100:140, 111:140] = (84, 110, 140)
    assert all(found.source is not Source.BOTH for found in fused(yolo(0.5)).detect(picture))


def test_what_the_network_misses_the_colour_finds(picture):
    (found,) = fused().detect(picture)
    assert found.source is Source.COLOUR and found.box.left == 100


def test_a_same_coloured_thing_does_not_stand_beside_a_confirmed_box(picture):
    picture[300:340, 300:340] = (220, 60, 10)
    (found,) = fused(yolo(0.9)).detect(picture)
    assert found.box.left == 100


def test_a_class_without_a_colour_goes_by_its_box(picture):
    found = fused(yolo(0.3, name="cup")).detect(picture)
    assert [d.object_class for d in found] == ["puck", "cup"]
