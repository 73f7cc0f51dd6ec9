"""The fail-safe table: what happens when something is not as it should be, as one pure function.

Nav2's collision monitor is the model: the most restrictive row that applies wins, and the answer names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, Flag, IntEnum, auto


class Condition(Flag):
    """What can be wrong; several at once."""

    NONE = 0
    STALE_STATE = auto()
    OBJECT_LOST = auto()
    NOT_FINITE = auto()
    MODEL_LATE = auto()
    OUT_OF_DISTRIBUTION = auto()
    RECOVERY_UNSAFE = auto()
    LIMIT_HIT = auto()
    LEARNER_GONE = auto()
    OPERATOR_RELEASED = auto()
    ARM_FAULT = auto()


class Mode(Enum):
    """Who is in command of the arm."""

    ONLINE = "online"  # the task policy, under the shield
    TELEOP = "teleop"  # a person
    REPLAY = "replay"  # a recorded bag
    LATCHED = "latched"  # a fault waits for a person


class Response(IntEnum):
    """What to do, from the least to the most restrictive."""

    EXECUTE = 0  # the action that the shield chose
    RECOVER = 1  # the recovery action
    HOLD = 2  # stand still this step; go on when the condition is gone
    STOP = 3  # stop the motion and end the episode
    LATCH = 4  # stop, and move again only after a person re-arms


@dataclass(frozen=True, slots=True)
class Verdict:
    """The response, and the conditions that ask for it (empty when nothing is wrong)."""

    response: Response
    because: Condition


# Columns: ONLINE, TELEOP, REPLAY. LATCHED is no column: it answers LATCH whatever happens.
TABLE: dict[Condition, tuple[Response, Response, Response]] = {
    # the last state is too old to act on; a person sees the robot, a policy does not
    Condition.STALE_STATE: (Response.HOLD, Response.HOLD, Response.HOLD),
    # a person may go on without the tracker; a policy cannot
    Condition.OBJECT_LOST: (Response.HOLD, Response.EXECUTE, Response.HOLD),
    # a number that is none must never reach the arm; where it came from is unknown
    Condition.NOT_FINITE: (Response.HOLD, Response.HOLD, Response.STOP),
    # no risk is known for this step: do what the recovery demonstrations did
    Condition.MODEL_LATE: (Response.RECOVER, Response.EXECUTE, Response.HOLD),
    # the risk model does not know this place
    Condition.OUT_OF_DISTRIBUTION: (Response.RECOVER, Response.EXECUTE, Response.EXECUTE),
    # both choices look bad: the recovery is still what people showed for such states
    Condition.RECOVERY_UNSAFE: (Response.RECOVER, Response.EXECUTE, Response.STOP),
    # the limits chain has already clipped the motion; it is counted, and harmless
    Condition.LIMIT_HIT: (Response.EXECUTE, Response.EXECUTE, Response.EXECUTE),
    # the policy in use is whole: finish the step, then end the episode
    Condition.LEARNER_GONE: (Response.STOP, Response.EXECUTE, Response.EXECUTE),
    # nothing moves unless held
    Condition.OPERATOR_RELEASED: (Response.STOP, Response.HOLD, Response.STOP),
    # the arm itself says no
    Condition.ARM_FAULT: (Response.LATCH, Response.LATCH, Response.LATCH),
}

_COLUMN = {Mode.ONLINE: 0, Mode.TELEOP: 1, Mode.REPLAY: 2}


def respond(conditions: Condition, mode: Mode) -> Verdict:
    """Look the conditions up.

    Args:
        conditions: Everything that is wrong now.
        mode: Who is in command.

    Returns:
        The most restrictive response of the rows that apply, and those rows that ask for it.
    """
    if mode == Mode.LATCHED:
        return Verdict(Response.LATCH, conditions)
    response, because = Response.EXECUTE, Condition.NONE
    for condition in conditions:
        row = TABLE[condition][_COLUMN[mode]]
        if row > response:
            response, because = row, condition
        elif row == response and response > Response.EXECUTE:
            because |= condition
    return Verdict(response, because)


def is_stale(age: float, period: float, periods: float = 1.5) -> bool:
    """Whether an ``age`` [s] is too old at a control period of ``period`` [s]; exactly the limit is not."""
    return not age <= periods * period  # a NaN age is stale
