"""``farl ready`` and ``farl rearm``: what the person at the robot says where there is no ``ros2``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from farl_ros.commands.common import UsageError, console

if TYPE_CHECKING:
    from rclpy.node import Node

WAIT_S = 5.0
"""For the node to be found, and for its answer [s]."""


def ready() -> None:
    """Say that the objects are back and nobody is in the robot's reach: the next episode may begin.

    Example: farl ready
    """
    from std_srvs.srv import Trigger  # needs ROS; most commands do not

    answer = _ask(Trigger, "scene/ready", Trigger.Request())
    _tell(answer.success, answer.message)


def rearm(
    note: Annotated[str, typer.Option(help="Who looked at the robot, and what was wrong.")],
) -> None:
    """Say that somebody looked at the robot after a fault, and that it may move again.

    Example: farl rearm --note "AB: the cable was loose"
    """
    from farl_interfaces.srv import RearmRobot  # needs ROS; most commands do not

    answer = _ask(RearmRobot, "franka_controller/rearm", RearmRobot.Request(operator_note=note))
    _tell(answer.ok, answer.message)


def _tell(ok: bool, message: str) -> None:
    if not ok:
        raise UsageError(message)
    console.print(message)


def _ask(service_type: Any, name: str, request: Any) -> Any:  # noqa: ANN401 - generated types share no base
    """Call a service of the graph that runs on this machine.

    Raises:
        UsageError: Nobody offers it, or nobody answers.
    """
    import rclpy
    from rclpy.context import Context
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.node import Node

    context = Context()
    rclpy.init(args=[], context=context)
    try:
        node: Node = Node("person", context=context, use_global_arguments=False)
        client = node.create_client(service_type, name)
        if not client.service_is_ready():
            console.print(f"looking for {name} on this machine, up to {WAIT_S:g} s …")
        if not client.wait_for_service(WAIT_S):
            raise UsageError(f"nobody offers {name}: does `farl finetune --robot …` run on this machine?")
        executor = SingleThreadedExecutor(context=context)
        future = client.call_async(request)
        executor.add_node(node)
        executor.spin_until_future_complete(future, WAIT_S)
        if not future.done():
            raise UsageError(f"{name} did not answer within {WAIT_S:g} s")
        return future.result()
    finally:
        context.try_shutdown()
