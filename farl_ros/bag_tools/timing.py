"""Whether the steps of a recording came when they were due: dropped and late frames, clocks that go back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farl_ros.bag_tools.findings import Finding, Severity, at
from farl_ros.messages import Topic

LATE = 1.5
"""A step that comes after so many control periods is late."""
LOST = 2.5
"""After so many, at least one frame was lost: the step in the recording was longer than the task's."""
LATE_SHARE = 0.05
"""With more than this share of late steps, a recording did not run at the rate of its task."""
Stamps = NDArray[np.int64]


def stamps_of(rows: Mapping[str, NDArray[Any]], prefix: str = "header.stamp") -> Stamps:
    """Stamps [ns], shape ``(N,)``, from the columns ``<prefix>.sec`` and ``<prefix>.nanosec``."""
    seconds = rows[f"{prefix}.sec"].astype(np.int64)
    return seconds * 1_000_000_000 + rows[f"{prefix}.nanosec"].astype(np.int64)


def timing_findings(bag: Path, stamps: Stamps, steps: NDArray[Any], rate: float) -> list[Finding]:
    """Judge when the steps came.

    Args:
        bag: Whose they are.
        stamps: Of the states that the steps start in [ns], shape ``(N,)``.
        steps: Their numbers, shape ``(N,)``.
        rate: Steps per second of the task [Hz].
    """
    where, gaps = at(bag, Topic.TRANSITION), np.diff(stamps) * 1e-9 * rate
    if not len(gaps):
        return []
    findings = []
    back = np.flatnonzero(gaps <= 0.0)
    if len(back):
        n = int(back[0])
        findings.append(
            Finding(
                Severity.SUSPICIOUS,
                where,
                f"step {int(steps[n + 1])} is stamped {-gaps[n] / rate:.3f} s before the step in front of it "
                f"({len(back)} of {len(gaps)} stamps do not increase)",
                "the clock was set while recording: record it again",
            )
        )
    late, worst = int((gaps > LATE).sum()), int(gaps.argmax())
    if late:
        lost = int((gaps > LOST).sum())
        heavy = lost > 0 or late > LATE_SHARE * len(gaps)
        findings.append(
            Finding(
                Severity.SUSPICIOUS if heavy else Severity.NOTE,
                where,
                f"{late} of {len(gaps)} steps came late, {lost} of them with frames lost; the longest took "
                f"{gaps[worst] / rate:.3f} s (step {int(steps[worst])}), expected {1.0 / rate:.3f} s",
                "record it again on a machine with less to do" if heavy else "nothing needs to be done",
            )
        )
    return findings


def dropped_finding(bag: Path, metadata: Mapping[str, str]) -> list[Finding]:
    """What the recorder itself says that it could not write."""
    findings = []
    for key, what, severity, advice in (
        (
            "dropped_messages",
            "messages",
            Severity.SUSPICIOUS,
            "record it again, on a faster disk or without images",
        ),
        ("dropped_pictures", "pictures", Severity.NOTE, "nothing but the pictures is missing"),
    ):
        count = metadata.get(key, "0")
        if count != "0":
            said = f"the recorder dropped {count} {what}, expected none"
            findings.append(Finding(severity, at(bag), said, advice))
    return findings


def damage_finding(bag: Path, problem: str | None) -> list[Finding]:
    """What stopped the reading before the end: a recording that was cut off is sound up to there."""
    if problem is None:
        return []
    if problem.endswith("ends before its footer"):
        advice = "the steps in front of it are used; nothing needs to be done"
        return [Finding(Severity.NOTE, at(bag), f"{problem}: the recording was cut off", advice)]
    advice = "copy the bag again from where it was recorded; the steps in front of the damage can be read"
    return [Finding(Severity.SUSPICIOUS, at(bag), problem, advice)]
