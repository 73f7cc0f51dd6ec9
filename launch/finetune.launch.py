"""Fine-tunes a task online, shield on: `ros2 launch farl_ros finetune.launch.py task:=BoundedPush`.

The arguments and the nodes are those of `farl finetune`: both ways read them from `farl_ros.graph`.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from farl_ros.graph import FINETUNE_ARGUMENTS, PACKAGE, NodeSpec, finetune_graph, graph_from_text


def generate_launch_description() -> LaunchDescription:
    """Declares the job's arguments; its nodes follow when the values are known."""
    arguments = [
        DeclareLaunchArgument(argument.name, default_value=argument.default, description=argument.description)
        for argument in FINETUNE_ARGUMENTS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start)])


def start(context: LaunchContext) -> list[Node]:
    """Makes the graph's nodes from the arguments.

    Raises:
        ValueError: An argument's value is not of the argument's type.
        farl_ros.graph.GraphError: The graph cannot be built as asked.
    """
    texts = {a.name: LaunchConfiguration(a.name).perform(context) for a in FINETUNE_ARGUMENTS}
    return [node(spec) for spec in graph_from_text(finetune_graph, texts)]


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
