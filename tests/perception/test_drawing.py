import numpy as np

from perception.drawing import draw_scene
from perception.problems import Problem
from tests.perception.raycast import CAMERA
from tests.perception.test_pipeline import World


def test_a_picture_shows_boxes_and_tracks_and_leaves_the_frame_alone():
    world = World()
    world.settle()
    frame = world.frame()
    plain = frame.colour.copy()
    scene = world.show(frame)
    picture = draw_scene(frame, scene, CAMERA)
    assert np.array_equal(frame.colour, plain) and picture.shape == plain.shape
    changed = np.any(picture != plain, axis=2)
    for detection in scene.detections:
        assert (
            changed[int(detection.box.top), int(detection.box.left) : int(detection.box.right)].mean() > 0.9
        )
    assert changed[6:40, 8:200].mean() > 0.1  # names, states, positions


def test_a_picture_of_a_bad_frame_says_what_is_wrong():
    world = World()
    frame = world.frame(change=lambda colour, depth: (colour, depth * np.float32(1000.0)))
    scene = world.show(frame)
    assert scene.problems == Problem.DEPTH_UNIT
    changed = np.any(draw_scene(frame, scene, CAMERA) != frame.colour, axis=2)
    assert changed[220:236, 8:200].mean() > 0.1
