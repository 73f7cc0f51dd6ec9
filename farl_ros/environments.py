"""A task spec becomes an environment."""

from __future__ import annotations

import failurebench  # noqa: F401 - registers the environments
from failurebench.env import FailureBenchEnv
from failurebench.kit import TaskKit, kit
from farl_ros.task_spec import TaskError, TaskSpec


def make_environment(spec: TaskSpec, *, evaluation: bool = False) -> FailureBenchEnv:
    """Make the simulated task; an evaluation has no success end.

    Raises:
        TaskError: The simulator knows no such task.
    """
    return kit_of(spec).make(**spec.environment_kwargs(evaluation=evaluation))


def kit_of(spec: TaskSpec) -> TaskKit:
    """The scripts that come with the task's environment.

    Raises:
        TaskError: The simulator knows no such task.
    """
    name = spec.environment.removeprefix("FailureBench/").removesuffix("-v0")
    try:
        return kit(name)
    except ValueError as error:
        raise TaskError(f"task {spec.name}, environment {spec.environment}: {error}") from error
