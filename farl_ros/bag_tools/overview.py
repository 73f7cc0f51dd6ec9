"""What a bag is, in one row: for tables of many bags, and for a closer look at one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from farl.datasets import DatasetError, Episode
from farl_ros.bag_reader import read_bag, stream_bag
from farl_ros.bag_tools.labels import Outcome
from farl_ros.bag_writer import BagError
from farl_ros.bags import EPISODE_TOPICS, ReadEpisode, episode_of


class State(StrEnum):
    """How much of a bag there is."""

    WHOLE = "whole"
    PARTIAL = "partial"  # cut off; what is in front of that is used
    BAD = "bad"  # no episode can be read from it


@dataclass(frozen=True)
class Overview:
    """One bag.

    Attributes:
        path: Its folder or file.
        state: How much of it there is.
        problem: Why not all of it; empty for a whole one.
        read: Its episode; None of a bad bag.
    """

    path: Path
    state: State
    problem: str
    read: ReadEpisode | None

    @property
    def failing_steps(self) -> tuple[int, ...]:
        """Numbers of the steps that violate the failure set."""
        if self.read is None:
            return ()
        first = self.read.first_step
        return tuple(first + index for index in self.read.episode.costs.nonzero()[0].tolist())

    @property
    def duration(self) -> float:
        """Time from the first state to the start of the last step [s]."""
        stamps = None if self.read is None else self.read.stamps
        return 0.0 if stamps is None else float(stamps[-1] - stamps[0]) * 1e-9


@dataclass
class TopicFacts:
    """What is on one topic: messages, bytes, first and last log time [ns], longest gap between two [ns]."""

    type_name: str
    count: int = 0
    size: int = 0
    first: int = 0
    last: int = 0
    longest_gap: int = 0
    gaps: list[int] = field(default_factory=list, repr=False)

    def add(self, stamp_ns: int, size: int) -> None:
        """Count one message."""
        if self.count == 0:
            self.first = stamp_ns
        else:
            self.gaps.append(stamp_ns - self.last)
            self.longest_gap = max(self.longest_gap, stamp_ns - self.last)
        self.count, self.size, self.last = self.count + 1, self.size + size, stamp_ns


def overview(path: Path) -> Overview:
    """Look at a bag; never fails on a bad one."""
    try:
        bag = read_bag(path, EPISODE_TOPICS)
        read = episode_of(bag)
    except (BagError, DatasetError) as error:
        return Overview(path, State.BAD, str(error), None)
    if bag.problem is not None:
        return Overview(path, State.PARTIAL, bag.problem, read)
    recovered = bag.metadata.get("recovered")  # cut off when it was recorded, and copied since
    state = State.WHOLE if recovered is None else State.PARTIAL
    return Overview(path, state, recovered or "", read)


def outcome_of(episode: Episode) -> Outcome:
    """How an episode ended; a failure is told by itself, for an episode may go on and succeed after it."""
    if episode.success:
        return Outcome.SUCCESS
    if episode.metadata.get("aborted") == "true":
        return Outcome.ABORTED
    return Outcome.FAILURE if episode.failed else Outcome.TIMEOUT


def topics_of(path: Path) -> dict[str, TopicFacts]:
    """What is on each topic of a bag, without holding any of it.

    Raises:
        BagError: It cannot be read.
    """
    facts: dict[str, TopicFacts] = {}
    for message in stream_bag(path):
        topic = facts.setdefault(message.topic, TopicFacts(message.type_name))
        topic.add(message.stamp_ns, len(message.payload))
    return facts
