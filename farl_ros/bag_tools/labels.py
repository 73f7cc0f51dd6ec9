"""Labels given afterwards: what an episode was recorded for, how it ended, in which steps it failed.

They stand in a file beside the recording, never in it: ``labels.jsonl`` in the bag's folder, one JSON object
a line, only ever appended to. So nothing recorded is touched, let alone lost; who changed what, when and why
stays; the original comes back with ``undo``; and a recording that was cut off can be labelled too. The
alternative, a new bag that takes the old one's place, would write every byte again and need two names to
change at once.

A line counts once its line break is on the disk: a process killed while it writes leaves the labels from
before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, ValidationError

from farl.datasets import Episode
from farl.types import EpisodeKind
from farl_ros.bag_writer import BagError
from perception.strict_model import StrictModel, problems

FILE = "labels.jsonl"
Step = Annotated[int, Field(ge=0)]


class Outcome(StrEnum):
    """How an episode ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    ABORTED = "aborted"


class _Line(StrictModel):
    """One line of the file; None leaves a field as it was."""

    given: str
    by: str
    note: str = ""
    kind: str | None = None
    outcome: Annotated[Outcome | None, Field(strict=False)] = None
    failing_steps: Annotated[tuple[Step, ...] | None, Field(strict=False)] = None
    undo: bool = False


@dataclass(frozen=True)
class Label:
    """What is to be believed instead of the recording; None where the recording is right.

    Attributes:
        kind: What the episode was recorded for.
        outcome: How it ended.
        failing_steps: Numbers of all steps that violate the failure set, as the transitions count them.
    """

    kind: EpisodeKind | None = None
    outcome: Outcome | None = None
    failing_steps: tuple[int, ...] | None = None

    def over(self, earlier: Label) -> Label:
        """Both labels; where they differ, this one."""
        return Label(
            earlier.kind if self.kind is None else self.kind,
            earlier.outcome if self.outcome is None else self.outcome,
            earlier.failing_steps if self.failing_steps is None else self.failing_steps,
        )

    @property
    def changes(self) -> dict[str, Any]:
        """What it says, in plain JSON types."""
        steps = self.failing_steps
        said = {
            "kind": None if self.kind is None else self.kind.name,
            "outcome": None if self.outcome is None else self.outcome.value,
            "failing_steps": None if steps is None else list(steps),
        }
        return {key: value for key, value in said.items() if value is not None}


def labels_file(bag: Path) -> Path:
    """Where the labels of a bag are, given its folder or its one file."""
    return bag / FILE if bag.is_dir() else bag.with_name(f"{bag.name}.{FILE}")


def read_label(bag: Path) -> Label | None:
    """What was said of a bag afterwards; None if nothing was, or all of it was taken back.

    Raises:
        BagError: The file holds something else than labels.
    """
    file = labels_file(bag)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BagError(f"{file}: cannot be read ({error}); expected one label a line") from error
    label = Label()
    for number, line in enumerate(
        text.split("\n")[:-1], start=1
    ):  # what has no line break was never finished
        said = _parsed(line, f"{file}, line {number}")
        label = Label() if said.undo else _label(said, f"{file}, line {number}").over(label)
    return None if label == Label() else label


def add_label(bag: Path, label: Label | None, by: str, given: str, note: str = "") -> None:
    """Say something of a bag; on the disk when this returns.

    Args:
        bag: Its folder or file.
        label: What is to be believed from now on; None to believe the recording again.
        by: Who says so.
        given: When, ISO 8601.
        note: Why.

    Raises:
        BagError: There is no such bag, or the file cannot be written.
    """
    if not bag.exists():
        raise BagError(f"{bag}: no such bag to label; see farl bags ls")
    changes: Mapping[str, Any] = {"undo": True} if label is None else label.changes
    line = json.dumps({"given": given, "by": by, "note": note, **changes})
    file = labels_file(bag)
    try:
        with file.open("a+b") as stream:
            if _unfinished(stream.seek(0, os.SEEK_END), file):
                line = f"\n{line}"
            stream.write(f"{line}\n".encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise BagError(
            f"{file}: cannot be written ({error.strerror}); the labels are as they were"
        ) from error


def labelled(episode: Episode, first_step: int, label: Label | None) -> Episode:
    """The episode as the label says that it was.

    An outcome of success ends it by itself, every other one by a cut. A failure without a step of its own,
    neither recorded nor said, is that of the last step. Observations, actions and rewards stay.

    Args:
        episode: As recorded.
        first_step: Number of its first step.
        label: What is to be believed instead; None for the recording.

    Raises:
        BagError: It names steps that the episode does not have.
    """
    if label is None:
        return episode
    steps, costs = len(episode), episode.costs
    if label.failing_steps is not None:
        costs = np.zeros(steps, np.float32)
        strays = [n for n in label.failing_steps if not first_step <= n < first_step + steps]
        if strays:
            name = episode.metadata.get("source", f"episode {episode.episode}")
            raise BagError(
                f"{name}: labelled as failing in step {strays[0]}, but its steps are {first_step} to "
                f"{first_step + steps - 1}; label it again (farl bags label)"
            )
        costs[[n - first_step for n in label.failing_steps]] = 1.0
    changes: dict[str, Any] = {"costs": costs}
    if label.kind is not None:
        changes["kind"] = label.kind
    if label.outcome is not None:
        success = label.outcome == Outcome.SUCCESS
        changes |= {"success": success, "terminated": success, "truncated": not success}
        if label.outcome == Outcome.FAILURE and not costs.any():
            costs = changes["costs"] = costs.copy()
            costs[-1] = 1.0
    said = {"label": json.dumps(label.changes)}
    if label.outcome == Outcome.ABORTED:
        said["aborted"] = "true"
    return replace(episode, **changes, metadata={**episode.metadata, **said})


def history(bag: Path) -> Sequence[str]:
    """Every label that a bag was given, a line of JSON each, oldest first."""
    file = labels_file(bag)
    return file.read_text(encoding="utf-8").split("\n")[:-1] if file.is_file() else ()


def _parsed(line: str, where: str) -> _Line:
    try:
        return _Line.model_validate(json.loads(line) if line else {"given": "", "by": ""})
    except ValidationError as error:
        raise BagError(f"{where}: not a label:\n  {problems(error)}") from error
    except ValueError:
        return _Line(given="", by="")  # the torn end of a process that was killed, closed by the next one


def _label(said: _Line, where: str) -> Label:
    if said.kind is not None and said.kind not in EpisodeKind.__members__:
        kinds = ", ".join(EpisodeKind.__members__)
        raise BagError(f"{where}: kind {said.kind!r}; expected one of {kinds}")
    kind = None if said.kind is None else EpisodeKind[said.kind]
    return Label(kind, said.outcome, said.failing_steps)


def _unfinished(size: int, file: Path) -> bool:
    """Whether the last line was cut off."""
    if size == 0:
        return False
    with file.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) != b"\n"
