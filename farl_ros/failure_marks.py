"""FAILED events as costs: a failure that somebody marked afterwards falls into the step of its stamp."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from farl.types import Array
from farl_ros.messages import Event, Message


def failed_ns(events: Sequence[Message]) -> list[int]:
    """Stamps of the FAILED events [ns]."""
    stamps = [event.header.stamp for event in events if event.event == Event.FAILED]
    return [stamp.sec * 1_000_000_000 + stamp.nanosec for stamp in stamps]


def marked(stamps_ns: NDArray[np.int64], costs: Array, failures_ns: Sequence[int]) -> Array:
    """Costs ``(T,)`` in which the steps that FAILED events fall into cost 1.

    The events of a failure predicate and of an arm's fault have the stamp of a step that costs 1 already; a
    person's "failed just now" is back-dated by the reaction time.

    Args:
        stamps_ns: When each step began [ns], shape ``(T,)``, increasing.
        costs: As recorded.
        failures_ns: Stamps of the events [ns]; what lies outside of the episode counts for its nearest step.
    """
    if not failures_ns or not len(costs):
        return costs
    steps = np.searchsorted(stamps_ns, np.asarray(failures_ns, np.int64), side="right") - 1
    with_marks = costs.copy()
    with_marks[np.maximum(steps, 0)] = 1.0
    return with_marks
