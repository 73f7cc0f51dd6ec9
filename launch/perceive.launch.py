"""Camera and state estimator alone: `ros2 launch farl_ros perceive.launch.py task:=FrankaFragilePushWall`.

The arguments and the node are those of `farl perceive`: both ways read them from `farl_ros.graph`.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from farl_ros.graph import PACKAGE, PERCEIVE_ARGUMENTS, graph_from_text, perceive_graph


def generate_launch_description() -> LaunchDescription:
    """Declares the job's arguments; its node follows when the values are known."""
    arguments = [
        DeclareLaunchArgument(argument.name, default_value=argument.default, description=argument.description)
        for argument in PERCEIVE_ARGUMENTS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start)])


def start(context: LaunchContext) -> list[Node]:
    """Makes the estimator's node from the arguments; the launch ends with it.

    Raises:
        ValueError: An argument's value is not of the argument's type.
    """
    texts = {a.name: LaunchConfiguration(a.name).perform(context) for a in PERCEIVE_ARGUMENTS}
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
        for spec in graph_from_text(perceive_graph, texts)
    ]
