"""Camera and state estimator alone: `ros2 launch farl_ros perceive.launch.py task:=FrankaFragilePushWall`.

The arguments and the node are those of `farl perceive`: both ways read them from `farl_ros.graph`.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from farl_ros.graph import PACKAGE, PERCEIVE_ARGUMENTS, perceive_graph


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
        ValueError: The rate is not a number, or autostart neither true nor false.
    """
    task, camera, frames, recording, rate, autostart = (
        LaunchConfiguration(argument.name).perform(context) for argument in PERCEIVE_ARGUMENTS
    )
    if autostart.lower() not in ("true", "false"):
        raise ValueError(f"autostart:={autostart}: expected a value of type bool")
    specs = perceive_graph(task, camera, frames, recording, float(rate), autostart.lower() == "true")
    return [
        Node(
            package=PACKAGE,
            executable=spec.executable,
            name=spec.name,
            parameters=[dict(spec.parameters)],
            remappings=list(spec.remappings),
            output="screen",
            emulate_tty=True,
            on_exit=[Shutdown(reason=f"{spec.name} has ended")],
        )
        for spec in specs
    ]
