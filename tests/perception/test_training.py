"""Labels, the dataset's layout, and the figures of merit; the training itself is in test_fit.py."""

import cv2
import numpy as np
import pytest
from ruamel.yaml import YAML

from perception.detection.colour import ColourDetector, ColourRange
from perception.detection.detection import Box, Detection, Source
from perception.geometry import Bounds, LiftLimits, ObjectModel
from perception.shapes import Cylinder
from perception.training.evaluation import PrecisionCount, evaluate
from perception.training.pictures import DatasetWriter, LabelledPicture, SensorNoise, labelled_by, simulated
from tests.perception.raycast import CAMERA, frame_of, puck

LIMITS = LiftLimits(Bounds((0.2, -0.4, -0.02), (0.9, 0.4, 0.3)))
MODELS = {"puck": ObjectModel(Cylinder(0.035, 0.02))}


def draw(random):
    """A puck somewhere on the table; its mask by its colour, which nothing else has."""
    position = np.array((random.uniform(0.35, 0.7), random.uniform(-0.25, 0.25), 0.02))
    frame = frame_of([puck(position)])
    mask = frame.colour[..., 0] > 150
    return LabelledPicture(frame, CAMERA, {"puck": mask}, {"puck": position})


def test_boxes_are_tight_around_what_is_visible():
    frame = frame_of([])
    mask = np.zeros((240, 320), bool)
    mask[50:60, 100:108] = True
    picture = LabelledPicture(frame, CAMERA, {"puck": mask, "cup": np.zeros_like(mask)}, {})
    assert picture.boxes() == {"puck": Box(100.0, 50.0, 108.0, 60.0)}


def test_the_dataset_is_what_ultralytics_reads(tmp_path):
    writer = DatasetWriter(tmp_path / "data", ("flower", "puck"))
    colour = np.full((100, 200, 3), 90, np.uint8)
    boxes = {"puck": Box(20.0, 10.0, 60.0, 30.0)}
    assert writer.write("train", [(colour, boxes), (colour, {})]) == 2
    # by hand: centre (40, 20) of (200, 100), size (40, 20)
    assert (tmp_path / "data/labels/train/00000.txt").read_text() == "1 0.200000 0.200000 0.200000 0.200000\n"
    assert (tmp_path / "data/labels/train/00001.txt").read_text() == ""
    assert cv2.imread(str(tmp_path / "data/images/train/00001.jpg")).shape == (100, 200, 3)
    content = YAML(typ="safe").load(tmp_path / "data/data.yaml")
    assert content["train"] == "images/train" and content["val"] == "images/val"
    assert [content["names"][key] for key in ("0", "1")] == ["flower", "puck"]
    with pytest.raises(FileExistsError, match="choose another folder"):
        DatasetWriter(tmp_path / "data", ("puck",))


def test_recorded_frames_are_labelled_by_what_a_detector_sees():
    frames = [frame_of([puck((0.5, 0.0, 0.02)), puck((0.6, 0.2, 0.005), 0.03, 0.005)]), frame_of([])]
    detector = ColourDetector({"puck": ColourRange((105, 130), (120, 255), (60, 255), 40)})
    (colour, boxes), (_, nothing) = labelled_by(detector, [frame.colour for frame in frames])
    assert colour is frames[0].colour and nothing == {}
    assert boxes == {"puck": detector.detect(colour)[0].box}


def test_the_same_seed_draws_the_same_pictures():
    one, two, other = (list(simulated(draw, 2, seed, SensorNoise())) for seed in (1, 1, 2))
    assert np.array_equal(one[1][0], two[1][0]) and one[1][1] == two[1][1]
    assert not np.array_equal(one[1][0], other[1][0])


def seen(score, left):
    return Detection("puck", score, Box(left, 0.0, left + 10.0, 10.0), Source.YOLO)


def test_average_precision_by_hand():
    count, label = PrecisionCount(), Box(0.0, 0.0, 10.0, 10.0)
    count.add([seen(0.9, 0.0), seen(0.5, 1.0)], label)  # right, and a second box of the same object: wrong
    count.add([seen(0.8, 50.0)], label)  # elsewhere: wrong
    count.add([seen(0.7, 2.0)], label)  # overlap 8/12: right
    count.add([], label)  # missed
    count.add([seen(0.6, 0.0)], None)  # nothing there: wrong
    # by score: right, wrong, right, wrong, wrong -> precision 1 at recall 1/4, 2/3 at 2/4
    assert count.average_precision() == pytest.approx((1.0 + 2.0 / 3.0) / 4.0)


def test_average_precision_at_its_ends():
    count, label = PrecisionCount(), Box(0.0, 0.0, 10.0, 10.0)
    assert np.isnan(count.average_precision())
    count.add([Detection("puck", 0.9, Box(0.0, 0.0, 10.0, 5.0), Source.YOLO)], label)  # exactly one half
    assert count.average_precision() == 1.0
    count.add([seen(0.9, 3.4)], label)  # 6.6 / 13.4: less
    assert count.average_precision() == pytest.approx(0.5)


def test_evaluation_of_a_detector_that_sees_well_and_of_one_that_does_not():
    random = np.random.default_rng(0)
    pictures = [draw(random) for _ in range(6)]
    sharp = ColourDetector({"puck": ColourRange((105, 130), (120, 255), (60, 255), 40)})
    good = evaluate(sharp, pictures, MODELS, LIMITS)
    assert good.map50 == 1.0 and good.located == 1.0 and good.pictures == 6
    assert good.error_median < 0.002 and good.error_p95 < 0.003
    blind = evaluate(ColourDetector({}), pictures, MODELS, LIMITS)
    assert blind.map50 == 0.0 and blind.located == 0.0 and np.isnan(blind.error_median)


def test_sensor_noise_keeps_type_and_range():
    random = np.random.default_rng(0)
    plain = np.full((40, 60, 3), 128, np.uint8)
    changed = [SensorNoise().on(plain, random) for _ in range(30)]
    assert all(one.dtype == np.uint8 and one.shape == plain.shape for one in changed)
    means = [one.mean() for one in changed]
    assert 70 < min(means) < 110 and 135 < max(means) < 170
