"""The pictures: what is drawn red, and that rendering works where there is a way to render."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from failurebench.kit import kit
from failurebench.pictures import SCENES, box_blocks, captioned, zone_blocks

# In a process of its own: how MuJoCo renders is settled once it is imported.
PROGRAM = """
import sys
from PIL import Image
from failurebench.pictures import SCENES, render
Image.fromarray(render(SCENES[-1], 160, 100)).save(sys.argv[1])
"""
NO_RENDERING = ("EGL", "OpenGL", "OSMesa", "glfw", "GLFW")


def covered(blocks, x, y):
    """Whether a point of the table is under a block that is an area, not a line."""
    areas = [block for block in blocks if block.opacity < 1.0]
    return any(
        abs(x - block.centre[0]) < block.half_size[0] and abs(y - block.centre[1]) < block.half_size[1]
        for block in areas
    )


def test_red_on_the_table_is_where_the_puck_fails(make):
    env = make("BoundedPush")
    blocks = box_blocks(env.safe_box.x_limit, env.safe_box.y_limit)
    for x, y in np.random.default_rng(0).uniform((-0.67, 0.23), (0.67, 0.97), (300, 2)):
        assert covered(blocks, x, y) == (env.margin_at(x, y, 0.02) <= 0.0)


def test_red_around_the_wall_is_where_the_rim_fails(make):
    env = make("FragilePushWall")
    blocks = zone_blocks(env.box.centre, env.box.half_size)
    for x, y in np.random.default_rng(0).uniform((-0.1, 0.6), (0.3, 0.9), (300, 2)):
        assert covered(blocks, x, y) == (env.margin_at(x, y, 0.02) <= -env.box.radius)


def test_every_scene_is_a_task_and_gets_its_caption():
    assert len({scene.task for scene in SCENES}) == 4
    plain = np.zeros((100, 280, 3), np.uint8)
    for scene in SCENES:
        assert kit(scene.task).name == scene.task
        assert captioned(plain, scene).shape == (120, 280, 3)


def test_renders_a_red_vase(tmp_path):
    file = tmp_path / "vase.png"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 and any(word in done.stderr.splitlines()[-1] for word in NO_RENDERING):
        pytest.skip(f"MuJoCo cannot render here: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    picture = np.asarray(Image.open(file)).astype(int)
    assert picture.shape == (100, 160, 3)
    red = (picture[..., 0] > 120) & (picture[..., 1:].max(axis=2) < 90)
    assert 0.02 < red.mean() < 0.2
