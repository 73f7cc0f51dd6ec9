"""Off-screen pictures of the simulated Franka tables, on machines without a screen."""

from __future__ import annotations

import importlib
import os

import mujoco

from failurebench.env import FailureBenchEnv
from failurebench.franka.scene import CAMERA
from failurebench.franka.table_env import FrankaEnv
from farl_ros.sight.errors import SightError
from perception.cameras.mujoco_eye import MujocoEye


def eye_of(environment: FailureBenchEnv, width: int, height: int) -> MujocoEye:
    """Make the camera of a simulated table; close it before the interpreter ends.

    Args:
        environment: The task.
        width: Pixels.
        height: Pixels.

    Raises:
        SightError: The task has no camera, or this machine cannot render.
    """
    if not isinstance(environment, FrankaEnv):
        raise SightError(
            f"{type(environment).__name__} has no camera: only the tasks on the Franka's table can be seen"
        )
    _choose_backend()
    try:
        return MujocoEye(environment.panda.model, environment.panda.data, CAMERA, width, height)
    except Exception as error:  # graphics libraries raise whatever they like
        raise SightError(
            f"this machine cannot render off-screen ({error}): install libegl1 and libgl1-mesa-dri, or set "
            "MUJOCO_GL"
        ) from error


def _choose_backend() -> None:
    """Render with EGL unless somebody has chosen: MuJoCo's own choice needs a screen.

    MuJoCo reads MUJOCO_GL when it is imported, long before anybody knows that pictures are wanted; and
    with EGL chosen then, a machine without it could not even simulate.
    """
    if os.environ.get("MUJOCO_GL"):
        return
    try:
        mujoco.gl_context.GLContext = importlib.import_module("mujoco.egl").GLContext
    except (ImportError, AttributeError) as error:  # PyOpenGL without the library has no attributes
        raise SightError(
            f"this machine cannot render off-screen ({error}): install libegl1 and libgl1-mesa-dri, or set "
            "MUJOCO_GL"
        ) from error
