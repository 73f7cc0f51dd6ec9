"""The bags that go into a dataset: read, checked against one task, in the order of their paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from farl.datasets import DatasetError, Episode
from farl_ros.bag_reader import read_bag
from farl_ros.bag_tools.copying import task_in
from farl_ros.bag_tools.start import said, start_of
from farl_ros.bag_tools.timing import Stamps
from farl_ros.bag_writer import BagError
from farl_ros.bags import EPISODE_TOPICS, bags_in, episode_of
from farl_ros.pictures import COMPRESSED
from farl_ros.recording import PICTURE
from farl_ros.task_spec import TaskSpec


@dataclass(frozen=True)
class Outgoing:
    """One episode on its way out.

    Attributes:
        bag: Where it comes from.
        episode: As labelled; its metadata say how a simulator gets back to its start.
        stamps: Of the states that the steps start in [ns], shape ``(T,)``.
        first_step: Number of its first step.
        cameras: Topics with compressed pictures, sorted.
    """

    bag: Path
    episode: Episode
    stamps: Stamps
    first_step: int
    cameras: tuple[str, ...]


@dataclass(frozen=True)
class Shipment:
    """What the sources hold.

    Attributes:
        task: What all episodes are recordings of.
        episodes: In the order of the sources, and of the paths in each.
        refused: Bags that cannot be used, each with the reason.
    """

    task: TaskSpec
    episodes: tuple[Outgoing, ...]
    refused: tuple[tuple[Path, str], ...]


def read_shipment(sources: Sequence[Path], task: TaskSpec | None) -> Shipment:
    """Read bags, or folders of bags; one that cannot be used is named and costs only itself.

    Args:
        sources: Where they are.
        task: What they must be recordings of; None for what the first usable bag says.

    Raises:
        BagError: There is no bag in a source, or none that can be used.
    """
    episodes: list[Outgoing] = []
    refused: list[tuple[Path, str]] = []
    for path in [bag for source in sources for bag in ([source] if source.is_file() else bags_in(source))]:
        try:
            bag = read_bag(path, EPISODE_TOPICS)
            task = task_in(bag, None) if task is None else task
            read = episode_of(bag, task)
            start = start_of(bag, read.episode.episode)
        except (BagError, DatasetError) as error:
            refused.append((path, str(error)))
            continue
        kept = {key: value for key, value in read.episode.metadata.items() if key != "source"}
        episode = replace(read.episode, metadata=kept | ({} if start is None else said(start)))
        cameras = sorted(
            topic for topic, kind in bag.topics.items() if topic.endswith(PICTURE) and kind == COMPRESSED
        )
        episodes.append(Outgoing(path, episode, read.stamps, read.first_step, tuple(cameras)))
    if task is None or not episodes:
        reasons = "".join(f"\n  {reason}" for _, reason in refused[:5])
        raise BagError(f"none of {len(refused)} bags can be used:{reasons}")
    return Shipment(task, tuple(episodes), tuple(refused))
