"""What a check comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a check ended."""

    PASS = "pass"
    WARN = "warn"  # works, but not as well as it could
    FAIL = "fail"  # do not start
    SKIP = "skip"  # not needed


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table.

    Attributes:
        name: What was checked.
        outcome: How it ended.
        found: What is there.
        to_do: How to put it right; empty where nothing is to be done.
    """

    name: str
    outcome: Outcome
    found: str
    to_do: str = ""


def skipped(name: str) -> Check:
    """A check that a simulation does not need."""
    return Check(name, Outcome.SKIP, "not needed in simulation")
