"""Off-screen pictures of the simulated Franka tables, on machines without a screen."""

from __future__ import annotations

from failurebench.env import FailureBenchEnv
from failurebench.franka.scene import CAMERA
from failurebench.franka.table_env import FrankaEnv
from farl_ros.sight.errors import SightError
from perception.cameras.camera import CameraError
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
    try:
        return MujocoEye(environment.panda.model, environment.panda.data, CAMERA, width, height)
    except CameraError as error:
        raise SightError(str(error)) from error
