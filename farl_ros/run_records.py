"""The figures of a run in memory: one record per episode, a histogram of latencies, a summary of all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from farl.types import ActionSource, Decision, Transition

_NAN = float("nan")


@dataclass(frozen=True)
class EpisodeRecord:
    """One finished episode, a row of ``metrics/episodes.csv``.

    Attributes:
        episode: Its number in the run.
        steps: Agent steps of the whole run when it was added.
        length: Its own agent steps.
        episode_return: Sum of its rewards.
        failed: Whether any step violated the failure set.
        success: Success at its end.
        interventions: Steps in which something else than the proposal was executed; in shadow mode, in which
            the arm is held still, those in which the shield would have swapped the action.
        recovery_steps: Steps that the recovery policy executed.
        mean_risk: Mean predicted risk; NaN without a shield.
        max_risk: Greatest predicted risk; NaN without a shield.
        shield_ms_p50: Median latency of the shield [ms]; NaN without a shield.
        shield_ms_max: Greatest latency of the shield [ms]; NaN without a shield.
        policy_version: Version that proposed its actions.
        wall_s: Running time of the whole run when it was added [s].
    """

    episode: int
    steps: int
    length: int
    episode_return: float
    failed: bool
    success: bool
    interventions: int
    recovery_steps: int
    mean_risk: float
    max_risk: float
    shield_ms_p50: float
    shield_ms_max: float
    policy_version: int
    wall_s: float

    @property
    def saved(self) -> bool:
        """Whether the shield intervened and nothing failed."""
        return self.interventions > 0 and not self.failed


def episode_record(
    transitions: Sequence[Transition], latencies_ms: Sequence[float], steps_before: int, wall_s: float
) -> EpisodeRecord:
    """Sum up a finished episode.

    Args:
        transitions: All its steps, at least one.
        latencies_ms: Of the shield's checks [ms]; empty without a shield.
        steps_before: Agent steps of the run before this episode was added.
        wall_s: Running time of the run [s].
    """
    risks = [t.risk for t in transitions if math.isfinite(t.risk)]
    last = transitions[-1]
    return EpisodeRecord(
        episode=last.episode,
        steps=steps_before + len(transitions),
        length=len(transitions),
        episode_return=math.fsum(t.reward for t in transitions),
        failed=any(t.cost > 0.0 for t in transitions),
        success=last.success,
        interventions=sum(t.intervened for t in transitions),
        recovery_steps=sum(t.source == ActionSource.RECOVERY for t in transitions),
        mean_risk=math.fsum(risks) / len(risks) if risks else _NAN,
        max_risk=max(risks, default=_NAN),
        shield_ms_p50=float(np.median(latencies_ms)) if latencies_ms else _NAN,
        shield_ms_max=max(latencies_ms, default=_NAN),
        policy_version=last.proposed.policy_version,
        wall_s=wall_s,
    )


def shield_latencies(decisions: Iterable[Decision]) -> list[float]:
    """Latencies [ms] of the checks that a shield made; a preset without one has none."""
    return [decision.latency_ms for decision in decisions if decision.model_hash]


class LatencyHistogram:
    """Counts of latencies in bins 2 % wide from 1 µs on: percentiles of any number of them, to 1 %."""

    _WIDTH = math.log(1.02)
    _LOWEST_MS = 1e-3

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: Counter[int] = Counter(counts)

    @classmethod
    def of(cls, latencies_ms: Iterable[float]) -> LatencyHistogram:
        """Count some [ms]."""
        ratios = (max(value / cls._LOWEST_MS, 1.0) for value in latencies_ms)
        return cls(Counter(math.floor(math.log(ratio) / cls._WIDTH) for ratio in ratios))

    def percentile(self, percent: float) -> float | None:
        """The latency [ms] that ``percent`` of all do not exceed; None if there is none."""
        wanted = math.ceil(self.counts.total() * percent / 100.0)
        seen = 0
        for bin_number in sorted(self.counts):
            seen += self.counts[bin_number]
            if seen >= wanted:
                return self._LOWEST_MS * math.exp((bin_number + 0.5) * self._WIDTH)
        return None

    def text(self) -> str:
        """The counts as ``bin:count`` separated by spaces."""
        return " ".join(f"{number}:{count}" for number, count in sorted(self.counts.items()))

    @classmethod
    def from_text(cls, text: str) -> LatencyHistogram:
        """Read what ``text`` wrote."""
        pairs = (entry.split(":") for entry in text.split())
        return cls({int(number): int(count) for number, count in pairs})


def summarise(records: Sequence[EpisodeRecord], latencies: LatencyHistogram) -> dict[str, Any]:
    """The figures for ``--json`` and the report; None where there is nothing to divide by, or no shield."""
    steps = sum(r.length for r in records)
    failures = sum(r.failed for r in records)
    wall_s = records[-1].wall_s if records else 0.0
    return {
        "steps": steps,
        "episodes": len(records),
        "failures": failures,
        "failures_per_1e6_steps": _ratio(failures * 1e6, steps),
        "failure_rate": _ratio(failures, len(records)),
        "success_rate": _ratio(sum(r.success for r in records), len(records)),
        "mean_return": _ratio(math.fsum(r.episode_return for r in records), len(records)),
        "interventions": sum(r.interventions for r in records),
        "recovery_share": _ratio(sum(r.recovery_steps for r in records), steps),
        "steps_per_second": _ratio(steps, wall_s),
        "shield_ms_p50": latencies.percentile(50.0),
        "shield_ms_p99": latencies.percentile(99.0),
    }


def _ratio(amount: float, whole: float) -> float | None:
    return amount / whole if whole > 0 else None
