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
    """

    task: str
    caption: str
    steps: int


SCENES = (
    Scene("BoundedPush", "the puck leaves the box", 13),
    Scene("BoundedSoccer", "the ball leaves the box", 14),
    Scene("FragilePushWall", "the puck comes near the wall", 30),
    Scene("ObstructedPush", "the arm meets the vase", 42),
)


@dataclass(frozen=True)
class Block:
    """An upright red block to draw; centre and half-sizes in metres."""

    centre: tuple[float, float, float]
    half_size: tuple[float, float, float]
    opacity: float


_TABLE = (0.68, 0.22, 0.98)
"""Half-width, near end and far end of the table's surface, metres."""
_LINE = 0.005
_SHEET = 0.001
_RED = (0.85, 0.05, 0.05)
_ARM = (0.5, 0.1, 0.1, 1.0)
_PLAIN_ARM = (0.72, 0.73, 0.75, 1.0)
_PUCK = (1.0, 0.0, 0.0, 1.0)
_PLAIN_PUCK = (0.1, 0.3, 0.9, 1.0)


def box_blocks(x_limit: float, y_limit: float) -> list[Block]:
    """Return the border of a box that is open at the far side, and the table outside of it."""
    width, near, far = _TABLE
    depth, side = (far - y_limit) / 2, (width - x_limit) / 2
    blocks = [Block((0.0, y_limit, _LINE), (x_limit + _LINE, _LINE, _LINE), 1.0)]
    blocks.append(Block((0.0, (near + y_limit) / 2, _SHEET), (x_limit, (y_limit - near) / 2, _SHEET), 0.35))
    for sign in (-1.0, 1.0):
        blocks.append(Block((sign * x_limit, y_limit + depth, _LINE), (_LINE, depth, _LINE), 1.0))
        middle, length = sign * (x_limit + side), (far - near) / 2
        blocks.append(Block((middle, near + length, _SHEET), (side, length, _SHEET), 0.35))
    return blocks


def zone_blocks(centre: tuple[float, float], half_size: tuple[float, float]) -> list[Block]:
    """Return the border and the area of a box around an obstacle."""
    (x, y), (width, depth) = centre, half_size
    blocks = [Block((x, y, 0.03), (width, depth, 0.03), 0.35)]
    for sign in (-1.0, 1.0):
        blocks.append(Block((x, y + sign * depth, _LINE), (width + _LINE, _LINE, _LINE), 1.0))
        blocks.append(Block((x + sign * width, y, _LINE), (_LINE, depth, _LINE), 1.0))
    return blocks


def render(scene: Scene, width: int, height: int) -> Picture:
    """Return a picture (height, width, 3) of a moment of the expert's episode.

    Raises:
        ValueError: If the task is not on the Sawyer's table.
    """
    # MuJoCo chooses how to render when it is imported.
    os.environ.setdefault("MUJOCO_GL", "egl")
    import mujoco

    from failurebench.bounded_push import BoundedPush
    from failurebench.bounded_soccer import BoundedSoccer
    from failurebench.fragile_push_wall import FragilePushWall
    from failurebench.sawyer_env import SawyerEnv

    env = kit(scene.task).make(end_on_success=False)
    if not isinstance(env, SawyerEnv):
        raise ValueError(f"expected a task on the Sawyer's table, got {scene.task}")
    observation, _ = env.reset(seed=0)
    expert = kit(scene.task).expert()
    for _ in range(scene.steps):
        observation, *_ = env.step(expert(observation))

    blocks: list[Block] = []
    if isinstance(env, BoundedPush | BoundedSoccer):
        blocks = box_blocks(env.safe_box.x_limit, env.safe_box.y_limit)
    elif isinstance(env, FragilePushWall):
        blocks = zone_blocks(env.box.centre, env.box.half_size)
    model = env._sawyer.model
    _leave_red_to_failures(model)
    model.vis.global_.offwidth, model.vis.global_.offheight = width, height
    camera = mujoco.MjvCamera()
    camera.lookat[:] = (0.08, 0.7, 0.12)
    camera.distance, camera.azimuth, camera.elevation = 1.3, 298.0, -48.0
    with mujoco.Renderer(model, height, width) as renderer:
        renderer.update_scene(env._sawyer.data, camera=camera)
        for block in blocks:
            _draw(renderer.scene, block)
        picture: Picture = renderer.render().copy()
    return picture


def _leave_red_to_failures(model: "mujoco.MjModel") -> None:
    """Paint the red arm grey and the red puck blue."""
    for given, wanted in ((_ARM, _PLAIN_ARM), (_PUCK, _PLAIN_PUCK)):
        painted = np.abs(model.geom_rgba - given).max(axis=1) < 1e-3
        model.geom_rgba[painted] = wanted
        model.geom_matid[painted] = -1


def _draw(scene: "mujoco.MjvScene", block: Block) -> None:
    import mujoco

    mujoco.mjv_initGeom(
        scene.geoms[scene.ngeom],
        mujoco.mjtGeom.mjGEOM_BOX,
        np.array(block.half_size),
        np.array(block.centre),
        np.eye(3).ravel(),
        np.array((*_RED, block.opacity), dtype=np.float32),
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
    """Write one picture for each task, and a panel of four."""
    parser = argparse.ArgumentParser(description="Render the tasks with what fails in red.")
    parser.add_argument(
        "folder", type=Path, help="where to write failurebench.png and failurebench_<task>.png"
    )
    parser.add_argument("--width", type=int, default=640, help="width of a picture, pixels")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    for scene in SCENES:
        picture = render(scene, options.width, options.width * 5 // 8)
        _save(picture, options.folder / f"failurebench_{_file_name(scene.task)}.png")
        pictures.append(captioned(picture, scene))
    rows = [np.hstack(pictures[:2]), np.hstack(pictures[2:])]
    _save(np.vstack(rows), options.folder / "failurebench.png")


def _save(picture: Picture, path: Path) -> None:
    Image.fromarray(picture).save(path, optimize=True)


def _file_name(task: str) -> str:
    """``BoundedPush`` becomes ``bounded_push``."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in task).lstrip("_")


if __name__ == "__main__":
    main()
