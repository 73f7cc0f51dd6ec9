"""How well predicted risk foretells failures on held-out demonstrations: samples, and figures."""

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

NEVER = 10**6
"""Steps to a failure that did not come."""

Counts = np.ndarray[tuple[int], np.dtype[np.int64]]
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True)
class RiskSamples:
    """Predicted risk and what came, per step of held-out episodes up to their first violation.

    Attributes:
        risk: ``(N,)``.
        steps_to_failure: Steps until the first violation, ``(N,)``; ``NEVER`` where none came.
        episode: Index of the episode, ``(N,)``, ascending.
    """

    risk: Array
    steps_to_failure: Counts
    episode: Counts


@dataclass(frozen=True)
class StepRisks:
    """The shield's predictions per look-ahead step and what came, per step as in ``RiskSamples``.

    Attributes:
        step_risk: ĉ_0 … ĉ_H, ``(N, H + 1)``.
        steps_to_failure: As in ``RiskSamples``, ``(N,)``.
        steps_seen: Steps that the episode goes on for after this one, ``(N,)``: what would have come later is
            not known.
        episode: Index of the episode, ``(N,)``, ascending.
    """

    step_risk: Array
    steps_to_failure: Counts
    steps_seen: Counts
    episode: Counts

    @property
    def horizon(self) -> int:
        """H [agent steps]."""
        return int(self.step_risk.shape[1]) - 1

    def looking(self, horizon: int, gamma: float, form: RiskForm) -> RiskSamples:
        """Risk as a shield sees it that looks ``horizon`` steps ahead, at most H.

        One roll-out serves all shorter ones: step k of a roll-out does not depend on how far it goes on.
        """
        risk = aggregate(self.step_risk[:, : horizon + 1], gamma, form)
        return RiskSamples(risk, self.steps_to_failure, self.episode)


def foretell(model: WorldModel, policy: FastPolicy, episodes: Sequence[Episode], horizon: int) -> StepRisks:
    """Ask the shield's question at every step of held-out episodes, with the action that was taken.

    Args:
        model: World model.
        policy: Task policy, whose mean acts from the second step of a roll-out on.
        episodes: Held-out demonstrations.
        horizon: H [agent steps].
    """
    rollout = FusedRollout(model, policy, horizon)
    risks, ahead, seen, index = [], [], [], []
    for i, e in enumerate(episodes):
        steps = up_to_violation(e)
        now = np.arange(steps)
        risks.append(rollout(e.observations[:steps], e.actions[:steps]))
        ahead.append(steps - 1 - now if e.failed else np.full(steps, NEVER))
        seen.append(len(e) - 1 - now)
        index.append(np.full(steps, i))
    return StepRisks(
        np.concatenate(risks), *(np.concatenate(x).astype(np.int64) for x in (ahead, seen, index))
    )


def up_to_violation(episode: Episode) -> int:
    """Number of steps up to and including the first violation; all of them where there is none."""
    return int(np.argmax(episode.costs > 0)) + 1 if episode.failed else len(episode)


@dataclass(frozen=True)
class Quality:
    """Figures at one threshold; a share of nothing is None.

    Attributes:
        threshold: ε_safe.
        precision: Share of flagged steps that are followed by a violation within ``window`` steps.
        recall: Share of such steps that are flagged.
        false_alarms: Share of the steps of episodes without any violation that are flagged.
        caught: Share of failing episodes that are flagged between ``window`` and ``lead`` steps before the
            violation.
        lead: Least useful warning [agent steps].
        window: Earliest flag that counts as foretelling the violation [agent steps].
        median_lead: Median time from the first flag in the window to the violation [agent steps].
        caught_by_chance: Share of equally long stretches of clean episodes with a flag in them: what
            ``caught`` would be of failures that come out of the blue.
    """

    threshold: float
    precision: float | None
    recall: float | None
    false_alarms: float | None
    caught: float | None
    lead: int
    window: int
    median_lead: float | None
    caught_by_chance: float | None


def share(part: Mask, whole: Mask) -> float | None:
    """Share of ``whole`` that is in ``part``."""
    return float((part & whole).sum() / whole.sum()) if whole.any() else None


def flags(samples: RiskSamples, threshold: float) -> Mask:
    """Where the shield would step in: ``not (risk <= threshold)``, as it decides itself."""
    return np.asarray(~(samples.risk <= threshold))


def first_flags(samples: RiskSamples, threshold: float, window: int) -> Counts:
    """Steps from the first flag in the window to the violation, per failing episode; -1 if there is none."""
    failing = samples.steps_to_failure < NEVER
    warned = np.where(
        flags(samples, threshold) & (samples.steps_to_failure <= window), samples.steps_to_failure, -1
    )[failing]
    episodes = samples.episode[failing]
    if not len(episodes):
        return np.empty(0, np.int64)
    starts = np.flatnonzero(np.diff(episodes, prepend=-1))
    return np.maximum.reduceat(warned, starts).astype(np.int64)


def quality(samples: RiskSamples, threshold: float, window: int, lead: int) -> Quality:
    """Count at one threshold."""
    flagged = flags(samples, threshold)
    positive = samples.steps_to_failure <= window
    never = samples.steps_to_failure == NEVER
    first = first_flags(samples, threshold, window)
    return Quality(
        threshold=threshold,
        precision=share(positive, flagged),
        recall=share(flagged, positive),
        false_alarms=share(flagged, never),
        caught=float((first >= lead).mean()) if len(first) else None,
        lead=lead,
        window=window,
        median_lead=float(np.median(first[first >= 0])) if (first >= 0).any() else None,
        caught_by_chance=_flagged_stretches(flagged[never], samples.episode[never], window - lead + 1),
    )


def _flagged_stretches(flagged: Mask, episode: Counts, length: int) -> float | None:
    """Share of stretches of ``length`` steps on end with a flag in them; shorter episodes have none."""
    if not 1 <= length <= len(flagged):
        return None
    so_far = np.concatenate([[0], np.cumsum(flagged)])
    within = episode[length - 1 :] == episode[: len(episode) - length + 1]
    return share((so_far[length:] - so_far[:-length]) > 0, within)
