"""Means over states that come in episodes, with standard errors that know it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number and how well it is known.

    Attributes:
        mean: The estimate; None where there was nothing to average.
        standard_error: Of the mean, from the spread between episodes; None with fewer than two episodes. A
            share of exactly 0 or 1 has standard error 0: ``count`` says how much it is worth.
        count: Samples behind it.
    """

    mean: float | None
    standard_error: float | None
    count: int


@dataclass(frozen=True)
class EpisodeMean:
    """A mean over samples of several episodes, and what each episode did to it.

    States of one episode resemble each other, so that the episode is the unit: the standard error is that of
    a ratio of two sums over independent episodes (linearised), with the C / (C − 1) correction for few.

    Attributes:
        mean: Σ samples / number of samples; NaN without any.
        influence: By how much each episode pulls the mean, shape ``(E,)``, scaled so that the sum of squares
            is the variance of the mean.
        count: Number of samples.
        clusters: Episodes that have samples.
    """

    mean: float
    influence: Floats = field(repr=False)
    count: int
    clusters: int

    @classmethod
    def of(cls, samples: ArrayLike, episodes: Sequence[int], total_episodes: int) -> Self:
        """Average samples, shape ``(N,)``; sample i is from episode ``episodes[i]`` of 0 … E − 1.

        Raises:
            ValueError: As many episode numbers as samples were expected.
        """
        values, numbers = np.asarray(samples, np.float64), np.asarray(episodes, np.int64)
        if values.shape != numbers.shape:
            raise ValueError(f"{values.size} samples with {numbers.size} episode numbers; expected as many")
        if not values.size:
            return cls(math.nan, np.zeros(total_episodes), 0, 0)
        mean = float(values.mean())
        pull = np.bincount(numbers, values - mean, total_episodes) / values.size
        clusters = len(np.unique(numbers))
        few = math.sqrt(clusters / (clusters - 1)) if clusters > 1 else 0.0
        return cls(mean, pull * few, values.size, clusters)

    def estimate(self) -> Estimate:
        """The mean and its standard error."""
        if not self.count:
            return Estimate(None, None, 0)
        error = float(np.sqrt(np.square(self.influence).sum())) if self.clusters > 1 else None
        return Estimate(self.mean, error, self.count)

    def complement(self) -> EpisodeMean:
        """1 − the mean."""
        return EpisodeMean(1.0 - self.mean, -self.influence, self.count, self.clusters)


def product(*factors: EpisodeMean) -> Estimate:
    """The product of means over the same episodes: first-order standard error, correlations included.

    Its count is that of the smallest factor; the mean is None where a factor has no samples.
    """
    count = min(f.count for f in factors)
    if count == 0:
        return Estimate(None, None, 0)
    influence = np.zeros_like(factors[0].influence)
    for i, factor in enumerate(factors):
        influence += factor.influence * math.prod(f.mean for j, f in enumerate(factors) if j != i)
    known = all(f.clusters > 1 for f in factors)
    error = float(np.sqrt(np.square(influence).sum())) if known else None
    return Estimate(math.prod(f.mean for f in factors), error, count)
