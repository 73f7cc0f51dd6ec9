"""States and decisions, in whatever order they arrive, become the transitions of an episode."""

from __future__ import annotations

import math
from collections import deque

from farl_interfaces.msg import Action, ShieldDecision, SimState, Transition

from farl.types import ActionSource
from farl_ros.conversions import stamp_ns


class StepMatcher:
    """Matches state k, the decision on it and state k + 1 by stamp.

    What was executed is taken from state k + 1: it is what the arm really did. In real time a decision may
    come late or not at all, and an action may be one that answers an earlier state; the step then counts as
    HOLD (nobody chose this action for this state), and a step without any decision has no log-probability.
    """

    def __init__(self, wait_for_decisions: bool = True) -> None:
        """Start without an episode.

        Args:
            wait_for_decisions: True in lock-step, where every decision comes; False to go on without one as
                soon as a later one is there.
        """
        self._wait = wait_for_decisions
        self._state: SimState | None = None
        self._outcomes: deque[SimState] = deque()
        self._decisions: dict[int, ShieldDecision] = {}

    def start(self, state: SimState) -> None:
        """Begin an episode with its state 0; what was pending is dropped."""
        first = stamp_ns(state.header.stamp)
        self._state = state
        self._outcomes.clear()
        self._decisions = {stamp: d for stamp, d in self._decisions.items() if stamp >= first}

    def stop(self) -> None:
        """Drop the episode."""
        self._state = None
        self._outcomes.clear()

    def add_state(self, state: SimState) -> list[Transition]:
        """Take the next state of the episode; returns the transitions that are complete now, in order."""
        self._outcomes.append(state)
        return self._complete()

    def add_decision(self, decision: ShieldDecision) -> list[Transition]:
        """Take a decision; returns the transitions that are complete now, in order."""
        self._decisions[stamp_ns(decision.header.stamp)] = decision
        return self._complete()

    def flush(self) -> list[Transition]:
        """Complete what can be completed without waiting for decisions any longer."""
        return self._complete(wait=False)

    def _complete(self, wait: bool = True) -> list[Transition]:
        complete: list[Transition] = []
        while self._state is not None and self._outcomes:
            stamp = stamp_ns(self._state.header.stamp)
            decision = self._decisions.get(stamp)
            if decision is None and wait and not self._overtaken(stamp):
                break
            following = self._outcomes.popleft()
            complete.append(_transition(self._state, decision, following))
            self._state = None if following.terminated or following.truncated else following
            self._decisions = {s: d for s, d in self._decisions.items() if s > stamp}
        return complete

    def _overtaken(self, stamp: int) -> bool:
        """Whether a later decision says that the one for ``stamp`` will not come."""
        return not self._wait and any(other > stamp for other in self._decisions)


def _transition(state: SimState, decision: ShieldDecision | None, following: SimState) -> Transition:
    executed = following.executed
    if stamp_ns(executed.state_stamp) != stamp_ns(state.header.stamp):
        executed = _as_hold(executed, state)
    message = Transition()
    message.header = state.header
    message.episode = following.episode
    message.step = state.step
    message.observation = state.observation
    message.proposed = executed if decision is None else decision.proposed
    message.executed = executed
    message.reward = following.reward
    message.cost = following.cost
    message.next_observation = following.observation
    message.terminated = following.terminated
    message.truncated = following.truncated
    message.success = following.success
    message.intervened = executed.source != message.proposed.source
    message.risk = math.nan if decision is None else decision.risk
    return message


def _as_hold(executed: Action, state: SimState) -> Action:
    return Action(
        header=state.header,
        values=executed.values,
        source=int(ActionSource.HOLD),
        log_prob=math.nan,
        policy_version=executed.policy_version,
        state_stamp=state.header.stamp,
    )
