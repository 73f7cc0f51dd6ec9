"""Lives a recording through again: `ros2 launch farl_ros replay.launch.py bag:=demos/task/episode_000000`.

The arguments and the nodes are those of `farl replay`: both ways read them from `farl_ros.replay_graph`.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from farl_ros.graph import PACKAGE, graph_from_text
from farl_ros.replay_graph import REPLAY_ARGUMENTS, replay_graph


def generate_launch_description() -> LaunchDescription:
    """Declares the job's arguments; its nodes follow when the values are known."""
    arguments = [
        DeclareLaunchArgument(argument.name, default_value=argument.default, description=argument.description)
        for argument in REPLAY_ARGUMENTS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start)])


def start(context: LaunchContext) -> list[Node]:
    """Makes the graph's nodes from the arguments; the launch ends with the first that ends.

    Raises:
        ValueError: An argument's value is not of the argument's type.
        farl_ros.graph.GraphError: Something is missing, or the arm was not confirmed.
    """
    texts = {a.name: LaunchConfiguration(a.name).perform(context) for a in REPLAY_ARGUMENTS}
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
        for spec in graph_from_text(replay_graph, texts)
    ]
