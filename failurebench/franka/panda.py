"""The simulated arm: Cartesian motions of the hand by inverse kinematics and joint servos."""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from failurebench.franka.panda_model import JOINT_LOWER, JOINT_SPEED, JOINT_UPPER, READY, Point

JOINTS = 7
_ITERATIONS = 4
_DAMPING = 0.005
_POSTURE = 0.1
"""Share of the way back to the ready posture that the first iteration takes in the null space."""


@dataclass(frozen=True)
class Reach:
    """How far the hand goes.

    Attributes:
        lower: Corner of the box that the wanted position of the finger tips never leaves, metres.
        upper: The opposite corner.
        step: Metres per agent step for the action 1.0.
        leash: Most metres on each axis between measured and wanted position, so that a blocked hand does not
            push harder and harder.
    """

    lower: Point
    upper: Point
    step: float
    leash: float = 0.06


class Panda:
    """Moves the hand of a model made by ``Scene``; fingers down, hand parallel to the base's x axis.

    A motion lasts one agent step: the joint servos' set-points move at constant speed to where the inverse
    kinematics (damped least squares) puts the wanted hand position. All its state is in MuJoCo's: the servos'
    set-points are the last commanded pose.
    """

    def __init__(self, model: mujoco.MjModel, reach: Reach, home: Point, period: float) -> None:
        """Find the joint positions of the home position.

        Args:
            model: The scene.
            reach: How far the hand goes.
            home: Where the hand is at the start of an episode, metres.
            period: Length of an agent step, seconds.
        """
        self.model = model
        self.data = mujoco.MjData(model)
        self.reach = reach
        self._period = period
        self._tip = model.site("tip").id
        self._hand = self.data.site_xpos[self._tip]
        self._act, self._ctrl = self.data.act, self.data.ctrl
        self._scratch = mujoco.MjData(model)
        self._scratch_hand = self._scratch.site_xpos[self._tip]
        self._scratch_rotation = self._scratch.site_xmat[self._tip]
        self._jacobian = np.zeros((6, model.nv))
        self._ready = np.array(READY)
        self._lower, self._upper = np.array(JOINT_LOWER), np.array(JOINT_UPPER)
        self._speed = np.array(JOINT_SPEED)
        self._damping = _DAMPING**2 * np.eye(6)
        self.home = self._ready
        for _ in range(20):
            self.home = self.solve(self.home, home)

    @property
    def hand(self) -> list[float]:
        """Measured position x, y, z of the point between the finger tips, metres."""
        return self._hand.tolist()  # type: ignore[no-any-return]

    def reset(self) -> None:
        """Put everything at the model's start and the arm at rest at home; ``mj_forward`` is the caller's."""
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[:JOINTS] = self.home
        self._act[:] = self.home

    def command(self, action: list[float]) -> None:
        """Start a motion by a share of the step on x, y, z, each in [-1, 1], from the last commanded pose."""
        joints = self._act.copy()
        target = self._target(self._commanded(joints), action)
        wanted = self.solve(joints, target)
        speed = (wanted - joints) / self._period
        too_fast = float(np.max(np.abs(speed) / self._speed))
        self._ctrl[:] = speed if too_fast <= 1.0 else speed / too_fast

    def _commanded(self, joints: NDArray[np.float64]) -> list[float]:
        self._scratch.qpos[:JOINTS] = joints
        mujoco.mj_kinematics(self.model, self._scratch)
        return self._scratch_hand.tolist()  # type: ignore[no-any-return]

    def _target(self, commanded: list[float], action: list[float]) -> Point:
        reach = self.reach
        wanted = []
        for start, share, measured, low, high in zip(
            commanded, action, self.hand, reach.lower, reach.upper, strict=True
        ):
            goal = min(max(start + share * reach.step, measured - reach.leash), measured + reach.leash)
            wanted.append(min(max(goal, low), high))
        return wanted[0], wanted[1], wanted[2]

    def solve(self, joints: NDArray[np.float64], target: Point) -> NDArray[np.float64]:
        """Return joint positions (7,) within the limits that bring the hand to a position near by.

        Args:
            joints: Where to start from (7,), radians.
            target: Wanted position of the finger tips, metres.
        """
        model, scratch = self.model, self._scratch
        jacobian = self._jacobian
        for iteration in range(_ITERATIONS):
            scratch.qpos[:JOINTS] = joints
            mujoco.mj_kinematics(model, scratch)
            mujoco.mj_comPos(model, scratch)
            mujoco.mj_jacSite(model, scratch, jacobian[:3], jacobian[3:], self._tip)
            arm = jacobian[:, :JOINTS]
            inverse = np.linalg.solve(arm @ arm.T + self._damping, arm).T
            error = self._error(target)
            if iteration == 0:
                posture = _POSTURE * (self._ready - joints)
                joints = joints + posture
                error -= arm @ posture
            joints = joints + inverse @ error
            joints = np.minimum(np.maximum(joints, self._lower), self._upper)
        return joints

    def _error(self, target: Point) -> NDArray[np.float64]:
        """Position and (small) rotation that are missing; wanted axes: x, -y, -z of the base."""
        x, y, z = self._scratch_hand.tolist()
        _, m01, m02, m10, _, m12, m20, m21, _ = self._scratch_rotation.tolist()
        rotation = ((m21 - m12) / 2, (m20 + m02) / 2, -(m10 + m01) / 2)
        return np.array((target[0] - x, target[1] - y, target[2] - z, *rotation))
