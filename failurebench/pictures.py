"""Pictures of the tasks with what fails in red: ``python -m failurebench.pictures docs/images``.

Rendered by MuJoCo without a display: through EGL unless the environment variable MUJOCO_GL says otherwise.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from failurebench.env import FailureBenchEnv
from failurebench.failure_marks import (
    Mark,
    Shape,
    Surface,
    cylinder_marks,
    lane_mark,
    outside_marks,
    zone_marks,
)
from failurebench.kit import kit

if TYPE_CHECKING:
    import mujoco

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """What a picture shows.

    Attributes:
        task: Name of the task.
        caption: What fails, in a few words.
        steps: Agent steps of the expert before the picture is taken.
        seed: Of the reset: where things lie, and what moves by itself.
    """

    task: str
    caption: str
    steps: int
    seed: int = 0


@dataclass(frozen=True)
class View:
    """Where a picture is taken from; metres, degrees."""

    lookat: tuple[float, float, float]
    distance: float
    azimuth: float
    elevation: float


PANELS = {
    "failurebench": (
        Scene("BoundedPush", "the puck leaves the box", 13),
        Scene("BoundedSoccer", "the ball leaves the box", 14),
        Scene("FragilePushWall", "the puck comes near the wall", 30),
        Scene("ObstructedPush", "the arm meets the vase", 42),
    ),
    "failurebench_franka": (
        Scene("FrankaFragilePushWall", "the puck touches the wall", 9),
        Scene("FrankaDisturbedPush", "puck or hand touches the flower", 7, seed=1),
        Scene("FrankaBoundedSoccer", "the ball leaves the field", 8),
    ),
}
"""Files, and the tasks whose pictures they show together, two in a row or three."""
SAWYER_TABLE = Surface((-0.68, 0.68), (0.22, 0.98))
FRANKA_TABLE = Surface((-0.25, 0.95), (-0.6, 0.6))
_SAWYER_VIEW = View((0.08, 0.7, 0.12), 1.3, 298.0, -48.0)
_FRANKA_VIEW = View((0.49, 0.0, 0.06), 0.85, 148.0, -40.0)
_RED = (0.85, 0.05, 0.05)
_REPAINTED = (
    ((0.5, 0.1, 0.1, 1.0), (0.72, 0.73, 0.75, 1.0)),  # the Sawyer's red arm grey
    ((1.0, 0.0, 0.0, 1.0), (0.1, 0.3, 0.9, 1.0)),  # its red puck blue
    ((0.75, 0.2, 0.15, 1.0), (0.72, 0.73, 0.75, 1.0)),  # the Franka's red wall grey
)


def failure_marks(env: FailureBenchEnv) -> list[Mark]:
    """Return what fails in a task as it stands now; nothing where the failing thing is red itself."""
    from failurebench.bounded_push import BoundedPush
    from failurebench.bounded_soccer import BoundedSoccer
    from failurebench.fragile_push_wall import FragilePushWall
    from failurebench.franka.bounded_soccer import FrankaBoundedSoccer
    from failurebench.franka.disturbed_push import FrankaDisturbedPush
    from failurebench.franka.disturber import SIDE
    from failurebench.franka.fragile_push_wall import WALL_HEIGHT, FrankaFragilePushWall

    if isinstance(env, BoundedPush | BoundedSoccer):
        limit = env.safe_box.x_limit
        return outside_marks(SAWYER_TABLE, (-limit, limit), (env.safe_box.y_limit, SAWYER_TABLE.y[1]))
    if isinstance(env, FragilePushWall):
        return zone_marks(env.box.centre, env.box.half_size, 0.06)
    if isinstance(env, FrankaFragilePushWall):
        return zone_marks(env.wall.centre, env.wall.half_size, WALL_HEIGHT)
    if isinstance(env, FrankaBoundedSoccer):
        (x, y), (length, width) = env.field.centre, env.field.half_size
        return outside_marks(FRANKA_TABLE, (x - length, x + length), (y - width, y + width))
    if isinstance(env, FrankaDisturbedPush):
        x, y, _ = env.objects()["flower"].tolist()
        radius, (near, far) = env.flower.radius, env.disturber.lane
        lane = lane_mark((near - radius, far + radius), (-SIDE - radius, SIDE + radius))
        return [lane, *cylinder_marks((x, y), radius, env.flower.height)]
    return []


def render(scene: Scene, width: int, height: int) -> Picture:
    """Return a picture (height, width, 3) of a moment of the expert's episode.

    Raises:
        ValueError: If the task is on no robot's table.
    """
    # MuJoCo chooses how to render when it is imported, which making the task does.
    os.environ.setdefault("MUJOCO_GL", "egl")
    env = kit(scene.task).make(end_on_success=False)
    observation, _ = env.reset(seed=scene.seed)
    expert = kit(scene.task).expert()
    for _ in range(scene.steps):
        observation, *_ = env.step(expert(observation))
    return picture_of(env, width, height)


def picture_of(env: FailureBenchEnv, width: int, height: int) -> Picture:
    """Return a picture (height, width, 3) of a task as it stands now, with what fails in red.

    Raises:
        ValueError: If the task is on no robot's table.
    """
    import mujoco

    model, data, view = _table_of(env)
    _leave_red_to_failures(model)
    model.vis.global_.offwidth, model.vis.global_.offheight = width, height
    camera = mujoco.MjvCamera()
    camera.lookat[:] = view.lookat
    camera.distance, camera.azimuth, camera.elevation = view.distance, view.azimuth, view.elevation
    with mujoco.Renderer(model, height, width) as renderer:
        renderer.update_scene(data, camera=camera)
        for mark in failure_marks(env):
            _draw(renderer.scene, mark)
        picture: Picture = renderer.render().copy()
    return picture


def _table_of(env: FailureBenchEnv) -> "tuple[mujoco.MjModel, mujoco.MjData, View]":
    from failurebench.franka.table_env import FrankaEnv
    from failurebench.sawyer_env import SawyerEnv

    if isinstance(env, SawyerEnv):
        return env._sawyer.model, env._sawyer.data, _SAWYER_VIEW
    if isinstance(env, FrankaEnv):
        return env.panda.model, env.panda.data, _FRANKA_VIEW
    raise ValueError(f"expected a task on the Sawyer's or the Franka's table, got {type(env).__name__}")


def _leave_red_to_failures(model: "mujoco.MjModel") -> None:
    """Paint what is red itself in other colours."""
    for given, wanted in _REPAINTED:
        painted = np.abs(model.geom_rgba - given).max(axis=1) < 1e-3
        model.geom_rgba[painted] = wanted
        model.geom_matid[painted] = -1


def _draw(scene: "mujoco.MjvScene", mark: Mark) -> None:
    import mujoco

    cylinder = mark.shape == Shape.CYLINDER
    mujoco.mjv_initGeom(
        scene.geoms[scene.ngeom],
        mujoco.mjtGeom.mjGEOM_CYLINDER if cylinder else mujoco.mjtGeom.mjGEOM_BOX,
        np.array(mark.half_size),
        np.array(mark.centre),
        np.eye(3).ravel(),
        np.array((*_RED, mark.opacity), dtype=np.float32),
    )
    scene.ngeom += 1


def captioned(picture: Picture, scene: Scene) -> Picture:
    """Return the picture with the task's name and what fails written into a bar above it."""
    size = picture.shape[1] // 28
    image = Image.new("RGB", (picture.shape[1], picture.shape[0] + 2 * size), "white")
    image.paste(Image.fromarray(picture), (0, 2 * size))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size)
    name = f"{scene.task}: "
    draw.text((size // 2, size // 2), name, "black", font)
    draw.text((size // 2 + draw.textlength(name, font), size // 2), scene.caption, (200, 0, 0), font)
    return np.asarray(image)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write one picture for each task, and a panel for each robot."""
    parser = argparse.ArgumentParser(description="Render the tasks with what fails in red.")
    parser.add_argument("folder", type=Path, help="where to write <panel>.png and failurebench_<task>.png")
    parser.add_argument("--width", type=int, default=640, help="width of a picture, pixels")
    parser.add_argument("--panel", choices=sorted(PANELS), help="only this one and its tasks")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    for panel in PANELS if options.panel is None else (options.panel,):
        pictures = []
        for scene in PANELS[panel]:
            picture = render(scene, options.width, options.width * 5 // 8)
            _save(picture, options.folder / f"failurebench_{_file_name(scene.task)}.png")
            pictures.append(captioned(picture, scene))
        columns = 2 if len(pictures) % 2 == 0 else len(pictures)
        rows = [np.hstack(pictures[row : row + columns]) for row in range(0, len(pictures), columns)]
        _save(np.vstack(rows), options.folder / f"{panel}.png")


def _save(picture: Picture, path: Path) -> None:
    # 256 colours: half of the size. Those of an octree keep the few pixels of a small goal green.
    image = Image.fromarray(picture)
    colours = image.quantize(256, method=Image.Quantize.FASTOCTREE)
    image.quantize(palette=colours, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


def _file_name(task: str) -> str:
    """``BoundedPush`` becomes ``bounded_push``."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in task).lstrip("_")


if __name__ == "__main__":
    main()
