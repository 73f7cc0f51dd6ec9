"""Bags to demonstrations: typed episodes, checked against the task, whole folders at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from farl.datasets import DatasetError, DemoSet, Episode
from farl.types import Array, EpisodeKind
from farl_ros.bag_episodes import episode_to_messages, write_episode, write_trajectory
from farl_ros.bag_reader import Bag, read_bag, read_columns
from farl_ros.bag_tools.findings import Finding, Severity
from farl_ros.bag_tools.labels import labelled, read_label
from farl_ros.bag_tools.timing import Stamps, damage_finding, dropped_finding, stamps_of, timing_findings
from farl_ros.bag_writer import BagError, BagWriter
from farl_ros.failure_marks import failed_ns, marked
from farl_ros.message_columns import Column
from farl_ros.messages import Event, Message, Topic
from farl_ros.task_spec import TaskSpec

__all__ = [
    "EPISODE_TOPICS",
    "Bag",
    "BagError",
    "BagFolder",
    "BagWriter",
    "ReadEpisode",
    "bags_in",
    "check_task",
    "episode_of",
    "episode_to_messages",
    "kind_of",
    "read_bag",
    "read_episode",
    "read_folder",
    "recorded_rate",
    "write_episode",
    "write_trajectory",
]

EPISODE_TOPICS = (Topic.TRANSITION, Topic.EPISODE_EVENT)
"""Topics that an episode is read from."""
_MEANING = ("name", "observation", "action", "control_rate_hz", "action_repeat", "reward", "failure")
"""Keys of a task that decide what recorded numbers mean: bag and task must agree in them."""


_FIELDS = (
    "header.stamp.sec", "header.stamp.nanosec", "episode", "step", "observation", "executed.values", "reward",
    "cost", "next_observation", "terminated", "truncated", "success",
)  # fmt: skip


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
        suspicious: What speaks against training on episodes that could be read.
    """

    demos: DemoSet
    rejected: tuple[tuple[Path, str], ...]
    recovered: int
    unfit: tuple[Path, ...]
    suspicious: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class ReadEpisode:
    """An episode as it was read.

    Attributes:
        episode: The episode, as labelled.
        stamps: Of the states that the steps start in [ns], shape ``(T,)``.
        first_step: Number of its first step.
        findings: What speaks against training on it.
    """

    episode: Episode
    stamps: Stamps
    first_step: int
    findings: tuple[Finding, ...]


def bags_in(path: Path) -> list[Path]:
    """The bags in a folder and the folders below it, itself included, by their paths.

    Raises:
        BagError: There is none.
    """
    patterns = ("*.mcap", "*.db3", "metadata.yaml")
    bags = sorted({file.parent for pattern in patterns for file in path.rglob(pattern)})
    if not bags:
        there = "no bag in it or below" if path.is_dir() else "no such folder"
        raise BagError(f"{path}: {there}; expected folders with .mcap files, one per episode")
    return bags


def read_folder(path: Path, task: TaskSpec | None = None) -> BagFolder:
    """Read every bag below a folder; one that cannot be used is named and costs only itself.

    Args:
        path: The folder.
        task: What the bags must be recordings of; None to take any one task.

    Raises:
        BagError: There is no bag, or none that can be used.
        DatasetError: Without ``task``: the episodes have different layouts.
    """
    episodes: list[Episode] = []
    rejected: list[tuple[Path, str]] = []
    unfit: list[Path] = []
    suspicious: list[Finding] = []
    for path_of_bag in bags_in(path):
        try:
            read = episode_of(read_bag(path_of_bag, EPISODE_TOPICS), task)
        except (BagError, DatasetError) as error:
            rejected.append((path_of_bag, str(error)))
            if isinstance(error, OtherRecordingError | DatasetError):
                unfit.append(path_of_bag)
            continue
        episodes.append(read.episode)
        suspicious += [finding for finding in read.findings if finding.severity == Severity.SUSPICIOUS]
    if not episodes:
        reasons = "".join(f"\n  {reason}" for _, reason in rejected[:5])
        raise BagError(f"{path}: none of {len(rejected)} bags can be used:{reasons}")
    recovered = sum("recovered" in episode.metadata for episode in episodes)
    return BagFolder(DemoSet(tuple(episodes)), tuple(rejected), recovered, tuple(unfit), tuple(suspicious))


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
    return episode_of(read_bag(path, EPISODE_TOPICS), task).episode


def episode_of(bag: Bag, task: TaskSpec | None = None) -> ReadEpisode:
    """The episode in a bag that holds at least ``EPISODE_TOPICS``; see ``read_episode``.

    Raises:
        BagError, DatasetError: As ``read_episode``.
    """
    if task is not None:
        check_task(bag, task)
    rows = read_columns(bag, Topic.TRANSITION, _FIELDS)
    stamps = stamps_of(rows)
    observations = _observations(bag, rows)
    actions = rows["executed.values"]
    if task is not None:
        _check_sizes(bag, task, observations, actions)
    terminated, truncated = bool(rows["terminated"][-1]), bool(rows["truncated"][-1])
    first = int(rows["step"][0])
    recorded = Episode(
        kind=kind_of(bag),
        observations=observations,
        actions=actions,
        rewards=rows["reward"],
        costs=marked(stamps, rows["cost"], failed_ns(_events(bag))),
        terminated=terminated,
        truncated=truncated or not terminated,  # neither: it was cut off or aborted
        success=bool(rows["success"][-1]),
        episode=int(rows["episode"][-1]),
        metadata={**bag.metadata, **_remarks(bag, len(actions)), "source": str(bag.path)},
    )
    findings = [*damage_finding(bag.path, bag.problem), *dropped_finding(bag.path, bag.metadata)]
    rate = recorded_rate(bag) if task is None else task.control_rate_hz
    if rate is not None:
        findings += timing_findings(bag.path, stamps, rows["step"], rate)
    label = read_label(bag.path)
    return ReadEpisode(labelled(recorded, first, label), stamps, first, tuple(findings))


def recorded_rate(bag: Bag) -> float | None:
    """The control rate that a bag says it was recorded at [Hz]; None if it does not."""
    try:
        rate = json.loads(bag.metadata.get("spec", "{}")).get("control_rate_hz")
    except (ValueError, AttributeError):
        return None
    return float(rate) if isinstance(rate, int | float) and rate > 0.0 else None


def _observations(bag: Bag, rows: Mapping[str, Column]) -> Array:
    """Observations ``(T + 1, O)`` of steps that must follow one another."""
    where = f"{bag.path}, topic {Topic.TRANSITION}"
    episodes = np.unique(rows["episode"]).tolist()
    if len(episodes) > 1:
        raise BagError(
            f"{where}: steps of episodes {episodes[:5]} in one bag; expected one episode per bag: "
            "cut it up with farl bags split"
        )
    numbers = rows["step"].astype(np.int64)
    jumps = np.flatnonzero(np.diff(numbers) != 1)
    if len(jumps):
        last, following = (int(n) for n in numbers[jumps[0] : jumps[0] + 2])
        raise BagError(f"{where}: step {last + 1} is missing; {last} is followed by {following}")
    before, after = rows["observation"], rows["next_observation"]
    if before.shape[1] != after.shape[1]:
        raise BagError(
            f"{where}: observation has {sorted((before.shape[1], after.shape[1]))} entries; "
            "expected the same number in every step"
        )
    same = (after[:-1] == before[1:]) | (np.isnan(after[:-1]) & np.isnan(before[1:]))
    breaks = np.flatnonzero(~same.all(axis=1))
    if len(breaks):
        number = int(numbers[breaks[0]])
        raise BagError(f"{where}: step {number} does not lead to the observation of step {number + 1}")
    return np.concatenate([before, after[-1:]])


def check_task(bag: Bag, task: TaskSpec) -> None:
    """Compare what the bag says it is a recording of; one of another recorder says nothing, and passes.

    Raises:
        BagError: It is a recording of something else.
    """
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


def kind_of(bag: Bag) -> EpisodeKind:
    """What the episode was recorded for: the bag says it, or the event at its start.

    Raises:
        BagError: Neither says it, or it is no kind.
    """
    stated = bag.metadata.get("kind")
    if stated is not None:
        if stated not in EpisodeKind.__members__:
            kinds = ", ".join(EpisodeKind.__members__)
            raise BagError(f"{bag.path}, topic {Topic.RECORDING}: kind {stated!r}; expected one of {kinds}")
        return EpisodeKind[stated]
    for event in _events(bag):
        if event.event == Event.STARTED:
            return EpisodeKind(event.kind)
    raise BagError(
        f"{bag.path}: nothing says what it was recorded for; expected the topic {Topic.RECORDING}, "
        f"or a STARTED event on {Topic.EPISODE_EVENT}"
    )


def _events(bag: Bag) -> list[Message]:
    if Topic.EPISODE_EVENT not in bag.recorded:
        return []
    return [message for _, message in bag.messages(Topic.EPISODE_EVENT)]


def _remarks(bag: Bag, steps: int) -> dict[str, str]:
    remarks, events = {}, _events(bag)
    if bag.problem is not None:
        remarks["recovered"] = f"{steps} steps; {bag.problem}"
    if any(event.event == Event.ABORTED for event in events):
        remarks["aborted"] = "true"
    notes = [event.operator_note for event in events if event.operator_note]
    if notes:
        remarks["operator_notes"] = json.dumps(notes)
    return remarks
