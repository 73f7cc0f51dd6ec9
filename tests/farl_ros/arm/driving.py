"""A Franka backend on an emulated arm, driven like the controller drives it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from farl_interfaces.msg import ArmState

from farl.types import ActionSource
from farl_ros.arm.backend import ArmCommand, ArmError
from farl_ros.arm.franky import FrankyBackend
from farl_ros.arm.franky_options import FrankyOptions, MotionMode
from farl_ros.arm.pose import Pose
from farl_ros.arm.robots import load_robot
from tests.fci.process import FciProcess

PERIOD = 0.2


def backend(
    server: FciProcess,
    mode: MotionMode = MotionMode.VELOCITY,
    on_state: Callable[[ArmState], None] | None = None,
) -> FrankyBackend:
    # Ignore the kernel: no real arm moves.
    options = FrankyOptions(server.host, PERIOD, mode, enforce_real_time=False)
    return FrankyBackend(load_robot("fr3"), options, 3, on_state or (lambda _: None))


def pose_of(arm: FrankyBackend) -> Pose:
    state = arm.state()
    p, q = state.end_effector_pose.position, state.end_effector_pose.orientation
    return Pose(np.array([p.x, p.y, p.z]), np.array([q.x, q.y, q.z, q.w]))


def command_to(target: Pose) -> ArmCommand:
    return ArmCommand(np.zeros(3, np.float32), ActionSource.TASK, 0, math.nan, 0, target)


@dataclass
class Drive:
    """Targets that go along y at a constant speed, one for each period.

    Attributes:
        arm: The arm.
        speed: Of the targets [m/s].
        errors: Distance to each target when it was due [m].
        calls: How long each command took [s].
    """

    arm: FrankyBackend
    speed: float
    errors: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)

    def run(self, periods: int) -> None:
        target = pose_of(self.arm)
        due = time.monotonic()
        for _ in range(periods):
            step = np.array([0.0, self.speed * PERIOD, 0.0])
            target = Pose(target.position + step, target.quaternion)
            began = time.monotonic()
            self.arm.command(command_to(target))
            self.calls.append(time.monotonic() - began)
            due += PERIOD
            time.sleep(max(0.0, due - time.monotonic()))
            self.errors.append(float(np.linalg.norm(pose_of(self.arm).position - target.position)))


def first_fault(arm: FrankyBackend, timeout: float) -> tuple[ArmError | None, float]:
    """The next fault and when it was seen (monotonic) [s]; asks a hundred times a second."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        faults = arm.events()
        if faults:
            return faults[0], time.monotonic()
        time.sleep(0.01)
    return None, math.nan
