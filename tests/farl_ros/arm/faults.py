"""What can go wrong with an arm behind the controller: each fault done to it, and what came of it.

The tests assert it; ``benchmarks/arm_faults.py`` does each several times and writes the figures.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import StrEnum
from threading import Timer
from typing import Any

from farl_interfaces.msg import ArmState

from farl_ros.arm.franky_options import MotionMode
from tests.farl_ros.arm.node_driving import ControlledArm
from tests.fci.body import CYCLE
from tests.fci.process import FciProcess

SPEED = 0.15
"""Of the targets: as fast as one may move [m/s]."""
DRIVEN, AT = 1.0, 0.75
"""How long the arm is driven, and when in it the fault comes [s]."""
STILL = 2e-3  # [m/s]
PACE = 0.9
"""The emulated arm waits for an answer to every state, so that on a busy machine its clock falls behind the
wall's: how long it takes to rest is told by its own. The graph's timers go by the wall's; below this share of
it, the two have nothing to do with each other."""


class Fault(StrEnum):
    """What goes wrong; the value is what the matrix calls it."""

    SILENCE = "no decision for 1.5 periods"
    REFUSED = "decision that is no number"
    STOP = "stop"
    REFLEX = "reflex (contact)"
    MOTION_LIMIT = "motion limit"
    COMMUNICATION = "packets lost or late"
    USER_STOP = "user stop"
    DROP = "connection dropped"
    FREEZE = "robot frozen"


LINES = {
    Fault.REFLEX: "reflex",
    Fault.MOTION_LIMIT: "motion_limit",
    Fault.COMMUNICATION: "communication",
    Fault.USER_STOP: "user_stop on",
    Fault.DROP: "drop",
    Fault.FREEZE: "freeze on",
}
"""What does it to the server."""
UNDONE = {Fault.USER_STOP: "user_stop off", Fault.FREEZE: "freeze off"}
"""What a person does before the arm is re-armed."""


@dataclass(frozen=True)
class Outcome:
    """What came of a fault; times from when it happened (SILENCE: from when the missed decision was due).

    Attributes:
        at_rest: Until the end-effector stood still [s], by the arm's own clock, which counts its cycles; NaN
            where nobody can know.
        noticed: Until an ``arm_state`` told of it [s]; NaN where it is no news.
        mode: Of the arm once it stands.
        recorded: What that ``arm_state`` gave as the fault.
        by_itself: It was cleared without a person.
        cleared: How long clearing it took a person [s]; NaN where nobody had to.
        moves_again: Whether the arm went on afterwards.
        pace: Seconds of the emulated arm for one of the clock.
    """

    at_rest: float
    noticed: float
    mode: int
    recorded: str
    by_itself: bool
    cleared: float
    moves_again: bool
    pace: float


def pace_between(before: dict[str, Any], after: dict[str, Any]) -> float:
    """Seconds of the emulated arm for one of the clock, from two of its reports."""
    return (after["cycle"] - before["cycle"]) * CYCLE / (after["clock"] - before["clock"])


def befall(fault: Fault, motion: MotionMode, rate: float = 5.0) -> Outcome | None:
    """Drive an arm at full speed, do it to it, and clear it; None if the arm's clock did not keep up."""
    with FciProcess() as server, ControlledArm(server.host, rate, motion) as arm:
        outcome = _befall(fault, server, arm)
    return outcome if outcome.pace >= PACE else None


def _befall(fault: Fault, server: FciProcess, arm: ControlledArm) -> Outcome:
    way, before = (0.0, SPEED, 0.0), server.report()
    if fault in LINES:
        # Beside the decisions, which go on: where motions are waited for, the fault falls into one.
        timer = Timer(AT, server.tell, [LINES[fault]])
        timer.start()
        arm.drive(way, DRIVEN)
        timer.join()
        since = server.report()["broken_seconds"]
    else:
        arm.drive(way, AT)
        since = time.monotonic()
        if fault == Fault.SILENCE:
            since = arm.decided_at + arm.period
        elif fault == Fault.STOP:
            arm.node.backend.stop()
        else:
            arm.decide((math.nan, 0.0, 0.0))
    arm.settle(0.8)
    report = server.report() if fault in LINES else server.tell(f"since {since}")
    # It may move again by itself after a fault: what counts is when it first stood.
    rest = report["rested_cycle" if fault in LINES else "moved_cycle"]
    last = {"cycle": report["broken_cycle"], "clock": since} if fault in LINES else report
    pace = pace_between(before, last)  # of a robot that is gone, until it went
    known = fault != Fault.FREEZE and report["speed"] < STILL
    told = next((h for h in arm.heard if h.at > since and h.state.fault and fault != Fault.STOP), None)
    mode = arm.now.state.mode
    cleared = _clear(fault, server, arm) if mode == ArmState.LATCHED else math.nan
    y = arm.now.position[1]
    arm.drive((0.0, -SPEED, 0.0), 3 * arm.period)
    return Outcome(
        at_rest=max(0, rest - report["broken_cycle"]) * CYCLE if known else math.nan,
        noticed=math.nan if told is None else told.at - since,
        mode=mode,
        recorded="" if told is None else told.state.fault,
        by_itself=mode != ArmState.LATCHED,
        cleared=cleared,
        moves_again=bool(arm.now.position[1] < y - 0.25 * SPEED * 3 * arm.period),
        pace=pace,
    )


def _clear(fault: Fault, server: FciProcess, arm: ControlledArm) -> float:
    """Clear it as a person would; how long that took [s]."""
    if fault in UNDONE:
        server.tell(UNDONE[fault])
        arm.settle(0.1)
    began = time.monotonic()
    answer = arm.rearm()
    if not answer.ok:
        raise AssertionError(f"{fault}: not re-armed: {answer.message}")
    return time.monotonic() - began
