"""What a crash has left: bags that were being written when the process, the disk or the power went."""

from __future__ import annotations

from pathlib import Path

from farl_ros.bag_reader import read_bag
from farl_ros.bag_writer import BagError
from farl_ros.messages import Topic


def cut_off_bags(folder: Path) -> list[str]:
    """One sentence for each unfinished bag below a folder: its name, and what of it can be read."""
    return [_sentence(path) for path in sorted(folder.rglob("*.partial*")) if path.is_dir()]


def _sentence(path: Path) -> str:
    try:
        bag = read_bag(path, (Topic.STATE, Topic.TRANSITION))
    except BagError:
        return f"{path} was cut off before anything was written; remove it"
    states, steps = (
        len(bag.recorded[topic].messages) if topic in bag.recorded else 0
        for topic in (Topic.STATE, Topic.TRANSITION)
    )
    return (
        f"{path} was cut off: {states} states and {steps} steps of it can be read, and are used in training"
    )
