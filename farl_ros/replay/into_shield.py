"""What would another shield have decided? Its decisions on an old recording, beside those of then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farl.shield import Shield
from farl.types import Array, Decision
from farl_ros.replay.pace import Pace
from farl_ros.replay.recorded import Recorded

OnDecision = Callable[[int, Decision], None]
"""Called with the index of a step and the decision; may raise to stop."""


@dataclass(frozen=True)
class WhatIf:
    """Decisions on N steps, then and now.

    Attributes:
        steps: Their numbers, shape ``(N,)``.
        risk_then: Predicted risk when it was recorded, shape ``(N,)``; NaN where no shield looked.
        risk_now: Predicted risk now, shape ``(N,)``.
        swapped_then: Whether the proposal was swapped, shape ``(N,)``.
        swapped_now: Whether it would be, shape ``(N,)``.
        failing: Whether the step violated the failure set, shape ``(N,)``.
        threshold_then: ε_safe then; NaN without a shield.
        threshold_now: ε_safe now.
    """

    steps: NDArray[np.int64]
    risk_then: Array
    risk_now: Array
    swapped_then: NDArray[np.bool_]
    swapped_now: NDArray[np.bool_]
    failing: NDArray[np.bool_]
    threshold_then: float
    threshold_now: float

    @property
    def changed(self) -> NDArray[np.bool_]:
        """In which steps the two decide differently, shape ``(N,)``."""
        return np.asarray(self.swapped_then != self.swapped_now)

    def table(self) -> list[dict[str, float | str]]:
        """The decisions counted, and how far the risks are apart."""
        apart = np.abs(self.risk_now.astype(np.float64) - self.risk_then)
        known = apart[np.isfinite(apart)]
        return [
            {"what": "steps", "value": len(self.steps)},
            {"what": "steps that violate the failure set", "value": int(self.failing.sum())},
            {"what": "swapped then", "value": int(self.swapped_then.sum())},
            {"what": "swapped now", "value": int(self.swapped_now.sum())},
            {"what": "swapped now, not then", "value": int((self.swapped_now & ~self.swapped_then).sum())},
            {"what": "swapped then, not now", "value": int((self.swapped_then & ~self.swapped_now).sum())},
            {"what": "steps with a risk then", "value": len(known)},
            {"what": "risk apart, mean", "value": float(known.mean()) if len(known) else float("nan")},
            {"what": "risk apart, largest", "value": float(known.max()) if len(known) else float("nan")},
            {"what": "threshold then", "value": self.threshold_then},
            {"what": "threshold now", "value": self.threshold_now},
        ]


def replay_into_shield(
    recorded: Recorded, window: range, shield: Shield, pace: Pace, on_decision: OnDecision
) -> WhatIf:
    """Let a shield decide on what was proposed, in the states that were seen.

    What comes of another decision is not followed: every state is the recorded one.

    Args:
        recorded: The episode.
        window: Which steps.
        shield: It decides one by one, as it does online: the same shield decides the same bit for bit.
        pace: How fast.
        on_decision: Called with each decision.
    """
    decisions = []
    for index in window:
        pace.wait(float(recorded.times[index]))
        decisions.append(shield.check(recorded.observations[index], recorded.proposals[index]))
        on_decision(index, decisions[-1])
    shown = slice(window.start, window.stop)
    return WhatIf(
        steps=np.arange(window.start, window.stop) + recorded.first_step,
        risk_then=recorded.risks[shown],
        risk_now=np.array([decision.risk for decision in decisions], np.float32),
        swapped_then=recorded.intervened[shown],
        swapped_now=np.array([decision.intervened for decision in decisions]),
        failing=recorded.costs[shown] > 0.0,
        threshold_then=recorded.threshold,
        threshold_now=decisions[-1].threshold,
    )
