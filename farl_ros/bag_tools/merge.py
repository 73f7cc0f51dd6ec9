"""Bags of several folders become the bags of one, numbered anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from farl.datasets import DatasetError
from farl_ros.bag_reader import read_bag, stream_bag
from farl_ros.bag_tools.copying import copy_message, new_bag, numbered_name, task_in
from farl_ros.bag_tools.labels import labels_file
from farl_ros.bag_tools.start import said, start_of
from farl_ros.bag_writer import BagError
from farl_ros.bags import EPISODE_TOPICS, bags_in, episode_of, kind_of
from farl_ros.task_spec import TaskSpec


@dataclass(frozen=True)
class Merged:
    """What became of the sources.

    Attributes:
        made: Source and new bag.
        refused: Sources from which no episode can be read, each with the reason.
    """

    made: tuple[tuple[Path, Path], ...]
    refused: tuple[tuple[Path, str], ...]


def merge_bags(
    sources: Sequence[Path], out: Path, task: TaskSpec | None, tell: Callable[[Path, Path], None]
) -> Merged:
    """Copy bags into one folder, as episodes that go on from the highest number there.

    Args:
        sources: Bags, or folders of bags, in the order in which they are numbered.
        out: The folder; may have bags in it already.
        task: The task of bags that name none; None if all do.
        tell: Called with source and new bag for each.

    Raises:
        BagError: There is no bag in a source, two sources are the same, or something cannot be written.
    """
    bags = [bag for source in sources for bag in ([source] if source.is_file() else bags_in(source))]
    twice = sorted({str(bag) for bag in bags if sum(bag.resolve() == other.resolve() for other in bags) > 1})
    if twice:
        raise BagError(f"{twice[0]} is given twice, it would be trained on twice; name each bag once")
    inside = [bag for bag in bags if bag.resolve().is_relative_to(out.resolve())]
    if inside:
        raise BagError(f"{inside[0]} is in {out} already; name the sources without it, or another folder")
    episode = _next_number(out)
    made: list[tuple[Path, Path]] = []
    refused: list[tuple[Path, str]] = []
    for path in bags:
        try:
            bag = read_bag(path, EPISODE_TOPICS)
            read = episode_of(bag)
        except (BagError, DatasetError) as error:
            refused.append((path, str(error)))
            continue
        number = read.episode.episode
        start = start_of(bag, number)
        extra = {"copied_from": str(path), "copied_episode": str(number)}
        extra |= {} if start is None else said(start)
        spec, labels = task_in(bag, task), labels_file(path)
        with new_bag(out, episode, bag, spec, kind_of(bag), extra, labels) as writer:
            for message in stream_bag(path):
                copy_message(writer, message, episode)
        made.append((path, out / numbered_name(episode)))
        tell(*made[-1])
        episode += 1
    return Merged(tuple(made), tuple(refused))


def _next_number(out: Path) -> int:
    """One more than the highest number of an episode in a folder."""
    names = [path.name.removeprefix("episode_") for path in out.glob("episode_*")]
    return max((int(name) for name in names if name.isdecimal()), default=-1) + 1
