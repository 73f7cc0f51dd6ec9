import sys

import numpy as np
import pytest

from perception.detection.detection import Source
from perception.detection.runtime import ModelError, Runtime
from perception.detection.yolo import Letterbox, YoloDetector, decode, suppress
from tests.perception.tiny_yolo import write_tiny_yolo

PICTURE = np.zeros((480, 640, 3), np.uint8)


def test_letterbox_of_a_640_by_480_picture_in_320_by_256():
    # by hand: scale 0.5 makes 320x240; (256 - 240) / 2 = 8 rows of grey above and below
    box = Letterbox.of(640, 480, 320, 256)
    assert (box.scale, box.left, box.top) == (0.5, 0, 8)
    picture = PICTURE.copy()
    picture[:] = (0, 51, 255)  # blue, green, red
    blob = box.blob(picture, 320, 256)
    assert blob.shape == (1, 3, 256, 320)
    assert blob[0, :, 128, 160] == pytest.approx([1.0, 0.2, 0.0])  # red first
    assert blob[0, :, 7, 0] == pytest.approx([114 / 255] * 3)
    assert blob[0, :, 8, 0] == pytest.approx([1.0, 0.2, 0.0])
    assert blob[0, :, 248, 0] == pytest.approx([114 / 255] * 3)


def test_letterbox_of_a_tall_picture_has_margins_left_and_right():
    box = Letterbox.of(480, 640, 320, 320)
    assert (box.scale, box.left, box.top) == (0.5, 40, 0)
    found = box.to_picture(np.array((140.0, 60.0, 190.0, 160.0), np.float32), 480, 640)
    assert (found.left, found.top, found.right, found.bottom) == (200.0, 120.0, 300.0, 320.0)


def test_decode_reads_centre_and_size_and_the_best_class():
    output = np.zeros((6, 3), np.float32)
    output[:, 0] = (100, 50, 20, 10, 0.9, 0.1)
    output[:, 1] = (10, 10, 4, 4, 0.2, 0.24)  # below the threshold
    output[:, 2] = (60, 60, 8, 8, 0.1, 0.25)  # at the threshold
    boxes, scores, classes = decode(output, 0.25)
    assert boxes.tolist() == [[90, 45, 110, 55], [56, 56, 64, 64]]
    assert scores == pytest.approx([0.9, 0.25])
    assert classes.tolist() == [0, 1]


def test_decode_of_nothing_is_empty():
    boxes, scores, classes = decode(np.zeros((6, 100), np.float32), 0.25)
    assert boxes.shape == (0, 4)
    assert suppress(boxes, scores, classes, 0.5) == []


def test_suppression_keeps_the_best_of_one_class_and_leaves_other_classes_alone():
    # by hand: [0, 10) and [5, 15) overlap in a third; [0, 10) and [2, 12) in 8/12 = two thirds
    boxes = np.array([(0, 0, 10, 10), (2, 0, 12, 10), (5, 0, 15, 10), (0, 0, 10, 10)], np.float32)
    scores = np.array((0.8, 0.9, 0.7, 0.6), np.float32)
    classes = np.array((0, 0, 0, 1))
    assert suppress(boxes, scores, classes, 0.5) == [1, 3]  # [5, 15) and [2, 12): 7/13 > 0.5
    assert suppress(boxes, scores, classes, 0.6) == [1, 2, 3]
    assert suppress(boxes, scores, classes, 1.0) == [1, 0, 2, 3]


def test_detector_reads_classes_and_size_from_the_file_and_gives_picture_pixels(tmp_path):
    output = np.zeros((6, 2), np.float32)
    output[:, 0] = (160, 128, 40, 20, 0.1, 0.8)  # the middle of the input
    output[:, 1] = (161, 128, 40, 20, 0.1, 0.7)  # the same object
    detector = YoloDetector(write_tiny_yolo(tmp_path / "model.onnx", output), 0.25, 0.5)
    assert detector.classes == ("puck", "flower")
    (found,) = detector.detect(PICTURE)
    assert found.object_class == "flower" and found.score == pytest.approx(0.8)
    assert found.source is Source.YOLO and found.region is None
    assert (found.box.left, found.box.top, found.box.right, found.box.bottom) == (280, 220, 360, 260)


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"output": np.zeros((9, 4))}, r"expected an output \(1, 6, N\) for its 2 classes, got \(1, 9, 4\)"),
        ({"output": np.zeros((6, 4)), "metadata": False}, "metadata 'names'"),
        ({"output": np.zeros((6, 4)), "size": ("h", "w")}, "of fixed size"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(tmp_path, arguments, said):
    with pytest.raises(ModelError, match=said):
        YoloDetector(write_tiny_yolo(tmp_path / "model.onnx", **arguments), 0.25, 0.5)


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(ModelError, match="colour alone"):
        YoloDetector(tmp_path / "none.onnx", 0.25, 0.5)
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(ModelError, match=r"text\.onnx: not a network"):
        YoloDetector(tmp_path / "text.onnx", 0.25, 0.5)


def test_openvino_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    file = write_tiny_yolo(tmp_path / "model.onnx", np.zeros((6, 2)))
    with pytest.raises(ModelError, match=r"perception-openvino\.txt, or use runtime: onnxruntime"):
        YoloDetector(file, 0.25, 0.5, runtime=Runtime.OPENVINO)


def test_both_runtimes_see_the_same(tmp_path):
    pytest.importorskip("openvino", reason="needs requirements/perception-openvino.txt")
    output = np.zeros((6, 2), np.float32)
    output[:, 0] = (160, 128, 40, 20, 0.1, 0.8)
    file = write_tiny_yolo(tmp_path / "model.onnx", output)
    (one,), (other,) = (
        YoloDetector(file, 0.25, 0.5, runtime=runtime).detect(PICTURE)
        for runtime in (Runtime.ONNXRUNTIME, Runtime.OPENVINO)
    )
    assert one.object_class == other.object_class and one.score == pytest.approx(other.score, abs=0.02)
    assert one.box.left == pytest.approx(other.box.left, abs=0.5)
