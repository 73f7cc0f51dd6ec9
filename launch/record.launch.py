"""Records demonstrations: `ros2 launch farl_ros record.launch.py task:=BoundedPush terminal:=$(tty)`.

The arguments and the nodes are those of `farl record`: both ways read them from `farl_ros.record_graph`.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from farl_ros.graph import PACKAGE, NodeSpec, graph_from_text
from farl_ros.record_graph import RECORD_ARGUMENTS, record_graph


def generate_launch_description() -> LaunchDescription:
    """Declares the job's arguments; its nodes follow when the values are known."""
    arguments = [
        DeclareLaunchArgument(argument.name, default_value=argument.default, description=argument.description)
        for argument in RECORD_ARGUMENTS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start)])


def start(context: LaunchContext) -> list[Node]:
    """Makes the graph's nodes from the arguments.

    Raises:
        ValueError: An argument's value is not of the argument's type.
        farl_ros.graph.GraphError: The graph cannot be built as asked.
    """
    texts = {a.name: LaunchConfiguration(a.name).perform(context) for a in RECORD_ARGUMENTS}
    return [node(spec) for spec in graph_from_text(record_graph, texts)]


def node(spec: NodeSpec) -> Node:
    """One node of the graph; the launch ends with a node that the graph cannot do without."""
    return Node(
        package=PACKAGE,
        executable=spec.executable,
        name=spec.name,
        parameters=[dict(spec.parameters)],
        remappings=list(spec.remappings),
        output="screen",
        emulate_tty=True,
        sigterm_timeout="30",  # after SIGINT; 5 s are too few for a busy machine to save a run
        on_exit=[Shutdown(reason=f"{spec.name} has ended")] if spec.required else None,
    )
