"""The order of a replay on an arm: to the recorded start, through the actions, to rest; no effects here.

Whoever sends what comes out goes through the controller like a policy: its limits, its watchdog, its faults.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np

from farl.types import Array
from farl_ros.bag_writer import BagError
from farl_ros.replay.recorded import Recorded
from farl_ros.replay.slowed import slowed, ways
from farl_ros.way_to_start import WayToStart

MOST_SPEED = 1.0
DEFAULT_SPEED = 0.25
TRAVEL_HEIGHT = 0.15
"""Height of the hand on its way over the table [m]."""
TOLERANCE = 0.005
"""This near to the recorded start is there [m]."""
SILENCE_S = 2.0
"""An arm that says nothing for so long [s] is not moved."""
FIRST_WORD_S = 30.0
"""The first time it may take so long [s]: on a busy machine the controller starts later than the replay."""
SETTLE_PERIODS = 3
"""At the start the arm comes to rest for so many control periods."""
APPROACH_S = 60.0
"""Longest way to the start [s]."""

Point = tuple[float, float, float]


class Phase(Enum):
    """Where the replay is."""

    APPROACH = auto()
    SETTLE = auto()  # at the start, standing still
    PLAY = auto()
    DONE = auto()
    FAILED = auto()


@dataclass(frozen=True)
class ArmPlan:
    """What is to be done.

    Attributes:
        way: To where the recording starts.
        actions: One per control period, shape ``(N, A)``.
        path: Where the recording has the hand at the begin of each of them and at the end, ``(N + 1, 3)``.
    """

    way: WayToStart
    actions: Array
    path: Array

    @classmethod
    def of(cls, recorded: Recorded, window: range, speed: float) -> ArmPlan:
        """The plan for some steps of a recording.

        Raises:
            BagError: The speed is none for an arm.
            WayError: The task's actions cannot take the hand to the start.
        """
        if not 0.0 < speed <= MOST_SPEED:
            raise BagError(
                f"speed {speed:g} on an arm: expected a share of the recorded speed, above 0 and at most "
                f"{MOST_SPEED:g}; the usual one is {DEFAULT_SPEED:g}"
            )
        spec, shown = recorded.spec, slice(window.start, window.stop)
        states = recorded.observations[window.start : window.stop + 1]
        hand = spec.position(spec.hand, states).astype(np.float64)
        actions = slowed(recorded.actions[shown], speed, ways(spec))
        times = np.minimum(np.arange(len(actions) + 1) * speed, len(window))
        path = np.stack([np.interp(times, np.arange(len(hand)), column) for column in hand.T], axis=1)
        x, y, z = (float(value) for value in hand[0])
        way = WayToStart.of(spec, TRAVEL_HEIGHT, min(speed, DEFAULT_SPEED), TOLERANCE)
        return cls(replace(way, start=(x, y, z)), actions, path.astype(np.float32))


@dataclass(frozen=True)
class Heard:
    """What the arm said last.

    Attributes:
        hand: Where it is measured to be [m]; None if it has not said.
        age: Since it said so [s].
        fault: Why it does not move; empty if nothing stops it.
    """

    hand: Point | None
    age: float
    fault: str


class ArmReplay:
    """Asked once per control period what to send; stops for good at the first fault.

    Attributes:
        phase: Where it is.
        message: How it ended.
        step: Index of the next action.
        greatest: Largest distance of the hand from the recorded path so far [m].
    """

    def __init__(self, plan: ArmPlan, now: float) -> None:
        """Begin at a time [s] of a steady clock."""
        self.plan, self.phase, self.message = plan, Phase.APPROACH, ""
        self.step, self.greatest = 0, 0.0
        self._began, self._settled = now, 0
        self._has_spoken = False

    def next(self, heard: Heard, now: float) -> Array | None:
        """The next action, shape ``(A,)``; None once it is over."""
        if self.phase in (Phase.DONE, Phase.FAILED):
            return None
        if heard.fault:
            self._fail(f"stopped at the first fault, in step {self.step}: {heard.fault}")
            return None
        if heard.hand is not None and not self._has_spoken:
            self._has_spoken, self._began = True, now
        patience = SILENCE_S if self._has_spoken else FIRST_WORD_S
        if min(heard.age, now - self._began) > patience:
            self._fail(f"no arm_state for {patience:g} s: is franka_controller running?")
            return None
        if heard.hand is None:
            return np.zeros(self.plan.actions.shape[1], np.float32)  # some arms only answer
        if self.phase == Phase.APPROACH:
            action = self.plan.way.action(heard.hand)
            if action is not None:
                if now - self._began > APPROACH_S:
                    left = self.plan.way.left(heard.hand)
                    self._fail(f"after {APPROACH_S:g} s the arm is still {left:.3f} m from the start")
                    return None
                return action
            self.phase = Phase.SETTLE
        if self.phase == Phase.SETTLE:
            self._settled += 1
            if self._settled <= SETTLE_PERIODS:
                return np.zeros(self.plan.actions.shape[1], np.float32)
            self.phase = Phase.PLAY
        self.greatest = max(self.greatest, math.dist(heard.hand, self.plan.path[self.step].tolist()))
        if self.step == len(self.plan.actions):
            self.phase = Phase.DONE
            self.message = (
                f"{self.step} actions; the hand was at most {self.greatest:.4f} m off the recorded path"
            )
            return None
        self.step += 1
        chosen: Array = self.plan.actions[self.step - 1]
        return chosen

    def stop(self, why: str) -> None:
        """End it."""
        if self.phase not in (Phase.DONE, Phase.FAILED):
            self._fail(why)

    def _fail(self, why: str) -> None:
        self.phase, self.message = Phase.FAILED, why
