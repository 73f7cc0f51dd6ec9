"""A bag as a replay needs it: what was seen, proposed, decided and done in each step, and the start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from farl.types import ActionSource, Array, Proposal
from farl_ros.bag_reader import Bag, read_bag, read_columns
from farl_ros.bag_tools.start import Start, start_of
from farl_ros.bag_writer import BagError
from farl_ros.bags import EPISODE_TOPICS, check_task, episode_of
from farl_ros.message_columns import Column
from farl_ros.messages import Topic
from farl_ros.task_spec import TaskError, TaskSpec, load_task, parse_task

_PROPOSED = ("proposed.values", "proposed.log_prob", "proposed.policy_version", "proposed.source")


@dataclass(frozen=True)
class Recorded:
    """One recorded episode of T steps.

    Attributes:
        path: Its bag.
        spec: Its task.
        episode: Its number.
        first_step: Number of its first step.
        observations: What was seen, shape ``(T + 1, O)``.
        actions: What was executed, shape ``(T, A)``.
        costs: 1 in a step that violated the failure set, shape ``(T,)``.
        times: When each step began, counted from the first [s], shape ``(T,)``.
        proposals: What was proposed, T of them.
        intervened: Whether something else was executed, shape ``(T,)``.
        risks: Predicted risk of what was proposed, shape ``(T,)``; NaN where no shield looked.
        threshold: What it was held against; NaN where no shield looked.
        start: What brings the simulator to its start; None where the bag does not say it.
    """

    path: Path
    spec: TaskSpec
    episode: int
    first_step: int
    observations: Array
    actions: Array
    costs: Array
    times: NDArray[np.float64]
    proposals: tuple[Proposal, ...]
    intervened: NDArray[np.bool_]
    risks: Array
    threshold: float
    start: Start | None

    def __len__(self) -> int:
        """Number of steps T."""
        return len(self.actions)

    def window(self, from_step: int | None, to_step: int | None) -> range:
        """The steps from one number up to another, itself included, as indices into the arrays.

        Raises:
            BagError: There are no such steps.
        """
        last = self.first_step + len(self) - 1
        begin = self.first_step if from_step is None else from_step
        end = last if to_step is None else to_step
        if not self.first_step <= begin <= end <= last:
            raise BagError(
                f"{self.path}: steps {begin} to {end} were asked for, but it has {self.first_step} to {last}"
            )
        return range(begin - self.first_step, end - self.first_step + 1)


def load_recorded(path: Path, task: str | None = None) -> Recorded:
    """Read a bag for a replay.

    Args:
        path: The bag.
        task: Task name or file that it must be a recording of; None for the one that it names.

    Raises:
        BagError: It holds no episode, or one of another task, or does not say of which.
        TaskError: There is no such task.
    """
    bag = read_bag(path, (*EPISODE_TOPICS, Topic.DECISION))
    spec = _task(bag) if task is None else load_task(task)
    check_task(bag, spec)
    read = episode_of(bag, spec)
    rows = read_columns(bag, Topic.TRANSITION, (*_PROPOSED, "intervened", "risk"))
    stamps, episode = read.stamps, read.episode
    return Recorded(
        path=path,
        spec=spec,
        episode=episode.episode,
        first_step=read.first_step,
        observations=episode.observations,
        actions=episode.actions,
        costs=episode.costs,
        times=(stamps - stamps[0]) * 1e-9,
        proposals=_proposals(rows),
        intervened=rows["intervened"].astype(bool),
        risks=rows["risk"],
        threshold=_threshold(bag),
        start=start_of(bag, episode.episode),
    )


def _task(bag: Bag) -> TaskSpec:
    """The task as it was when it was recorded."""
    text, name = bag.metadata.get("spec"), bag.metadata.get("task")
    if text is not None:
        try:
            return parse_task(json.loads(text), str(bag.path))
        except (TaskError, ValueError):
            pass  # of another version of farl_ros; whether today's means the same is checked after this
    if name is None:
        raise BagError(f"{bag.path}: nothing in it says which task was recorded; say it with --task")
    return load_task(name)


def _proposals(rows: Mapping[str, Column]) -> tuple[Proposal, ...]:
    columns = (rows[name].tolist() if name != "proposed.values" else rows[name] for name in _PROPOSED)
    return tuple(
        Proposal(values, log_prob, version, ActionSource(source))
        for values, log_prob, version, source in zip(*columns, strict=True)
    )


def _threshold(bag: Bag) -> float:
    if Topic.DECISION not in bag.recorded:
        return float("nan")
    return float(read_columns(bag, Topic.DECISION, ("threshold",))["threshold"][-1])
