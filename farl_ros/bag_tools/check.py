"""Everything that can be told to be wrong with a bag, before somebody trains on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from farl.datasets import DatasetError
from farl_ros.bag_reader import Bag, read_bag, read_columns
from farl_ros.bag_tools.findings import Finding, Severity, at
from farl_ros.bag_tools.overview import TopicFacts, topics_of
from farl_ros.bag_tools.timing import LOST, stamps_of
from farl_ros.bag_writer import BagError
from farl_ros.bags import EPISODE_TOPICS, OtherRecordingError, episode_of
from farl_ros.messages import Topic
from farl_ros.task_spec import TaskError, TaskSpec, load_task

COPY_AGAIN = "copy the bag again from where it was recorded, or leave it out"
LEAST_FOR_GAPS = 10
"""A topic with fewer messages has no rate of its own to be held against."""


def check_bag(path: Path, task: TaskSpec | None = None) -> list[Finding]:
    """Look for dropped and late frames, gaps, another task, numbers that are none, and damage.

    Args:
        path: The bag.
        task: What it must be a recording of; None for the task that it names.

    Returns:
        The worst first; none for a sound bag.
    """
    try:
        bag = read_bag(path, (*EPISODE_TOPICS, Topic.STATE))
    except BagError as error:
        return [_bad(path, error, COPY_AGAIN)]
    findings: list[Finding] = []
    if task is None:
        task, unknown = _named_task(bag)
        findings += unknown
    try:
        findings += episode_of(bag, task).findings
    except OtherRecordingError as error:
        findings.append(_bad(path, error, "move it to the bags of its own task"))
    except (BagError, DatasetError) as error:
        advice = "leave it out, or record it again" if bag.problem is None else COPY_AGAIN
        findings.append(_bad(path, error, advice))
    findings += _states(bag)
    findings += _topics(path, topics_of(path))
    if path.is_dir() and not any(path.rglob("metadata.yaml")) and bag.problem is None:
        advice = "nothing needs to be done here; for ros2 bag: ros2 bag reindex"
        findings.append(Finding(Severity.NOTE, at(path), "metadata.yaml is missing", advice))
    return sorted(findings, key=lambda finding: -finding.severity)


def _bad(path: Path, error: Exception, advice: str) -> Finding:
    """An error that names its bag itself."""
    what = str(error).removeprefix(f"{path}: ").removeprefix(f"{path}, ")
    return Finding(Severity.BAD, at(path), what, advice)


def _named_task(bag: Bag) -> tuple[TaskSpec | None, list[Finding]]:
    name = bag.metadata.get("task")
    if name is None:
        what = "nothing in it says which task was recorded, so it is held against none"
        return None, [Finding(Severity.NOTE, at(bag.path), what, "say which: farl bags check --task TASK")]
    try:
        return load_task(name), []
    except TaskError:
        what = f"a recording of the task {name!r}, which is not among those of this machine"
        return None, [
            Finding(Severity.NOTE, at(bag.path), what, "give its file: farl bags check --task FILE.yaml")
        ]


def _states(bag: Bag) -> list[Finding]:
    """States that were not valid, or whose steps have gaps."""
    if Topic.STATE not in bag.recorded:
        return []
    where = at(bag.path, Topic.STATE)
    try:
        rows = read_columns(
            bag, Topic.STATE, ("header.stamp.sec", "header.stamp.nanosec", "step", "validity")
        )
    except BagError as error:
        return [_bad(bag.path, error, "leave it out, or record it again")]
    findings = []
    invalid = np.flatnonzero(rows["validity"])
    if len(invalid):
        bits = int(np.bitwise_or.reduce(rows["validity"][invalid]))
        words = {1: "stale", 2: "object lost", 4: "not finite"}
        said = ", ".join(word for bit, word in words.items() if bits & bit)
        first = int(rows["step"][invalid[0]])
        what = f"{len(invalid)} of {len(rows['step'])} states were not valid ({said}), first in step {first}"
        findings.append(Finding(Severity.NOTE, where, what, "look at the camera: farl perceive"))
    stamps = stamps_of(rows)
    twice = int((np.diff(np.sort(stamps)) == 0).sum())
    if twice:
        what = f"{twice} stamps came twice, expected each once"
        findings.append(Finding(Severity.NOTE, where, what, "is a second estimator or simulator running?"))
    return findings


def _topics(path: Path, topics: dict[str, TopicFacts]) -> list[Finding]:
    """Gaps on topics that come regularly: pictures, states of the arm."""
    findings = []
    for name, facts in sorted(topics.items()):
        if name in (*EPISODE_TOPICS, Topic.RECORDING, Topic.ACTION) or len(facts.gaps) < LEAST_FOR_GAPS:
            continue
        usual = float(np.median(facts.gaps))
        lost = [gap for gap in facts.gaps if usual > 0.0 and gap > LOST * usual]
        if lost:
            what = (
                f"{len(lost)} gaps in {facts.count} messages, the longest {max(lost) * 1e-9:.3f} s, expected "
                f"one every {usual * 1e-9:.3f} s"
            )
            advice = "messages were lost or late: record on a machine with less to do"
            findings.append(Finding(Severity.NOTE, at(path, name), what, advice))
    return findings
