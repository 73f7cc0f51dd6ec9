"""What a shield does while a person is in command: it may swap, only advise, or not be there at all."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy as np

from farl.types import Array, Decision, Proposal, Reason


class ShieldRole(StrEnum):
    """How far the shield may go."""

    ON = "on"  # swaps unsafe proposals
    ADVISER = "adviser"  # says what it thinks; the proposal is executed
    OFF = "off"  # no models, no opinion


def advice(decision: Decision) -> Decision:
    """The decision of a shield that only advises: risk and reason stay, the proposal is executed."""
    proposed = decision.proposed
    return replace(decision, executed=proposed.values, source=proposed.source)


class Unchecked:
    """Stands where there are no models: every proposal is executed."""

    def check(self, observation: Array, proposal: Proposal) -> Decision:
        """Let a proposal pass; nothing is known of its risk."""
        nan = float("nan")
        empty = np.empty(0, np.float32)
        return Decision(
            nan, nan, empty, proposal, proposal.values, proposal.source, Reason.SHIELD_OFF, 0.0, ""
        )
