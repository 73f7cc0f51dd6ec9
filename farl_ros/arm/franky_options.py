"""How the Franka arm is driven."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MotionMode(StrEnum):
    """How a target becomes a motion."""

    VELOCITY = "velocity"  # a Cartesian velocity towards it, which ends by itself: the dead-man
    POSE = "pose"  # a motion that ends at it; the next command waits for its end
    IMPEDANCE = "impedance"  # a spring pulls the hand to it: for work in contact


@dataclass(frozen=True, slots=True)
class FrankyOptions:
    """What is not the robot's and not the task's.

    Attributes:
        host: Name or address of the robot.
        period: Control period [s].
        mode: How a target becomes a motion.
        gripper: There is a Franka hand.
        enforce_real_time: Refuse a kernel without real-time scheduling. False only where no real arm moves.
        state_period: Between two reports of the state [s].
        state_timeout: So long without a new state, and the robot counts as lost [s].
        call_timeout: So long a call to the robot may take, and it counts as lost [s].
        translational_stiffness: Of the spring [N/m].
        rotational_stiffness: Of the spring [Nm/rad].
    """

    host: str
    period: float
    mode: MotionMode = MotionMode.VELOCITY
    gripper: bool = True
    enforce_real_time: bool = True
    state_period: float = 0.01
    state_timeout: float = 0.2
    call_timeout: float = 0.25
    translational_stiffness: float = 800.0
    rotational_stiffness: float = 50.0
