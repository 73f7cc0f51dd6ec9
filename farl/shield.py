"""The safety shield (Eq. 12): predicts the risk of a proposal, and swaps in the recovery action."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from farl.fused import FusedRollout
from farl.policy import FastPolicy
from farl.risk import RiskForm, aggregate
from farl.types import ActionSource, Array, Decision, Proposal, Reason
from farl.world_model import WorldModel


class ShieldMode(StrEnum):
    """Whether there is a shield."""

    OFF = "off"  # Uni-O4: every proposal is executed
    ON = "on"  # FARL


@dataclass(frozen=True)
class ShieldSettings:
    """Settings of Eq. 11 and 12.

    Attributes:
        mode: ON or OFF.
        horizon: H, look-ahead [agent steps].
        gamma: γ_risk, discount of predicted violations per agent step.
        form: Plain discounted sum (the paper) or absorbing (a probability).
        threshold: ε_safe; the proposal is executed while risk ≤ threshold.
    """

    mode: ShieldMode = ShieldMode.ON
    horizon: int = 15
    gamma: float = 1.0
    form: RiskForm = RiskForm.DISCOUNTED_SUM
    threshold: float = 0.3


_EMPTY = np.empty(0, np.float32)
_NAN = float("nan")


class Shield:
    """Checks proposals; but for its latency, a decision follows from (weights, observation, proposal)."""

    def __init__(
        self,
        settings: ShieldSettings,
        task_policy: FastPolicy,
        recovery_policy: FastPolicy,
        world_model: WorldModel,
        model_hash: str,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Put a shield together.

        Args:
            settings: See ``ShieldSettings``.
            task_policy: The policy whose future is rolled out.
            recovery_policy: Its mean action is the recovery action; frozen.
            world_model: Frozen.
            model_hash: SHA-256 of the world model's file, written into every decision.
            clock: Seconds, for the latency.
        """
        self.settings = settings
        self._recovery, self._model, self._hash, self._clock = recovery_policy, world_model, model_hash, clock
        self.load_task_policy(task_policy)

    def load_task_policy(self, policy: FastPolicy) -> None:
        """Roll out this policy from the next check on (compiles for 10-60 ms)."""
        on = self.settings.mode == ShieldMode.ON
        self._rollout = FusedRollout(self._model, policy, self.settings.horizon) if on else None

    def recovery_action(self, observation: Array) -> Array:
        """Mean action of the recovery policy, shape ``(A,)``."""
        return self._recovery.mean(observation)

    def check(self, observation: Array, proposal: Proposal) -> Decision:
        """Decide on one proposal in one state, shape ``(O,)``."""
        return self.check_batch(observation[None], [proposal])[0]

    def check_batch(self, observations: Array, proposals: Sequence[Proposal]) -> list[Decision]:
        """Decide on a batch: observations of shape ``(B, O)`` and as many proposals.

        The latency that each decision carries is that of the whole batch divided by B.
        """
        if self._rollout is None:
            return [
                Decision(_NAN, _NAN, _EMPTY, p, p.values, p.source, Reason.SHIELD_OFF, 0.0, "")
                for p in proposals
            ]
        start = self._clock()
        settings = self.settings
        step_risk = self._rollout(observations, np.stack([p.values for p in proposals]))
        risk = aggregate(step_risk, settings.gamma, settings.form)
        # `not (risk <= threshold)`: a risk that is not a number counts as unsafe
        unsafe = ~(risk <= settings.threshold)
        recovery = self._recovery.mean(observations) if unsafe.any() else None
        latency = (self._clock() - start) * 1e3 / len(proposals)
        decisions = []
        for i, proposal in enumerate(proposals):
            if recovery is not None and unsafe[i]:
                executed, source, reason = recovery[i], ActionSource.RECOVERY, Reason.RISK_ABOVE_THRESHOLD
            else:
                executed, source, reason = proposal.values, proposal.source, Reason.SAFE
            decisions.append(
                Decision(
                    float(risk[i]),
                    settings.threshold,
                    step_risk[i],
                    proposal,
                    executed,
                    source,
                    reason,
                    latency,
                    self._hash,
                )
            )
        return decisions
