"""How good a world model is on held-out episodes: its errors against the horizon, and its predicted failures.

Predicted failures come from the shield's own roll-out: the logged action first, then the task policy's mean.
What came of them was logged with exploration noise, so even a perfect model would not be perfectly reliable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from farl.calibration import NEVER, Mask, StepRisks, first_flags, flags, share
from farl.datasets import Episode
from farl.files import FileError
from farl.prediction_errors import Dynamics, ErrorCurve, Field, prediction_errors
from farl.risk import RiskForm, aggregate

CERTAIN = 0.5
"""A failure within k steps counts as predicted where its probability exceeds this."""
BINS = 10


@dataclass(frozen=True)
class Foresight:
    """Predicted failures within k steps; a share of nothing is None.

    A step counts where the episode goes on for k more steps, or fails within them.

    Attributes:
        steps: k [agent steps].
        precision: Share of predicted failures that came.
        recall: Share of failures that were predicted.
        predicted: Number of predicted failures.
        came: Number of failures that came.
        flagged: Share of the states exactly k steps before a violation in which the chosen shield steps in.
        states: Number of such states.
    """

    steps: int
    precision: float | None
    recall: float | None
    predicted: int
    came: int
    flagged: float | None
    states: int


@dataclass(frozen=True)
class ReliabilityBin:
    """States with a similar predicted probability of failing within H: mean prediction, and what came."""

    predicted: float
    observed: float
    count: int


@dataclass(frozen=True)
class Reliability:
    """Predicted probability of a failure within H steps against its frequency.

    Attributes:
        horizon: H [agent steps].
        bins: Ten equally wide ones over [0, 1]; empty ones left out.
        brier: Mean squared error of the probability (Brier 1950).
        brier_of_rate: Brier score of always predicting the overall frequency.
        expected_error: Expected calibration error: mean |predicted − observed| over bins, by count.
    """

    horizon: int
    bins: tuple[ReliabilityBin, ...]
    brier: float
    brier_of_rate: float
    expected_error: float


@dataclass(frozen=True)
class LeadTimes:
    """When failures were first flagged.

    Attributes:
        leads: Steps from the first flag in the window to the violation, per flagged failure [agent steps].
        lead: Least useful warning [agent steps].
        window: Earliest flag that counts [agent steps].
        missed: Failures without a flag in the window.
        late: Failures first flagged less than ``lead`` steps before the violation.
    """

    leads: tuple[int, ...]
    lead: int
    window: int
    missed: int
    late: int


@dataclass(frozen=True)
class ShieldChoice:
    """The shield that is measured; see ``farl.selection.Choice``."""

    horizon: int
    gamma: float
    threshold: float
    lead: int
    window: int


@dataclass(frozen=True)
class ModelQuality:
    """Everything measured on held-out episodes.

    Attributes:
        episodes: How many.
        failing: Those of them with a failure.
        steps: Agent steps up to the first violations.
        errors: The latent state first, then the fields.
        foresight: For k = 1 … the longest horizon.
        reliability: At the chosen H.
        lead_times: Of the chosen shield.
    """

    episodes: int
    failing: int
    steps: int
    errors: tuple[ErrorCurve, ...]
    foresight: tuple[Foresight, ...]
    reliability: Reliability
    lead_times: LeadTimes

    def to_json(self) -> dict[str, Any]:
        """In plain JSON types."""
        return asdict(self)

    @staticmethod
    def of_json(content: object) -> ModelQuality:
        """Read what ``to_json`` made.

        Raises:
            FileError: It is not that.
        """
        try:
            return TypeAdapter(ModelQuality).validate_python(content)
        except ValidationError as error:
            raise FileError(f"not the quality of a model: {error}") from error


def measure(
    model: Dynamics,
    foretold: StepRisks,
    episodes: Sequence[Episode],
    shield: ShieldChoice,
    fields: Sequence[Field],
) -> ModelQuality:
    """Measure everything.

    Args:
        model: World model.
        foretold: Its predictions for ``episodes``, over the longest horizon.
        episodes: Held-out ones.
        shield: The chosen shield.
        fields: Groups of observation entries to report errors for.
    """
    return ModelQuality(
        episodes=len(episodes),
        failing=sum(e.failed for e in episodes),
        steps=len(foretold.episode),
        errors=prediction_errors(model, episodes, foretold.horizon, fields),
        foresight=foresight(foretold, shield),
        reliability=reliability(foretold, shield.horizon),
        lead_times=lead_times(foretold, shield),
    )


def foresight(foretold: StepRisks, shield: ShieldChoice) -> tuple[Foresight, ...]:
    """Precision and recall of predicted failures, for k = 1 … H."""
    survived = np.cumprod(1.0 - foretold.step_risk, axis=-1)
    ahead = foretold.steps_to_failure
    flagged = flags(foretold.looking(shield.horizon, shield.gamma, RiskForm.DISCOUNTED_SUM), shield.threshold)
    result = []
    for k in range(1, foretold.horizon + 1):
        known = _known(foretold, k)
        predicted, came = known & ~(1.0 - survived[:, k] <= CERTAIN), known & (ahead <= k)
        result.append(
            Foresight(
                steps=k,
                precision=share(came, predicted),
                recall=share(predicted, came),
                predicted=int(predicted.sum()),
                came=int(came.sum()),
                flagged=share(flagged, ahead == k),
                states=int((ahead == k).sum()),
            )
        )
    return tuple(result)


def reliability(foretold: StepRisks, horizon: int) -> Reliability:
    """Reliability curve of the absorbing probability of a failure within ``horizon`` steps."""
    known = _known(foretold, horizon)
    step_risk = foretold.step_risk[known, : horizon + 1]
    predicted = aggregate(step_risk, 1.0, RiskForm.ABSORBING).astype(np.float64)
    came = (foretold.steps_to_failure[known] <= horizon).astype(np.float64)
    place = np.clip((predicted * BINS).astype(np.int64), 0, BINS - 1)
    bins = tuple(
        ReliabilityBin(_mean(predicted[place == b]), _mean(came[place == b]), int((place == b).sum()))
        for b in np.unique(place)
    )
    return Reliability(
        horizon=horizon,
        bins=bins,
        brier=_mean((predicted - came) ** 2),
        brier_of_rate=_mean((came.mean() - came) ** 2),
        expected_error=sum(b.count * abs(b.predicted - b.observed) for b in bins) / len(came),
    )


def lead_times(foretold: StepRisks, shield: ShieldChoice) -> LeadTimes:
    """First flags of the chosen shield before each failure."""
    samples = foretold.looking(shield.horizon, shield.gamma, RiskForm.DISCOUNTED_SUM)
    first = first_flags(samples, shield.threshold, shield.window)
    leads = tuple(int(x) for x in first if x >= 0)
    return LeadTimes(
        leads=leads,
        lead=shield.lead,
        window=shield.window,
        missed=int((first < 0).sum()),
        late=sum(x < shield.lead for x in leads),
    )


def _known(foretold: StepRisks, steps: int) -> Mask:
    """Where it is known whether a failure comes within ``steps``: the episode fails, or goes on so long."""
    return np.asarray((foretold.steps_to_failure < NEVER) | (foretold.steps_seen >= steps))


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean())
