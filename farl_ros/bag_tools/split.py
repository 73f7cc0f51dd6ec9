"""A long recording becomes one bag per episode.

A new episode begins where the transitions count another episode, or the same one from the front again: with
the first message in between that names it, else with its first transition. Everything belongs to the episode
that was under way when it was written; nothing is left out.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from farl.types import EpisodeKind
from farl_ros.bag_reader import Bag, read_bag, stream_bag
from farl_ros.bag_tools.copying import NUMBERED, copy_message, episode_number, new_bag, numbered_name, task_in
from farl_ros.bag_tools.start import said, start_of
from farl_ros.bag_writer import BagError
from farl_ros.bags import kind_of
from farl_ros.message_columns import offset_of
from farl_ros.messages import TYPES, Event, Topic, typestore
from farl_ros.task_spec import TaskSpec


@dataclass(frozen=True)
class Mark:
    """A message that says which episode it belongs to.

    Attributes:
        place: How many messages were written before it.
        episode: The episode.
        step: Of a transition; None of the others.
    """

    place: int
    episode: int
    step: int | None


@dataclass(frozen=True)
class Segment:
    """One episode in a long recording: its number there, its places from ``begin`` up to before ``end``."""

    episode: int
    begin: int
    end: int


def segments(marks: Sequence[Mark], total: int) -> list[Segment]:
    """Where a recording of ``total`` messages is to be cut; what comes before the first episode is its."""
    runs: list[list[Mark]] = []
    for mark in marks:
        if mark.step is None:
            continue
        last = runs[-1][-1] if runs else None
        if last is None or mark.episode != last.episode or mark.step <= (last.step or 0):
            runs.append([])
        runs[-1].append(mark)
    if not runs:
        return []
    begins = [0]
    for before, after in pairwise(runs):
        first = after[0].place
        early = [
            mark.place
            for mark in marks
            if before[-1].place < mark.place < first
            and mark.episode == after[0].episode != before[-1].episode
        ]
        begins.append(min(early, default=first))
    ends = [*begins[1:], total]
    return [Segment(run[0].episode, b, e) for run, b, e in zip(runs, begins, ends, strict=True)]


def split_bag(path: Path, out: Path, task: TaskSpec | None, tell: Callable[[Path, int], None]) -> list[Path]:
    """Cut a recording up into the bags of its episodes, under their own numbers where those are free.

    Args:
        path: The recording.
        out: Folder for the bags.
        task: Its task, if it names none; else None.
        tell: Called with each new bag and how many messages are in it.

    Raises:
        BagError: There is no transition in it, a bag's name is taken, or something cannot be written.
    """
    bag = read_bag(path, (Topic.EPISODE_EVENT,))
    marks, total = _marks(path)
    parts = segments(marks, total)
    if not parts:
        raise BagError(
            f"{path}: no messages on topic {Topic.TRANSITION}; nothing else says where an episode ends"
        )
    spec, kinds = task_in(bag, task), _kinds(bag)
    numbers: list[int] = []
    for part in parts:
        numbers.append(part.episode if part.episode not in numbers else max(numbers) + 1)
    clash = [out / numbered_name(n) for n in numbers if (out / numbered_name(n)).exists()]
    if clash:
        raise BagError(f"{clash[0]} exists already; choose another folder, or move it away")
    made: list[Path] = []
    messages = enumerate(stream_bag(path))
    for part, number in zip(parts, numbers, strict=True):
        start = start_of(bag, part.episode)
        extra = {"copied_from": str(path), "copied_episode": str(part.episode)}
        extra |= {} if start is None else said(start)
        kind = kinds[part.episode] if part.episode in kinds else kind_of(bag)
        with new_bag(out, number, bag, spec, kind, extra) as writer:
            for place, message in messages:
                copy_message(writer, message, number)
                if place + 1 >= part.end:
                    break
        made.append(out / numbered_name(number))
        tell(made[-1], part.end - part.begin)
    return made


def _marks(path: Path) -> tuple[list[Mark], int]:
    """Every message that says which episode it belongs to, and how many messages there are."""
    marks, total = [], 0
    for place, message in enumerate(stream_bag(path)):
        total = place + 1
        if message.topic not in NUMBERED:
            continue
        episode, step = episode_number(message), None
        if episode is None:
            continue
        if message.topic == Topic.TRANSITION:
            offset = offset_of(message.payload, TYPES[Topic.TRANSITION], typestore(), "step")
            step = int(
                struct.unpack_from("<I" if message.payload[1] & 1 else ">I", message.payload, offset)[0]
            )
        marks.append(Mark(place, episode, step))
    return marks, total


def _kinds(bag: Bag) -> Mapping[int, EpisodeKind]:
    """What the STARTED events say that episodes were recorded for."""
    if Topic.EPISODE_EVENT not in bag.recorded:
        return {}
    events = [event for _, event in bag.messages(Topic.EPISODE_EVENT) if event.event == Event.STARTED]
    return {int(event.episode): EpisodeKind(event.kind) for event in events}
