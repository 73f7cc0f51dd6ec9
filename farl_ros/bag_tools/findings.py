"""What can be wrong with a bag, in one form: where, what was expected, what came, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


class Severity(IntEnum):
    """What a finding means for training."""

    NOTE = 0  # the bag is used: nothing in it is wrong, but something is missing
    SUSPICIOUS = 1  # refused unless --force insists: the numbers may mean something else than they seem to
    BAD = 2  # never used: there are no numbers, or they are wrong


@dataclass(frozen=True)
class Finding:
    """One thing.

    Attributes:
        severity: What it means for training.
        where: Bag, and the topic or file in it.
        what: What came instead of what was expected.
        advice: What to do.
    """

    severity: Severity
    where: str
    what: str
    advice: str

    def __str__(self) -> str:
        """One line."""
        what = " ".join(self.what.split())
        return f"{self.severity.name.lower()}: {self.where}: {what}; {self.advice}"


def at(bag: Path, topic: str | None = None) -> str:
    """Where something was found."""
    return str(bag) if topic is None else f"{bag}, topic {topic}"
