"""Which task a folder of bags was recorded for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from farl_ros.bag_reader import read_bag
from farl_ros.bag_writer import BagError
from farl_ros.bags import bags_in
from farl_ros.messages import Topic

TaskOption = Annotated[
    str | None, typer.Option("--task", help="Task name or YAML file; by default what the bags say.")
]


def task_of_bags(path: Path, given: str | None) -> str:
    """The task that was given, or the one that the first readable bag names.

    Raises:
        BagError: There is no bag, or none that says its task.
    """
    if given is not None:
        return given
    for bag in bags_in(path):
        try:
            name = read_bag(bag, (Topic.RECORDING,)).metadata.get("task")
        except BagError:
            continue  # another one may say it; what is wrong with this one is said when it is read
        if name is not None:
            return name
    raise BagError(f"{path}: no bag in it says which task was recorded; say it with --task")
