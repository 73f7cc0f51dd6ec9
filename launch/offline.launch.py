"""Trains from demonstration bags: `ros2 launch farl_ros offline.launch.py task:=BoundedPush bags:=demos`.

The arguments and the node are those of `farl offline`: both ways read them from `farl_ros.graph`.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from farl_ros.graph import OFFLINE_ARGUMENTS, PACKAGE, graph_from_text, offline_graph


def generate_launch_description() -> LaunchDescription:
    """Declares the job's arguments; its node follows when the values are known."""
    arguments = [
        DeclareLaunchArgument(argument.name, default_value=argument.default, description=argument.description)
        for argument in OFFLINE_ARGUMENTS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start)])


def start(context: LaunchContext) -> list[Node]:
    """Makes the trainer's node from the arguments; the launch ends with it.

    Raises:
        ValueError: An argument's value is not of the argument's type.
    """
    texts = {a.name: LaunchConfiguration(a.name).perform(context) for a in OFFLINE_ARGUMENTS}
    return [
        Node(
            package=PACKAGE,
            executable=spec.executable,
            name=spec.name,
            parameters=[dict(spec.parameters)],
            remappings=list(spec.remappings),
            output="screen",
            emulate_tty=True,
            sigterm_timeout="30",  # after SIGINT; 5 s are too few for a busy machine to save a run
            on_exit=[Shutdown(reason=f"{spec.name} has ended")],
        )
        for spec in graph_from_text(offline_graph, texts)
    ]
