"""How well predicted risk foretells failures on held-out demonstrations, and the threshold that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from farl.datasets import Episode
from farl.fused import FusedRollout
from farl.policy import FastPolicy
from farl.risk import RiskForm, aggregate
from farl.types import Array
from farl.world_model import WorldModel

THRESHOLDS = (
    0.05,
    0.1,
    0.15,
    0.2,
    0.25,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.8,
    0.9,
    1.0,
    1.25,
    1.5,
    2.0,
    2.5,
    3.0,
    4.0,
    5.0,
)
"""Candidates for ε_safe; a discounted sum over H steps can exceed 1."""


@dataclass(frozen=True)
class RiskSamples:
    """Predicted risk and what came, per step of held-out episodes up to their first violation.

    Attributes:
        risk: ``(N,)``.
        steps_to_failure: Steps until the first violation, ``(N,)``; a large number where none came.
        episode: Index of the episode, ``(N,)``.
    """

    risk: Array
    steps_to_failure: np.ndarray[tuple[int], np.dtype[np.int64]]
    episode: np.ndarray[tuple[int], np.dtype[np.int64]]


NEVER = 10**6


def risk_samples(
    model: WorldModel,
    policy: FastPolicy,
    episodes: Sequence[Episode],
    horizon: int,
    gamma: float,
    form: RiskForm,
) -> RiskSamples:
    """Ask the shield's question at every step of held-out episodes, with the action that was taken."""
    rollout = FusedRollout(model, policy, horizon)
    risks, ahead, index = [], [], []
    for i, e in enumerate(episodes):
        violations = np.flatnonzero(e.costs > 0)
        steps = int(violations[0]) + 1 if len(violations) else len(e)
        risks.append(aggregate(rollout(e.observations[:steps], e.actions[:steps]), gamma, form))
        ahead.append(violations[0] - np.arange(steps) if len(violations) else np.full(steps, NEVER))
        index.append(np.full(steps, i))
    return RiskSamples(
        np.concatenate(risks), np.concatenate(ahead).astype(np.int64), np.concatenate(index).astype(np.int64)
    )


Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


def _share(part: Mask, whole: Mask) -> float:
    return float(part.sum() / whole.sum()) if whole.any() else float("nan")


@dataclass(frozen=True)
class Quality:
    """Figures at one threshold.

    Attributes:
        threshold: ε_safe.
        precision: Share of flagged steps that are followed by a violation within H steps.
        recall: Share of such steps that are flagged.
        false_alarms: Share of the steps of episodes without any violation that are flagged.
        caught: Share of failing episodes that are flagged between H and ``lead`` steps before the violation.
        lead: Least useful warning [agent steps].
        median_lead: Median time from the first flag within H steps of the violation to it [agent steps].
    """

    threshold: float
    precision: float
    recall: float
    false_alarms: float
    caught: float
    lead: int
    median_lead: float


def quality(samples: RiskSamples, threshold: float, horizon: int, lead: int) -> Quality:
    """Count at one threshold; shares of nothing are NaN."""
    flagged = ~(samples.risk <= threshold)
    positive = samples.steps_to_failure <= horizon
    never = samples.steps_to_failure == NEVER
    leads = []
    for episode in np.unique(samples.episode[samples.steps_to_failure < NEVER]):
        warned = samples.steps_to_failure[(samples.episode == episode) & flagged & positive]
        leads.append(int(warned.max()) if len(warned) else -1)
    first = np.array(leads)
    return Quality(
        threshold=threshold,
        precision=_share(flagged & positive, flagged),
        recall=_share(flagged & positive, positive),
        false_alarms=_share(flagged & never, never),
        caught=float((first >= lead).mean()) if len(first) else float("nan"),
        lead=lead,
        median_lead=float(np.median(first[first >= 0])) if (first >= 0).any() else float("nan"),
    )


def choose_threshold(
    samples: RiskSamples, horizon: int, lead: int, false_alarm_budget: float
) -> tuple[Quality, list[Quality]]:
    """The most sensitive threshold whose false alarms stay within a budget, and the curve it was chosen from.

    Args:
        samples: From held-out demonstrations, never from online counts.
        horizon: H [agent steps].
        lead: Least useful warning [agent steps].
        false_alarm_budget: Largest share of safe steps that may be flagged.
    """
    curve = [quality(samples, t, horizon, lead) for t in THRESHOLDS]
    within = [q for q in curve if q.false_alarms <= false_alarm_budget]
    return (within[0] if within else curve[-1]), curve
