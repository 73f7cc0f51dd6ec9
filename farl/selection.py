"""How far the shield looks ahead, how it discounts, and its threshold: chosen on held-out demonstrations.

Never on online counts: those are what the shield is judged by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from farl.calibration import NEVER, Mask, Quality, RiskSamples, StepRisks, quality
from farl.intervals import Interval, wilson
from farl.models import ModelError
from farl.risk import RiskForm
from farl.types import Array

HORIZONS = (5, 8, 10, 15, 20)
"""Candidates for H [agent steps]."""
GAMMAS = (0.9, 0.95, 1.0)
"""Candidates for γ_risk."""  # noqa: RUF001
THRESHOLDS = (
    *(0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    *(1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0),
)
"""Candidates for ε_safe; a discounted sum over H steps can exceed 1."""
BUDGET_SHARES = (1.0, 0.8, 0.6, 0.4, 0.2, 0.1)
"""Further candidates spend these shares of the false-alarm budget: where risk is nearly binary, or beyond
``THRESHOLDS``, the fixed ones lie all on one side."""
FOLDS = 5

Table = np.ndarray[tuple[int, int], np.dtype[np.int64]]
CARD_KEY = "choice"


@dataclass(frozen=True)
class Curve:
    """One pair of H and γ_risk over all thresholds, the points that another one beats in both left out.

    Attributes:
        horizon: H [agent steps].
        gamma: γ_risk.
        thresholds: Ascending.
        caught: Share of failing episodes flagged in time, per threshold.
        false_alarms: Share of the steps of clean episodes flagged, per threshold.
    """

    horizon: int
    gamma: float
    thresholds: tuple[float, ...]
    caught: tuple[float, ...]
    false_alarms: tuple[float, ...]


@dataclass(frozen=True)
class CrossValidation:
    """The choice made without an episode, counted on that episode: free of the best candidate's luck.

    Attributes:
        folds: Number of parts that the episodes were divided into.
        held: Share of the last steps before violations flagged.
        caught: Share of failing episodes flagged in time.
        false_alarms: Share of the steps of clean episodes flagged.
    """

    folds: int
    held: float
    caught: float
    false_alarms: float


@dataclass(frozen=True)
class Choice:
    """What was chosen, from what, and how sure that is.

    Attributes:
        horizon: H [agent steps].
        gamma: γ_risk.
        figures: Threshold, and figures at it.
        held: Share of the last ``lead`` steps before violations flagged.
        fits: Whether it catches a failure within the false-alarm budget; no candidate does otherwise.
        false_alarm_budget: Largest share of the steps of clean episodes that may be flagged.
        failing: Held-out episodes with a failure.
        clean: Held-out episodes without.
        caught_interval: Of ``figures.caught``.
        clean_flagged: Clean episodes with at least one false alarm.
        cross_validation: None with fewer than two failing or two clean episodes.
        curves: One per H and γ_risk.
    """

    horizon: int
    gamma: float
    figures: Quality
    held: float
    fits: bool
    false_alarm_budget: float
    failing: int
    clean: int
    caught_interval: Interval
    clean_flagged: int
    cross_validation: CrossValidation | None
    curves: tuple[Curve, ...]

    @property
    def threshold(self) -> float:
        """ε_safe."""
        return self.figures.threshold

    def to_json(self) -> dict[str, Any]:
        """In plain JSON types, for the model card."""
        return asdict(self)

    @staticmethod
    def of_card(card: Mapping[str, Any]) -> Choice:
        """Read the choice from a model card.

        Raises:
            ModelError: The card has none, or not a whole one.
        """
        if CARD_KEY not in card:
            raise ModelError(
                f"the model card does not say how H, discount and threshold were chosen (no {CARD_KEY!r}): "
                "it is older than that, or made by hand; train again (farl offline)"
            )
        try:
            return TypeAdapter(Choice).validate_python(card[CARD_KEY])
        except ValidationError as error:
            raise ModelError(f"{CARD_KEY!r} in the model card is damaged: {error}; train again") from error


@dataclass(frozen=True)
class _Tally:
    """Counts per held-out episode and threshold, ``(E, T)`` each, of one pair of H and γ_risk."""

    horizon: int
    gamma: float
    thresholds: Array
    flagged: Table
    foretelling: Table
    in_time: Table
    late: Table
    late_steps: Table

    def points(self, chosen: Mask, failing: Mask, steps: Table) -> list[_Point]:
        """One candidate per threshold, counted on the chosen episodes."""
        clean, flagged = chosen & ~failing, self.flagged[chosen].sum(0)
        caught = self.in_time[chosen & failing].mean(0)
        held = self.late[chosen & failing].sum(0) / np.maximum(self.late_steps[chosen & failing].sum(), 1)
        false = self.flagged[clean].sum(0) / steps[clean].sum()
        precision = self.foretelling[chosen].sum(0) / np.maximum(flagged, 1)
        return [
            _Point(self, i, float(held[i]), float(caught[i]), float(false[i]), float(precision[i]))
            for i in range(len(self.thresholds))
        ]


@dataclass(frozen=True)
class _Point:
    tally: _Tally
    index: int
    held: float
    caught: float
    false_alarms: float
    precision: float

    @property
    def threshold(self) -> float:
        return round(float(self.tally.thresholds[self.index]), 4)

    def fits(self, budget: float) -> bool:
        return self.caught > 0 and self.false_alarms <= budget

    def merit(self, budget: float) -> tuple[float, ...]:
        """Greatest is best: held, caught, precision, short H; where none fits, few false alarms above all."""
        if self.fits(budget):
            good = (self.held, self.caught, self.precision)
            return (2.0, *good, -self.tally.horizon, self.threshold, self.tally.gamma)
        return (float(self.caught > 0), -self.false_alarms, self.caught, -self.tally.horizon)


def horizons_up_to(longest: int, lead: int) -> tuple[int, ...]:
    """Candidates for H from the least useful warning to the longest look-ahead, which is always one."""
    return tuple(sorted({h for h in HORIZONS if lead <= h < longest} | {longest}))


def choose(foretold: StepRisks, lead: int, false_alarm_budget: float) -> Choice:
    """Choose H, γ_risk and ε_safe for the plain discounted sum.

    Taken is, among the candidates within the false-alarm budget, the one that flags most of the last ``lead``
    steps before the violations: a shield that lets go in between gives the arm back to the policy that was
    about to fail. Of equal ones the one that flags more episodes at least ``lead`` steps ahead, then the more
    precise, then the one with the shorter H. A flag counts from the longest H on, for all candidates alike.

    Args:
        foretold: From held-out demonstrations, rolled out over the longest H.
        lead: Least useful warning [agent steps].
        false_alarm_budget: Largest share of the steps of episodes without a failure that may be flagged.

    Raises:
        ValueError: There is no failing or no clean episode among them.
    """
    starts = np.flatnonzero(np.diff(foretold.episode, prepend=-1))
    failing: Mask = foretold.steps_to_failure[starts] < NEVER
    if not failing.any() or failing.all():
        raise ValueError(
            f"{int(failing.sum())} of {len(failing)} held-out episodes fail; expected some that do and some "
            "that do not: record more failure demonstrations"
        )
    steps = np.diff(np.append(starts, len(foretold.episode)))[:, None]
    tallies = [
        _tally(foretold, horizon, gamma, lead, false_alarm_budget)
        for horizon in horizons_up_to(foretold.horizon, lead)
        for gamma in GAMMAS
    ]

    def best(episodes: Mask) -> _Point:
        points = (p for t in tallies for p in t.points(episodes, failing, steps))
        return max(points, key=lambda p: p.merit(false_alarm_budget))

    everything = np.ones(len(failing), bool)
    point = best(everything)
    samples = foretold.looking(point.tally.horizon, point.tally.gamma, RiskForm.DISCOUNTED_SUM)
    caught = point.tally.in_time[failing, point.index]
    return Choice(
        horizon=point.tally.horizon,
        gamma=point.tally.gamma,
        figures=quality(samples, point.threshold, foretold.horizon, lead),
        held=point.held,
        fits=point.fits(false_alarm_budget),
        false_alarm_budget=false_alarm_budget,
        failing=int(failing.sum()),
        clean=int((~failing).sum()),
        caught_interval=wilson(int(caught.sum()), len(caught)),
        clean_flagged=int((point.tally.flagged[~failing, point.index] > 0).sum()),
        cross_validation=_cross_validate(best, failing, steps),
        curves=tuple(_curve(t.points(everything, failing, steps)) for t in tallies),
    )


def _tally(foretold: StepRisks, horizon: int, gamma: float, lead: int, budget: float) -> _Tally:
    samples = foretold.looking(horizon, gamma, RiskForm.DISCOUNTED_SUM)
    risk = np.where(np.isnan(samples.risk), np.inf, samples.risk)  # not a number counts as unsafe
    thresholds = _thresholds(samples, budget)
    flagged = risk[:, None] > thresholds
    ahead = samples.steps_to_failure[:, None]
    foretelling = flagged & (ahead <= foretold.horizon)
    starts = np.flatnonzero(np.diff(samples.episode, prepend=-1))

    def per_episode(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> Table:
        return np.asarray(np.add.reduceat(mask.astype(np.int64), starts, axis=0))

    in_time = (per_episode(foretelling & (ahead >= lead)) > 0).astype(np.int64)
    late = ahead <= lead
    return _Tally(
        horizon=horizon,
        gamma=gamma,
        thresholds=thresholds,
        flagged=per_episode(flagged),
        foretelling=per_episode(foretelling),
        in_time=in_time,
        late=per_episode(flagged & late),
        late_steps=per_episode(late),
    )


def _thresholds(samples: RiskSamples, budget: float) -> Array:
    clean = samples.risk[samples.steps_to_failure == NEVER]
    clean = clean[np.isfinite(clean)]
    levels = 1.0 - budget * np.array(BUDGET_SHARES)
    spent = np.quantile(clean, levels, method="higher") if len(clean) else np.empty(0)
    rounded = np.ceil(spent * 1e4) / 1e4  # upwards: within the budget, and legible
    return np.unique([*THRESHOLDS, *rounded[rounded > min(THRESHOLDS)]]).astype(np.float32)


def _curve(points: Sequence[_Point]) -> Curve:
    frontier = list(_frontier(points))
    return Curve(
        points[0].tally.horizon,
        points[0].tally.gamma,
        tuple(round(p.threshold, 4) for p in frontier),
        tuple(round(p.caught, 4) for p in frontier),
        tuple(round(p.false_alarms, 4) for p in frontier),
    )


def _frontier(points: Sequence[_Point]) -> Iterable[_Point]:
    """Of the points that catch the same share the one with the largest threshold, the fewest false alarms."""
    for point, following in zip(points, [*points[1:], None], strict=True):
        if following is None or following.caught < point.caught:
            yield point


def _cross_validate(best: Callable[[Mask], _Point], failing: Mask, steps: Table) -> CrossValidation | None:
    folds = int(min(FOLDS, failing.sum(), (~failing).sum()))
    if folds < 2:
        return None
    fold = np.empty(len(failing), np.int64)
    for kind in (failing, ~failing):
        fold[kind] = np.arange(kind.sum()) % folds
    late = late_steps = caught = flagged = 0
    for k in range(folds):
        point = best(fold != k)
        late += int(point.tally.late[(fold == k) & failing, point.index].sum())
        late_steps += int(point.tally.late_steps[(fold == k) & failing].sum())
        caught += int(point.tally.in_time[(fold == k) & failing, point.index].sum())
        flagged += int(point.tally.flagged[(fold == k) & ~failing, point.index].sum())
    return CrossValidation(
        folds=folds,
        held=late / max(late_steps, 1),
        caught=caught / int(failing.sum()),
        false_alarms=flagged / int(steps[~failing].sum()),
    )
