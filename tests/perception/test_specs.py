"""The files under config/, and what is refused."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from perception.build import make_detector, make_perception
from perception.calibration.file import save_calibration
from perception.calibration.hand_eye import CalibrationError
from perception.camera_spec import Mounting, load_camera, mounting_of
from perception.detection.colour import ColourDetector
from perception.detection.fusion import FusedDetector
from perception.detection.model_folder import digest_of
from perception.detection.runtime import ModelError
from perception.detection.yolo import YoloDetector
from perception.pipeline import Perception
from perception.spec import SpecError, load_perception
from tests.perception.board_renderer import BOARD, CAMERA
from tests.perception.test_calibration_file import LENS, RESULT
from tests.perception.tiny_yolo import write_tiny_yolo

CONFIG = Path(__file__).resolve().parents[2] / "config"
TASKS = sorted((CONFIG / "perception").glob("*.yaml"))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
YAML_FILE = YAML(typ="safe")


def changed(tmp_path, source, *path, value):
    """A copy of a file with one entry changed, or removed (value ...)."""
    content = YAML_FILE.load(source)
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    file = tmp_path / source.name
    YAML_FILE.dump(content, file)
    return file


@pytest.mark.parametrize("file", TASKS, ids=lambda file: file.stem)
def test_shipped_tasks_fit_their_task_files_and_build_without_a_model(file, tmp_path):
    spec = load_perception(file)
    task = YAML_FILE.load(CONFIG / "tasks" / file.name)
    assert spec.task == task["name"]
    assert {(one.name, one.object_class) for one in spec.objects} == {
        (one["name"], one["object_class"]) for one in task["objects"]
    }
    assert np.all(np.array(spec.bounds.lower)[:2] < task["workspace"]["lower"][:2])
    assert np.all(np.array(spec.bounds.upper)[:2] > task["workspace"]["upper"][:2])
    camera = load_camera(CONFIG / "cameras" / "franka_twin.yaml")
    mounting = mounting_of(camera, CONFIG / "cameras", NOW)
    assert isinstance(make_perception(spec, camera, mounting, tmp_path), Perception)


@pytest.mark.parametrize(
    "path, value, said",
    [
        (("clases",), {}, "unknown key 'clases'; the nearest valid key is 'classes'"),
        (("detector", "kind"), "color", "detector.kind"),
        (("detector", "kind"), "fused", "needs a model"),
        (("classes", "puck", "shape", "kind"), "cylindre", "the nearest is 'cylinder'"),
        (("classes", "puck", "shape", "radius"), 0.0, "greater than 0"),
        (("classes", "puck", "colour", "hue"), [105, 200], "less than or equal to 179"),
        (("classes", "puck", "colour", "saturation"), [200, 100], "200 must not exceed 100"),
        (("classes", "puck", "colour"), None, "puck must have a colour"),
        (("objects", 0, "object_class"), "pukc", "did you mean 'puck'"),
        (("objects",), [{"name": "a", "object_class": "puck"}] * 2, "a stands there twice"),
        (("bounds", "lower"), [0.22, 0.5, 0.0], "y: lower 0.5 must not exceed upper 0.4"),
        (("tracking", "lost_after"), "0.5", "lost_after"),
        (("tracking", "lost_after"), ..., "lost_after"),
        (("table_height",), float("nan"), "finite"),
    ],
)
def test_wrong_perception_files_are_refused_with_the_place(tmp_path, path, value, said):
    file = changed(tmp_path, CONFIG / "perception" / "franka_disturbed_push.yaml", *path, value=value)
    with pytest.raises(SpecError, match="franka_disturbed_push") as caught:
        load_perception(file)
    assert said in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SpecError, match=r"none\.yaml: cannot be read"):
        load_perception(tmp_path / "none.yaml")


def test_the_twins_camera_is_the_simulators():
    # failurebench/franka/scene.py: position "0.95 0 0.95", right "0 1 0", up "-0.9 0 0.43", fovy 42.5
    camera = load_camera(CONFIG / "cameras" / "franka_twin.yaml")
    mounting = mounting_of(camera, CONFIG / "cameras", NOW)
    length = np.hypot(0.9, 0.43)
    rotation = np.array(((0, 0.9, -0.43), (length, 0, 0), (0, -0.43, -0.9))) / length
    assert mounting.transform[:3, :3] == pytest.approx(rotation)
    assert mounting.transform[:3, 3] == pytest.approx((0.95, 0.0, 0.95))
    assert np.linalg.det(mounting.transform) == pytest.approx(1.0)
    assert mounting.intrinsics.fy == pytest.approx(617.16, abs=0.01)


def test_a_camera_that_is_not_calibrated_is_refused(tmp_path):
    file = tmp_path / "d435.yaml"
    file.write_text((CONFIG / "cameras" / "d435.yaml").read_text())
    camera = load_camera(file)
    with pytest.raises(CalibrationError, match="calibrate the camera first"):
        mounting_of(camera, tmp_path, NOW)
    save_calibration(tmp_path / "d435.calibration.yaml", RESULT, LENS, CAMERA, "A1", BOARD, NOW)
    assert isinstance(mounting_of(camera, tmp_path, NOW + timedelta(days=90)), Mounting)
    with pytest.raises(CalibrationError, match="91 days old; at most 90"):
        mounting_of(camera, tmp_path, NOW + timedelta(days=91))


@pytest.mark.parametrize(
    "path, value, said",
    [
        (("mounting", "up"), [1.0, 1.0, 0.0], "at right angles"),
        (("mounting", "kind"), "calibratet", "the nearest is 'calibrated'"),
        (("limits", "frozen_frames"), 1, "greater than or equal to 2"),
        (("stream",), {}, "the nearest valid key is 'streams'"),
    ],
)
def test_wrong_camera_files_are_refused(tmp_path, path, value, said):
    file = changed(tmp_path, CONFIG / "cameras" / "franka_twin.yaml", *path, value=value)
    with pytest.raises(SpecError) as caught:
        mounting_of(load_camera(file), tmp_path, NOW)
    assert said in str(caught.value)


# --- detectors with a model


def model_folder(tmp_path, names=("puck", "flower"), digest=None):
    folder = tmp_path / "push"
    folder.mkdir()
    file = write_tiny_yolo(folder / "detector.onnx", np.zeros((4 + len(names), 3)), names)
    (folder / "card.json").write_text(json.dumps({"sha256": digest or digest_of(file)}))
    return folder


def spec_with_model(tmp_path, kind):
    source = CONFIG / "perception" / "franka_disturbed_push.yaml"
    content = YAML_FILE.load(source)
    content["detector"] |= {"kind": kind, "model": "push"}
    file = tmp_path / source.name
    YAML_FILE.dump(content, file)
    return load_perception(file)


def test_the_kind_chooses_the_detector(tmp_path):
    model_folder(tmp_path)
    assert isinstance(make_detector(load_perception(TASKS[0]), tmp_path), ColourDetector)
    assert isinstance(make_detector(spec_with_model(tmp_path, "yolo"), tmp_path), YoloDetector)
    assert isinstance(make_detector(spec_with_model(tmp_path, "fused"), tmp_path), FusedDetector)


def test_a_detector_that_does_not_know_the_classes_is_refused(tmp_path):
    model_folder(tmp_path, ("puck", "cup"))
    with pytest.raises(ModelError, match=r"got one of puck, cup; flower cannot be found"):
        make_detector(spec_with_model(tmp_path, "yolo"), tmp_path)


def test_a_network_that_is_not_its_cards_is_refused(tmp_path):
    model_folder(tmp_path, digest="0" * 64)
    with pytest.raises(ModelError, match="SHA-256 differs"):
        make_detector(spec_with_model(tmp_path, "fused"), tmp_path)


def test_a_missing_model_names_the_other_way(tmp_path):
    with pytest.raises(ModelError, match="train one, or choose detection by colour alone"):
        make_detector(spec_with_model(tmp_path, "fused"), tmp_path)
