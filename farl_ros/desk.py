"""Where a recording session stands: which episode, what was said of it, how many there are of each kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path

from farl.types import EpisodeKind

DEMONSTRATED = (EpisodeKind.TASK, EpisodeKind.RECOVERY, EpisodeKind.FAILURE)
"""Kinds that people demonstrate; each has a folder of its name."""
_EPISODE = re.compile(r"episode_(\d{6})")
DISCARDED = "discarded"


class Phase(StrEnum):
    """What the session is doing."""

    IDLE = "idle"
    STARTING = "starting"  # the scene is being reset
    RUNNING = "running"
    ENDING = "ending"  # what is still on its way is written


@dataclass(frozen=True)
class Order:
    """One episode that somebody wants.

    Attributes:
        kind: What it is recorded for.
        folder: Where its bag goes.
        note: Who wants it, or why.
    """

    kind: EpisodeKind
    folder: Path
    note: str = ""


@dataclass
class Attempt:
    """The episode under way.

    Attributes:
        order: What was wanted.
        episode: Its number.
        steps: Steps so far.
        episode_return: Sum of their rewards.
        success: Whether it ended well.
        failed: Whether a failure happened in it, or was marked.
        marks: Failures that the person marked.
        discard: Whether its bag is to be set aside when it is closed.
        again: Whether the next one follows at once.
    """

    order: Order
    episode: int
    steps: int = 0
    episode_return: float = 0.0
    success: bool = False
    failed: bool = False
    marks: int = 0
    discard: bool = False
    again: bool = False

    @property
    def outcome(self) -> str:
        """How it went, in words."""
        ending = "success" if self.success else "no success"
        return f"{ending}, {'a failure' if self.failed else 'no failure'}, {self.steps} steps"


def folder_of(out: Path, kind: EpisodeKind) -> Path:
    """Where the bags of a kind go."""
    return out / kind.name.lower()


def counts(out: Path) -> Mapping[EpisodeKind, int]:
    """How many whole episodes of each kind a folder holds."""
    return {kind: len(_numbers(folder_of(out, kind))) for kind in DEMONSTRATED}


def next_number(folder: Path) -> int:
    """The lowest episode number above all that the folder has, cut-off ones included."""
    return max(_numbers(folder, whole=False), default=-1) + 1


def _numbers(folder: Path, whole: bool = True) -> list[int]:
    if not folder.is_dir():
        return []
    match = _EPISODE.fullmatch if whole else _EPISODE.match
    return [int(found[1]) for path in folder.iterdir() if (found := match(path.name))]


def set_aside(bag: Path) -> Path:
    """Put a bag where no reader takes it for one; nothing of it is lost.

    It goes to the folder ``discarded`` beside it, and its files get the ending ``.discarded``: who moves it
    back and takes the ending away has it back.

    Returns:
        Where it is now.
    """
    aside = bag.parent / DISCARDED
    aside.mkdir(exist_ok=True)
    target = next(path for n in count(1) if not (path := aside / f"{bag.name}-{n}").exists())
    for file in list(bag.iterdir()):
        file.rename(file.with_name(f"{file.name}.{DISCARDED}"))
    bag.rename(target)
    return target
