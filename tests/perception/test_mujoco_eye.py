"""Rendered scenes: geometry against the model's numbers, labels, random looks. Needs off-screen OpenGL."""

import os
import subprocess
import sys

import mujoco
import numpy as np
import pytest

from perception.cameras.camera import CameraError
from perception.cameras.mujoco_eye import MujocoEye
from perception.cameras.simulated import StereoNoise
from perception.detection.colour import ColourDetector, ColourRange
from perception.frame import Frame, Intrinsics
from perception.geometry import Bounds, LiftLimits, ObjectModel, locate, table_error
from perception.shapes import Ellipsoid
from perception.training.looks import LookRanges, RandomLooks
from perception.training.pictures import SensorNoise, sensed
from perception.transforms import deproject, move

BALL = np.array((0.5, 0.05, 0.03))
AREA = ((0.3, -0.3), (0.8, 0.3))
LIMITS = LiftLimits(Bounds((0.2, -0.4, -0.02), (0.9, 0.4, 0.3)))
MODEL = f"""<mujoco>
  <visual><map znear="0.02"/></visual>
  <worldbody>
    <light pos=".4 .4 1.6" dir="0 -.2 -1" castshadow="false"/>
    <camera name="eye" pos="1.15 0 .62" xyaxes="0 1 0 -.69 0 .72" fovy="42.5"/>
    <geom name="table" type="plane" size=".6 .6 .1" pos=".4 0 0" rgba=".55 .43 .33 1"/>
    <geom name="ball" type="sphere" size=".03" pos="{BALL[0]} {BALL[1]} {BALL[2]}" rgba=".1 .2 .9 1"/>
  </worldbody></mujoco>"""


@pytest.fixture(scope="module")
def eye():
    model = mujoco.MjModel.from_xml_string(MODEL)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    try:
        made = MujocoEye(model, data, "eye", 320, 240)
    except CameraError as error:
        pytest.skip(str(error))
    with made:
        yield made


def frame_of(eye):
    lens = Intrinsics.from_field_of_view(320, 240, 42.5)
    return Frame(*eye(), lens, 0.0, 1)


def test_depth_is_along_the_optical_axis_and_the_table_is_flat(eye):
    frame, place = frame_of(eye), eye.world_from_camera()
    assert place[:3, 3] == pytest.approx((1.15, 0.0, 0.62))
    assert abs(table_error(frame, frame.intrinsics, place, LIMITS)) < 5e-4
    rows, columns = np.array((200.0, 220.0, 230.0)), np.array((20.0, 160.0, 300.0))
    depth = frame.depth[rows.astype(int), columns.astype(int)].astype(float)
    points = move(place, deproject(frame.intrinsics, columns, rows, depth))
    assert points[:, 2] == pytest.approx(0.0, abs=1e-3)
    assert frame.depth.max() <= 10.0


def test_a_rendered_ball_is_located_within_two_millimetres(eye):
    frame = frame_of(eye)
    (found,) = ColourDetector({"ball": ColourRange((105, 130), (120, 255), (30, 255))}).detect(frame.colour)
    model = ObjectModel(Ellipsoid((0.03, 0.03, 0.03)))
    result = locate(found, frame, frame.intrinsics, eye.world_from_camera(), model, LIMITS)
    assert result.position == pytest.approx(BALL, abs=0.002)


def test_geoms_are_told_apart(eye):
    eye()
    shown = eye.geoms()
    ball, table = eye.model.geom("ball").id, eye.model.geom("table").id
    assert set(np.unique(shown)) == {-1, ball, table}
    # by hand: a disc of radius f * 0.03 m / distance, f = 308.6 px, distance 0.88 m: about 350 pixels
    assert np.count_nonzero(shown == ball) == pytest.approx(350, rel=0.1)


@pytest.fixture
def looks(eye):
    return RandomLooks(
        eye, {"ball": [eye.model.geom("ball").id]}, eye.model.geom("table").id, AREA, LookRanges()
    )


def test_looks_differ_labels_fit_and_the_model_stays(eye, looks):
    names = ("geom_rgba", "light_pos", "light_diffuse", "cam_pos", "cam_quat")
    plain = {name: getattr(eye.model, name).copy() for name in names}
    before = eye()[0]
    random = np.random.default_rng(1)
    pictures = [looks.draw({"ball": BALL}, random) for _ in range(4)]
    for name, values in plain.items():
        assert np.array_equal(getattr(eye.model, name), values)
    assert np.array_equal(eye()[0], before)
    for one in pictures:
        assert np.mean(one.frame.colour != pictures[0].frame.colour) > 0.5 or one is pictures[0]
        mask = one.masks["ball"]
        if np.count_nonzero(mask) > 250:  # not hidden by clutter: where it is follows from depth and camera
            rows, columns = (index.astype(float) for index in np.nonzero(mask))
            points = move(
                one.base_from_camera,
                deproject(one.frame.intrinsics, columns, rows, one.frame.depth[mask].astype(float)),
            )
            assert np.linalg.norm(points - BALL, axis=1) == pytest.approx(0.03, abs=0.002)


def test_clutter_hides_and_is_not_labelled(eye):
    number = eye.model.geom("ball").id
    full = LookRanges(clutter=40, clutter_size=(0.04, 0.06))
    looks = RandomLooks(eye, {"ball": [number]}, eye.model.geom("table").id, AREA, full)
    random = np.random.default_rng(0)
    visible = [np.count_nonzero(looks.draw({"ball": BALL}, random).masks["ball"]) for _ in range(5)]
    assert min(visible) < 150 < 250 < max(visible)


def test_the_same_seed_looks_the_same_and_sensors_add_noise(looks):
    one, two = (looks.draw({"ball": BALL}, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one.frame.colour, two.frame.colour)
    noisy = sensed(one, SensorNoise(), StereoNoise(), np.random.default_rng(0))
    assert noisy.positions is one.positions and noisy.frame.intrinsics == one.frame.intrinsics
    assert np.mean(noisy.frame.depth == 0.0) > np.mean(one.frame.depth == 0.0) + 0.005


def test_a_window_library_without_a_screen_does_not_end_the_process():
    program = f"""
import mujoco
from perception.cameras.camera import CameraError
from perception.cameras.mujoco_eye import MujocoEye
model = mujoco.MjModel.from_xml_string({MODEL!r})
for _ in range(2):
    try:
        MujocoEye(model, mujoco.MjData(model), "eye", 32, 24).__exit__(None, None, None)
    except CameraError as error:
        assert "libegl1" in str(error)
"""
    screenless = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**screenless, "MUJOCO_GL": "glfw"}, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
