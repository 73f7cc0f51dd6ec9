"""A task spec becomes an environment."""

from __future__ import annotations

import re
from functools import partial

import failurebench  # noqa: F401 - registers the environments
from failurebench.env import FailureBenchEnv
from failurebench.kit import TaskKit, kit, task_names
from farl_ros.plugins import Group, PluginError, Registry
from farl_ros.task_spec import TaskError, TaskSpec

SIMULATORS: Registry[TaskKit] = Registry(
    Group.SIMULATORS, "simulator", TaskKit, lambda: {name: partial(kit, name) for name in task_names()}
)
"""Simulated tasks by name, with their scripts. A name is a Gymnasium id without namespace and version."""


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
    name = re.sub(r"-v\d+$", "", spec.environment).rpartition("/")[2]
    where = f"task {spec.name}, environment {spec.environment}"
    try:
        found = SIMULATORS.get(name)
    except PluginError as error:
        raise TaskError(f"{where}: {error}") from error
    if found.environment_id != spec.environment:
        raise TaskError(f"{where}: the simulator {name!r} is for {found.environment_id!r}; make them one id")
    return found
