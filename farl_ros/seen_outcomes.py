"""In simulation with a camera: outcomes are the simulator's, what the learner is shown is what was seen."""

from __future__ import annotations

from farl_interfaces.msg import SimState, State

from farl_ros.conversions import stamp_ns


class SeenOutcomes:
    """Gives each outcome the observation of the state of the same moment, whichever comes first."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._outcomes: dict[int, SimState] = {}
        self._states: dict[int, State] = {}

    def add_outcome(self, outcome: SimState) -> SimState | None:
        """Take what the simulator says of a moment; returns it once the moment was seen."""
        self._outcomes[stamp_ns(outcome.header.stamp)] = outcome
        return self._joined(stamp_ns(outcome.header.stamp))

    def add_state(self, state: State) -> SimState | None:
        """Take what was seen of a moment; returns the outcome, if that is there already."""
        self._states[stamp_ns(state.header.stamp)] = state
        return self._joined(stamp_ns(state.header.stamp))

    def _joined(self, stamp: int) -> SimState | None:
        if stamp not in self._outcomes or stamp not in self._states:
            return None
        outcome, state = self._outcomes[stamp], self._states[stamp]
        # Lock-step: whatever is older was answered already, or belongs to an episode that was given up.
        self._outcomes = {at: kept for at, kept in self._outcomes.items() if at > stamp}
        self._states = {at: kept for at, kept in self._states.items() if at > stamp}
        outcome.observation, outcome.objects = state.observation, state.objects
        return outcome
