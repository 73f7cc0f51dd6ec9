"""A threshold that misses at most a stated share of failures: split conformal, with its finite-sample rank.

Of n failing episodes that nothing was fitted to, each has a score: the highest risk that was foretold in the
time in which a flag is of use. A threshold just below the k-th smallest of these misses a further,
exchangeable failure with a probability of at most k / (n + 1), whatever the scores' distribution (Vovk,
Gammerman, Shafer: Algorithmic Learning in a Random World, 2005; Angelopoulos and Bates, arXiv 2107.07511,
section 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from farl.calibration import NEVER, RiskSamples
from farl.datasets import DatasetError
from farl.types import Array

DIGITS = 4
"""Significant digits of a threshold; it is rounded down, so that it flags more."""
CONFIDENCE = 0.95


class ConformalError(DatasetError):
    """There is no threshold with the guarantee that was asked for; the message says what it would take."""


@dataclass(frozen=True)
class ConformalThreshold:
    """A threshold and what it promises.

    Attributes:
        threshold: ε_safe.
        asked: Miss rate that was asked for.
        miss_rate: Bound on the probability to miss a new failure, k / (n + 1), over new episodes and
            over drawings of the n alike.
        miss_rate_sure: Bound on the same for these very n: it holds for ``CONFIDENCE`` of all drawings of
            them.
        failures: n, failing episodes that it was set on.
        rank: k.
    """

    threshold: float
    asked: float
    miss_rate: float
    miss_rate_sure: float
    failures: int
    rank: int


def failures_needed(miss_rate: float) -> int:
    """The least n for which there is a threshold: 1 / (n + 1) must not exceed the miss rate.

    Raises:
        ConformalError: The rate is none.
    """
    if not 0.0 < miss_rate < 1.0:
        raise ConformalError(f"miss rate {miss_rate:g}: expected a share between 0 and 1, both left out")
    n = max(1, math.ceil(1.0 / miss_rate) - 2)
    while _rank(miss_rate, n) < 1:
        n += 1
    return n


def scores(samples: RiskSamples, lead: int, window: int) -> Array:
    """The highest risk from ``window`` to ``lead`` steps before the failure, per failing episode, ``(n,)``.

    A failure is caught in time at a threshold if its score exceeds it: what ``farl.calibration.Quality``
    calls caught. A failure sooner than ``lead`` steps after the start has -inf: no threshold catches it in
    time. A risk that is not a number counts as unsafe, and is +inf.

    Args:
        samples: Of episodes up to their failures.
        lead: Least useful warning [agent steps].
        window: Earliest flag that counts as foretelling the failure [agent steps].
    """
    failing = samples.steps_to_failure < NEVER
    ahead, episode = samples.steps_to_failure[failing], samples.episode[failing]
    risk = np.where(np.isnan(samples.risk), np.inf, samples.risk)[failing]
    useful = np.where((lead <= ahead) & (ahead <= window), risk, -np.inf)
    if not len(episode):
        return np.empty(0, np.float32)
    starts = np.flatnonzero(np.diff(episode, prepend=-1))
    return np.maximum.reduceat(useful, starts).astype(np.float32)


def conformal_threshold(failing: Array, miss_rate: float) -> ConformalThreshold:
    """The largest threshold that misses a new failure with a probability of at most ``miss_rate``.

    Args:
        failing: Scores of failing episodes that nothing was fitted to, shape ``(n,)``.
        miss_rate: Between 0 and 1.

    Raises:
        ConformalError: There are too few of them for that rate, or too many happen too soon to be foretold.
    """
    n, needed = len(failing), failures_needed(miss_rate)
    if n < needed:
        raise ConformalError(
            f"{n} failing episodes do not suffice for a miss rate of {miss_rate:g}: at least {needed} are "
            f"needed (1 / (n + 1) must not exceed it); record {needed - n} more, or ask for "
            f"{math.ceil(1e3 / (n + 1)) / 1e3:g}"
        )
    rank = _rank(miss_rate, n)
    score = float(np.sort(failing)[rank - 1])
    if score == -math.inf:
        raise ConformalError(
            f"{int(np.isneginf(failing).sum())} of {n} failures happen too soon to be flagged in time: no "
            f"threshold misses at most {miss_rate:g} of them; record longer episodes, or ask for a shorter "
            "warning (shield.lead in the task's file)"
        )
    return ConformalThreshold(
        threshold=_just_below(score),
        asked=miss_rate,
        miss_rate=rank / (n + 1),
        miss_rate_sure=sure_bound(n, rank),
        failures=n,
        rank=rank,
    )


def sure_bound(n: int, rank: int, confidence: float = CONFIDENCE) -> float:
    """Quantile of the miss rate over drawings of the n: it is at most Beta(k, n + 1 - k) distributed.

    P(Beta(k, n + 1 - k) <= x) = P(Binomial(n, x) >= k) (Vovk, arXiv 1209.2673).
    """
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        enough = _at_least(rank, n, middle) >= confidence
        low, high = (low, middle) if enough else (middle, high)
    return high


def _at_least(k: int, n: int, p: float) -> float:
    """P(Binomial(n, p) >= k) for 0 < p < 1, in logarithms: the coefficients of large n are no floats."""
    whole = math.lgamma(n + 1)
    terms = (
        whole - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * math.log(p) + (n - i) * math.log1p(-p)
        for i in range(k)
    )
    return 1.0 - math.fsum(math.exp(term) for term in terms)


def missed(failing: Array, threshold: float) -> float:
    """Share of failing episodes that are not flagged in time at a threshold.

    Args:
        failing: Their scores, shape ``(n,)``, at least one.
        threshold: ε_safe.
    """
    return float((failing <= threshold).mean())


def _rank(miss_rate: float, n: int) -> int:
    """The largest k with k / (n + 1) <= miss rate, in exact terms: 0.05 · 20 is 1."""
    k = math.floor(miss_rate * (n + 1) + 1e-9)
    return min(k, n)


def _just_below(score: float) -> float:
    """The largest number of ``DIGITS`` digits below a score; risks are compared as 32-bit floats."""
    if score == math.inf:
        return float(np.finfo(np.float32).max)
    below = float(np.nextafter(np.float32(score), np.float32(-np.inf)))
    if below == 0.0:
        return below
    scale = 10.0 ** (DIGITS - 1 - math.floor(math.log10(abs(below))))
    rounded = math.floor(below * scale) / scale
    return rounded if np.float32(rounded) < np.float32(score) else below
