"""Renders a MuJoCo model as an RGB-D camera sees it; the only module at run time that needs MuJoCo."""

from __future__ import annotations

import importlib
import os
from types import TracebackType
from typing import Self

import mujoco
import numpy as np
from numpy.typing import NDArray

from perception.cameras.camera import CameraError
from perception.frame import Colour, Depth, Transform

_REACH = 10.0
"""A D435 measures nothing beyond, metres."""
_FLIP = np.diag((1.0, -1.0, -1.0))
"""From the optical axes (x right, y down, z forward) to MuJoCo's camera axes."""


class MujocoEye:
    """A camera of a model; call it for colour and depth of the world as it is now.

    Switches multi-sampling off in the model: it costs two thirds of the time, and makes depths at edges that
    belong to no object.
    """

    def __init__(
        self, model: mujoco.MjModel, data: mujoco.MjData, camera: str, width: int, height: int
    ) -> None:
        """Make the renderer.

        Args:
            model: With a camera of that name.
            data: The world's state.
            camera: Name in the model.
            width: Pixels.
            height: Pixels.

        Raises:
            CameraError: This machine cannot render off-screen.
        """
        model.vis.quality.offsamples = 0
        model.vis.global_.offwidth = max(model.vis.global_.offwidth, width)
        model.vis.global_.offheight = max(model.vis.global_.offheight, height)
        self.model, self.data = model, data
        self.camera = model.camera(camera).id
        try:
            _leave_the_screen_alone()
            self.renderer = mujoco.Renderer(model, height, width)
        except Exception as error:  # graphics libraries raise whatever they like
            raise CameraError(
                f"this machine cannot render off-screen ({error}): install libegl1 and libgl1-mesa-dri, or "
                "set MUJOCO_GL"
            ) from error

    def __enter__(self) -> Self:
        """Nothing more to open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the graphics memory back."""
        self.renderer.close()

    def __call__(self) -> tuple[Colour, Depth]:
        """Return colour (H, W, 3), blue first, and depth (H, W), metres, 0.0 where there is nothing."""
        self.renderer.update_scene(self.data, self.camera)
        return self.colour(), self.depth()

    def colour(self) -> Colour:
        """Render the scene as it was updated last: (H, W, 3), blue first."""
        picture: Colour = np.ascontiguousarray(self.renderer.render()[..., ::-1])
        return picture

    def depth(self) -> Depth:
        """Render the depth of that scene: (H, W), metres."""
        self.renderer.enable_depth_rendering()
        metres: Depth = self.renderer.render().copy()
        self.renderer.disable_depth_rendering()
        metres[metres > _REACH] = 0.0
        return metres

    def geoms(self) -> NDArray[np.int32]:
        """Render which geom of the model each pixel shows: (H, W), -1 for anything else."""
        self.renderer.enable_segmentation_rendering()
        number, kind = np.moveaxis(self.renderer.render(), 2, 0)
        self.renderer.disable_segmentation_rendering()
        return np.where(kind == int(mujoco.mjtObj.mjOBJ_GEOM), number, -1).astype(np.int32)

    def world_from_camera(self) -> Transform:
        """Where the camera is now (4, 4), optical axes."""
        transform = np.eye(4)
        transform[:3, :3] = self.data.cam_xmat[self.camera].reshape(3, 3) @ _FLIP
        transform[:3, 3] = self.data.cam_xpos[self.camera]
        return transform


def _leave_the_screen_alone() -> None:
    """Render with EGL where MuJoCo has chosen GLFW and nobody with a screen has asked for that.

    MuJoCo chooses when it is imported, long before anybody knows that pictures are wanted: with EGL chosen
    then, a machine without it could not even simulate; and GLFW without a screen ends the process when it is
    tried twice.
    """
    chosen = mujoco.gl_context.GLContext
    asked = os.environ.get("MUJOCO_GL", "").lower() == "glfw"
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if chosen.__module__ == "mujoco.glfw" and not (asked and screen):
        mujoco.gl_context.GLContext = importlib.import_module("mujoco.egl").GLContext
