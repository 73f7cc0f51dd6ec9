"""Which arms there are, by name: those of this release and those that installed packages add. Without ROS."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from farl_ros.graph import GraphError
from farl_ros.plugins import Group, PluginError, Registry

if TYPE_CHECKING:
    from rclpy.node import Node

    from farl_ros.arm.backend import StateListener
    from farl_ros.arm.make import Arm, ArmRequest
    from farl_ros.task_spec import TaskSpec

    ArmMaker = Callable[[ArmRequest, Node, TaskSpec, StateListener], Arm]


class BackendName(StrEnum):
    """The backends of this release."""

    SIM = "sim"  # the simulator's arm
    FAKE = "fake"  # in memory, for tests
    FRANKY = "franky"  # a Franka arm, through the franky library


def _own() -> dict[str, Callable[[], ArmMaker]]:
    def maker(name: str) -> ArmMaker:
        from farl_ros.arm import make  # needs ROS; the names do not

        return cast("ArmMaker", getattr(make, f"{name}_arm"))

    return {
        BackendName.SIM.value: lambda: maker("sim"),
        BackendName.FAKE.value: lambda: maker("fake"),
        BackendName.FRANKY.value: lambda: maker("franky"),
    }


ARMS: Registry[ArmMaker] = Registry(Group.ARMS, "arm", cast("type[ArmMaker]", Callable), _own)
"""All arms: what makes one of the controller's parameters (``farl_ros.arm.make.make_arm``)."""


def check_arm(name: str) -> None:
    """Say at once that there is no such arm, before any process starts; its package's code is not run.

    Raises:
        GraphError: There is none, or more than one.
    """
    try:
        ARMS.offer(name)
    except PluginError as error:
        raise GraphError(f"backend: {error}") from error
