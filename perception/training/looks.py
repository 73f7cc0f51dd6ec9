"""Domain randomisation: the same MuJoCo scene with other lights, colours, surfaces, camera and clutter."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import mujoco
import numpy as np

from perception.cameras.mujoco_eye import MujocoEye
from perception.frame import Colour, Frame, Intrinsics
from perception.training.pictures import LabelledPicture

_CLUTTER = (mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_ELLIPSOID, mujoco.mjtGeom.mjGEOM_CAPSULE)


@dataclass(frozen=True, slots=True)
class LookRanges:
    """How much the looks vary.

    Attributes:
        hue: Greatest change of an object's hue, on a circle of 1.
        saturation: Range of the factor on an object's saturation.
        value: Range of the factor on its brightness.
        camera_shift: Standard deviation of the camera's position, metres on each axis.
        camera_turn: Standard deviation of its direction, radians about each axis.
        light_shift: Standard deviation of the lights' positions, metres on each axis.
        light: Range of the factor on each light.
        clutter: Most foreign things on the table.
        clutter_size: Range of their half-sizes, metres.
        surface: Greatest contrast of the pattern on everything but the objects.
    """

    hue: float = 0.02
    saturation: tuple[float, float] = (0.85, 1.0)
    value: tuple[float, float] = (0.7, 1.15)
    camera_shift: float = 0.03
    camera_turn: float = 0.03
    light_shift: float = 0.4
    light: tuple[float, float] = (0.5, 1.4)
    clutter: int = 4
    clutter_size: tuple[float, float] = (0.012, 0.05)
    surface: float = 0.25


class RandomLooks:
    """Draws labelled pictures of a scene that the caller has arranged; the model is as before afterwards."""

    def __init__(
        self,
        eye: MujocoEye,
        geoms: Mapping[str, Sequence[int]],
        table: int,
        area: tuple[tuple[float, float], tuple[float, float]],
        ranges: LookRanges,
    ) -> None:
        """Remember the plain looks.

        Args:
            eye: Renders the model.
            geoms: Numbers of the geoms that make up each class's object.
            table: Number of the geom that things lie on; its height is 0.
            area: Lower and upper x, y of where clutter may lie, metres.
            ranges: How much the looks vary.
        """
        self._eye, self._geoms, self._table = eye, dict(geoms), table
        self._area, self._ranges = area, ranges
        model = eye.model
        self._plain = {
            name: getattr(model, name).copy()
            for name in ("geom_rgba", "light_pos", "light_diffuse", "cam_pos", "cam_quat")
        }

    def draw(self, positions: Mapping[str, np.ndarray], random: np.random.Generator) -> LabelledPicture:
        """Render the scene once, in looks drawn at random.

        Args:
            positions: Where each class's object is (3,), metres.
            random: Where chance comes from.
        """
        eye, model = self._eye, self._eye.model
        try:
            self._change_model(random)
            mujoco.mj_kinematics(model, eye.data)
            mujoco.mj_camlight(model, eye.data)
            eye.renderer.update_scene(eye.data, eye.camera)
            self._add_clutter(random)
            shown = eye.geoms()
            masks = {name: np.isin(shown, numbers) for name, numbers in self._geoms.items()}
            colour = self._surface(eye.colour(), ~np.any(list(masks.values()), axis=0), random)
            depth, place = eye.depth(), eye.world_from_camera()
        finally:
            for name, values in self._plain.items():
                getattr(model, name)[:] = values
            mujoco.mj_camlight(model, eye.data)
        height, width = depth.shape
        lens = Intrinsics.from_field_of_view(width, height, float(model.cam_fovy[eye.camera]))
        frame = Frame(colour, depth, lens, 0.0, 0)
        return LabelledPicture(frame, place, masks, dict(positions))

    def _change_model(self, random: np.random.Generator) -> None:
        ranges, model = self._ranges, self._eye.model
        for numbers in self._geoms.values():
            for number in numbers:
                model.geom_rgba[number, :3] = _varied(model.geom_rgba[number, :3], ranges, random)
        wide = LookRanges(hue=0.5, saturation=(0.0, 1.5), value=(0.5, 1.5))
        model.geom_rgba[self._table, :3] = _varied(model.geom_rgba[self._table, :3], wide, random)
        lights = model.light_pos.shape
        model.light_pos[:] += ranges.light_shift * random.standard_normal(lights)
        model.light_diffuse[:] *= random.uniform(*ranges.light, (lights[0], 1))
        camera = self._eye.camera
        model.cam_pos[camera] += ranges.camera_shift * random.standard_normal(3)
        turn, turned = np.empty(4), np.empty(4)
        angles = ranges.camera_turn * random.standard_normal(3)
        mujoco.mju_axisAngle2Quat(
            turn, angles / max(float(np.linalg.norm(angles)), 1e-9), np.linalg.norm(angles)
        )
        mujoco.mju_mulQuat(turned, model.cam_quat[camera], turn)
        model.cam_quat[camera] = turned

    def _add_clutter(self, random: np.random.Generator) -> None:
        """Put foreign things into the scene that is about to be rendered; they hide what is behind them."""
        scene, ranges = self._eye.renderer.scene, self._ranges
        for _ in range(int(random.integers(0, ranges.clutter + 1))):
            if scene.ngeom >= scene.maxgeom:
                return
            size = random.uniform(*ranges.clutter_size, 3)
            place = np.append(random.uniform(*self._area), size[2])
            turn = np.empty(9)
            angle = random.uniform(0.0, 2.0 * np.pi)
            mujoco.mju_quat2Mat(turn, np.array((np.cos(angle / 2), 0.0, 0.0, np.sin(angle / 2))))
            rgba = np.append(random.uniform(0.0, 1.0, 3), 1.0).astype(np.float32)
            kind = _CLUTTER[int(random.integers(len(_CLUTTER)))]
            geom = scene.geoms[scene.ngeom]
            mujoco.mjv_initGeom(geom, kind, size, place, turn, rgba)
            # It leaves these as they were in memory. The segmentation shall show none of the model's geoms.
            geom.objtype, geom.objid, geom.segid = int(mujoco.mjtObj.mjOBJ_UNKNOWN), -1, scene.ngeom
            scene.ngeom += 1

    def _surface(self, colour: Colour, where: np.ndarray, random: np.random.Generator) -> Colour:
        """Lay a blotchy pattern, fine or coarse, over part of a picture."""
        height, width = colour.shape[:2]
        cells = int(random.integers(4, 60))
        coarse = random.standard_normal((cells, cells), dtype=np.float32)
        pattern = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        factor = 1.0 + random.uniform(0.0, self._ranges.surface) * np.clip(pattern, -2.0, 2.0)[..., None]
        changed: Colour = np.where(where[..., None], np.clip(colour * factor, 0.0, 255.0), colour).astype(
            np.uint8
        )
        return changed


def _varied(rgb: np.ndarray, ranges: LookRanges, random: np.random.Generator) -> tuple[float, float, float]:
    hue, saturation, value = colorsys.rgb_to_hsv(*(float(part) for part in rgb))
    return colorsys.hsv_to_rgb(
        (hue + random.uniform(-ranges.hue, ranges.hue)) % 1.0,
        min(1.0, saturation * random.uniform(*ranges.saturation)),
        min(1.0, value * random.uniform(*ranges.value)),
    )
