"""What every node shares: parameters that describe themselves, and how it says that it wants to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.action import ActionClient, ActionServer
from rclpy.context import Context
from rclpy.exceptions import ParameterException
from rclpy.lifecycle import LifecycleNodeMixin
from rclpy.node import Node

from farl_ros.graph import GraphError
from farl_ros.task_spec import TaskSpec, load_task

P = TypeVar("P", bool, int, float, str, list[str])


class NodeError(GraphError):
    """A node cannot start or go on; the message says what was expected, what came, and what to do."""


class FarlNode(Node):
    """A node with read-only parameters that can end its process.

    Attributes:
        exit_code: None while the node wants to go on; setting it ends the process, or the composed graph.
        closes_last: Whether it is to hear what the other nodes of a composed graph say while they close.
    """

    closes_last = False

    def __init__(
        self, name: str, arguments: Sequence[str] | None = None, context: Context | None = None
    ) -> None:
        """Create the node.

        Args:
            name: Default name; the arguments can remap it.
            arguments: ROS arguments of this node alone; None to take those of the process.
            context: For a node that shares a process; None for the default context.
        """
        super().__init__(
            name,
            context=context,
            cli_args=None if arguments is None else list(arguments),
            use_global_arguments=arguments is None,
        )
        self.exit_code: int | None = None

    def destroy_node(self) -> None:
        """Destroy it, with what ``Node`` leaves to the garbage collector.

        Its actions and its lifecycle would keep the DDS participant alive until then; a participant
        beyond the 32nd of a process is not found by others.
        """
        for waitable in list(self.waitables):
            if isinstance(waitable, ActionClient | ActionServer):
                waitable.destroy()
        if isinstance(self, LifecycleNodeMixin):
            self._state_machine.destroy_when_not_in_use()
        super().destroy_node()

    def declare(
        self,
        name: str,
        default: P,
        description: str,
        minimum: float | None = None,
        maximum: float | None = None,
        read_only: bool = True,
    ) -> P:
        """Declare a parameter; returns its value.

        Args:
            name: Its name.
            default: Its default; also gives its type.
            description: What it is for, with the unit.
            minimum: Least value of a number.
            maximum: Greatest value of a number.
            read_only: Whether it is fixed once the node runs.

        Raises:
            NodeError: A value of another type or outside of the range was given.
        """
        descriptor = ParameterDescriptor(description=description, read_only=read_only)
        if minimum is not None or maximum is not None:
            low, high = minimum if minimum is not None else 0, maximum if maximum is not None else 2**53
            if isinstance(default, float):
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=float(low), to_value=float(high))
                ]
            else:
                descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
        try:
            value: P = self.declare_parameter(name, default, descriptor).value
        except ParameterException as error:
            raise NodeError(f"parameter {name!r} ({description}): {error}") from error
        return value

    def declare_required(self, name: str, description: str) -> str:
        """Declare a text parameter that has no default; returns its value.

        Raises:
            NodeError: It was not given.
        """
        value = self.declare(name, "", description)
        if not value:
            raise NodeError(f"parameter {name!r} is empty; expected: {description}")
        return value

    def declare_task(self) -> TaskSpec:
        """Declare ``task`` and load it."""
        return load_task(self.declare_required("task", "task name, or a task YAML file"))

    def missing(self, names: Sequence[str]) -> list[str]:
        """Those of ``names`` (node names) that are not in the graph."""
        present = {name for name, _ in self.get_node_names_and_namespaces()}
        return [name for name in names if name not in present]

    def close(self) -> None:
        """Finish what is under way; called once, after the last callback and before the node is destroyed."""
