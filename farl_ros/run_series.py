"""Figures over the course of a run, from the rows that every run writes anyway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farl_ros.run_records import EpisodeRecord


@dataclass(frozen=True)
class FlaggedShare:
    """Share of proposals that the shield flagged, in bins of agent steps.

    Attributes:
        steps: Middle of each bin [agent steps of the run], shape ``(B,)``.
        share: Shape ``(B,)``; NaN in a bin without a step.
    """

    steps: NDArray[np.float64]
    share: NDArray[np.float64]


def flagged_share(records: Sequence[EpisodeRecord], width: int) -> FlaggedShare:
    """p_risk(t) as a run with a shield sees it: swapped steps per step, from ``metrics/episodes.csv``.

    It uses the columns ``steps``, ``length`` and ``recovery_steps``; steps of an episode are spread evenly
    over its stretch of the run. The states are those that the *shielded* policy visits, recoveries included:
    not the theorem's ρ_π, which ``farl.correction`` measures. Without a shield all shares are 0.

    Args:
        records: Episodes in the order in which they ended.
        width: Of a bin [agent steps], at least 1.

    Raises:
        ValueError: The width is below 1.
    """
    if width < 1:
        raise ValueError(f"expected bins at least 1 agent step wide, got {width}")
    ends = np.array([0, *(r.steps for r in records)], np.float64)
    swapped = np.cumsum([0, *(r.recovery_steps for r in records)])
    edges = np.arange(0.0, ends[-1] + width, width)
    covered = np.diff(np.minimum(edges, ends[-1]))
    flagged = np.diff(np.interp(edges, ends, swapped))
    share = np.divide(flagged, covered, out=np.full(len(covered), np.nan), where=covered > 0.0)
    return FlaggedShare((edges[:-1] + np.minimum(edges[1:], ends[-1])) / 2.0, share)
