"""Bags to demonstrations: typed episodes, checked against the task, whole folders at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from farl.datasets import DatasetError, DemoSet, Episode
from farl.types import Array, EpisodeKind
from farl_ros.bag_episodes import episode_to_messages, write_episode, write_trajectory
from farl_ros.bag_reader import Bag, read_bag
from farl_ros.bag_writer import BagError, BagWriter
from farl_ros.messages import Event, Message, Topic
from farl_ros.task_spec import TaskSpec

__all__ = [
    "Bag",
    "BagError",
    "BagFolder",
    "BagWriter",
    "episode_to_messages",
    "read_bag",
    "read_episode",
    "read_folder",
    "write_episode",
    "write_trajectory",
]

_MEANING = ("name", "observation", "action", "control_rate_hz", "action_repeat", "reward", "failure")
"""Keys of a task that decide what recorded numbers mean: bag and task must agree in them."""


class OtherRecordingError(BagError):
    """A whole bag, but of another task, or with another layout than the task's."""


@dataclass(frozen=True)
class BagFolder:
    """The bags in a folder and the folders below it.

    Attributes:
        demos: The episodes that could be read, in the order of their paths.
        rejected: The bags that could not, each with the reason.
        recovered: How many of the episodes come from bags that were cut off.
        unfit: Those of the rejected that are whole, but hold something else than the task's demonstrations:
            another task or layout, or numbers that cannot be.
    """

    demos: DemoSet
    rejected: tuple[tuple[Path, str], ...]
    recovered: int
    unfit: tuple[Path, ...]


def read_folder(path: Path, task: TaskSpec | None = None) -> BagFolder:
    """Read every bag below a folder; one that cannot be used is named and costs only itself.

    Args:
        path: The folder.
        task: What the bags must be recordings of; None to take any one task.

    Raises:
        BagError: There is no bag, or none that can be used.
        DatasetError: Without ``task``: the episodes have different layouts.
    """
    patterns = ("*.mcap", "*.db3", "metadata.yaml")
    bags = sorted({file.parent for pattern in patterns for file in path.rglob(pattern)})
    if not bags:
        there = "no bag in it or below" if path.is_dir() else "no such folder"
        raise BagError(f"{path}: {there}; expected folders with .mcap files, one per episode")
    episodes: list[Episode] = []
    rejected: list[tuple[Path, str]] = []
    unfit: list[Path] = []
    for bag in bags:
        try:
            episodes.append(read_episode(bag, task))
        except (BagError, DatasetError) as error:
            rejected.append((bag, str(error)))
            if isinstance(error, OtherRecordingError | DatasetError):
                unfit.append(bag)
    if not episodes:
        reasons = "".join(f"\n  {reason}" for _, reason in rejected[:5])
        raise BagError(f"{path}: none of {len(rejected)} bags can be used:{reasons}")
    recovered = sum("recovered" in episode.metadata for episode in episodes)
    return BagFolder(DemoSet(tuple(episodes)), tuple(rejected), recovered, tuple(unfit))


def read_episode(path: Path, task: TaskSpec | None = None) -> Episode:
    """Read the episode in a bag, from ``/transition`` and ``/episode_event``.

    Of a bag that was cut off, the steps up to the last whole chunk are read; the episode then counts as
    truncated, and its metadata has the key ``recovered``.

    Args:
        path: The bag.
        task: What it must be a recording of; None to take any.

    Raises:
        BagError: It does not hold one episode of the task; the message names file, topic and what is missing.
        DatasetError: Its numbers are not finite, or actions leave [-1, 1].
    """
    bag = read_bag(path, (Topic.TRANSITION, Topic.EPISODE_EVENT))
    if task is not None:
        _check_task(bag, task)
    steps = [message for _, message in bag.messages(Topic.TRANSITION)]
    events: list[Message] = []
    if Topic.EPISODE_EVENT in bag.recorded:
        events = [message for _, message in bag.messages(Topic.EPISODE_EVENT)]
    observations, actions = _arrays(bag, steps)
    if task is not None:
        _check_sizes(bag, task, observations, actions)
    last = steps[-1]
    return Episode(
        kind=_kind(bag, events),
        observations=observations,
        actions=actions,
        rewards=np.array([step.reward for step in steps], np.float32),
        costs=np.array([step.cost for step in steps], np.float32),
        terminated=bool(last.terminated),
        truncated=bool(last.truncated or not last.terminated),  # neither: it was cut off or aborted
        success=bool(last.success),
        episode=int(last.episode),
        metadata={**bag.metadata, **_remarks(bag, events, len(steps)), "source": str(path)},
    )


def _arrays(bag: Bag, steps: Sequence[Message]) -> tuple[Array, Array]:
    """Observations ``(T + 1, O)`` and executed actions ``(T, A)`` of steps that must follow one another."""
    where = f"{bag.path}, topic {Topic.TRANSITION}"
    episodes = sorted({step.episode for step in steps})
    if len(episodes) > 1:
        raise BagError(f"{where}: steps of episodes {episodes[:5]} in one bag; expected one episode per bag")
    numbers = [step.step for step in steps]
    for expected, number in enumerate(numbers, start=numbers[0]):
        if number != expected:
            raise BagError(f"{where}: step {expected} is missing; {expected - 1} is followed by {number}")
    rows = [*(step.observation for step in steps), steps[-1].next_observation]
    values = [step.executed.values for step in steps]
    for label, arrays in (("observation", rows), ("executed.values", values)):
        sizes = sorted({len(array) for array in arrays})
        if len(sizes) > 1:
            raise BagError(f"{where}: {label} has {sizes} entries; expected the same number in every step")
    observations = np.stack(rows)
    for step, following in zip(steps, observations[1:], strict=True):
        if not np.array_equal(step.next_observation, following, equal_nan=True):
            number = step.step
            raise BagError(f"{where}: step {number} does not lead to the observation of step {number + 1}")
    return observations, np.stack(values)


def _check_task(bag: Bag, task: TaskSpec) -> None:
    """Compare what the bag says it is a recording of; one of another recorder says nothing, and passes."""
    name = bag.metadata.get("task", task.name)
    if name != task.name:
        raise OtherRecordingError(f"{bag.path}: a recording of task {name!r}, expected {task.name!r}")
    if bag.metadata.get("spec_sha256", task.sha256) == task.sha256:
        return
    try:
        recorded = json.loads(bag.metadata.get("spec", "{}"))
    except ValueError as error:
        raise BagError(f"{bag.path}, topic {Topic.RECORDING}: its task spec is not JSON ({error})") from error
    expected = task.resolved()
    for key in _MEANING:
        if recorded.get(key) != expected[key]:
            raise OtherRecordingError(
                f"{bag.path}: recorded when {key!r} of {task.name} was {json.dumps(recorded.get(key))}, "
                f"now it is {json.dumps(expected[key])}; the numbers would mean something else"
            )


def _check_sizes(bag: Bag, task: TaskSpec, observations: Array, actions: Array) -> None:
    for label, got, size in (
        ("observation", observations.shape[1], task.observation_size),
        ("executed.values", actions.shape[1], task.action_size),
    ):
        if got != size:
            raise OtherRecordingError(
                f"{bag.path}, topic {Topic.TRANSITION}: {label} has {got} entries, but {task.name} has {size}"
            )


def _kind(bag: Bag, events: Sequence[Message]) -> EpisodeKind:
    """What the episode was recorded for: the bag says it, or the event at its start."""
    stated = bag.metadata.get("kind")
    if stated is not None:
        if stated not in EpisodeKind.__members__:
            kinds = ", ".join(EpisodeKind.__members__)
            raise BagError(f"{bag.path}, topic {Topic.RECORDING}: kind {stated!r}; expected one of {kinds}")
        return EpisodeKind[stated]
    for event in events:
        if event.event == Event.STARTED:
            return EpisodeKind(event.kind)
    raise BagError(
        f"{bag.path}: nothing says what it was recorded for; expected the topic {Topic.RECORDING}, "
        f"or a STARTED event on {Topic.EPISODE_EVENT}"
    )


def _remarks(bag: Bag, events: Sequence[Message], steps: int) -> dict[str, str]:
    remarks = {}
    if bag.problem is not None:
        remarks["recovered"] = f"{steps} steps; {bag.problem}"
    if any(event.event == Event.ABORTED for event in events):
        remarks["aborted"] = "true"
    notes = [event.operator_note for event in events if event.operator_note]
    if notes:
        remarks["operator_notes"] = json.dumps(notes)
    return remarks
