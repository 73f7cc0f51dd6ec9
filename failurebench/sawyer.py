"""A lean stepper on Meta-World's Sawyer scenes.

Same physics and same numbers as Meta-World's environment classes, with far less Python for each step.
Bit-exactness rests on details that look redundant: the settling sequence, the start position of the tool read
before a forward pass, and the forward pass after each step (it also sets the solver's warm start).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np
from metaworld.asset_path_utils import full_V3_path_for
from numpy.typing import NDArray

from failurebench.rotation import quaternion
from failurebench.sawyer_reward import Judgement, Point, PushReward, Reading, TaskReward

_STATE = mujoco.mjtState.mjSTATE_INTEGRATION
_SUBSTEPS = 5
_METRES_PER_ACTION = 0.01
_HAND_LOW = (-0.5, 0.4, 0.05)
_HAND_HIGH = (0.5, 1.0, 0.5)
_HAND_START = (0.0, 0.6, 0.2)
_HAND_ORIENTATION = (1.0, 0.0, 1.0, 0.0)
_WELD = (0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 5)
_FULL_OPENING = 0.1
_CURRENT = 18
_NO_SECOND_OBJECT = (0.0,) * 7


@dataclass(frozen=True)
class SawyerTask:
    """What differs between Meta-World's tasks on the same table.

    Attributes:
        xml: Model file inside Meta-World's assets.
        object_body: Body of the object.
        object_geom: Geom whose orientation is reported.
        layout_low: Lower bounds of object x, y, z and goal x, y, z, metres.
        layout_high: Upper bounds of the same.
        reward: Makes the reward function from object start, goal and tool start.
    """

    xml: str
    object_body: str
    object_geom: str
    layout_low: tuple[float, ...]
    layout_high: tuple[float, ...]
    reward: Callable[[Point, Point, Point], TaskReward]


PUSH = SawyerTask(
    xml="sawyer_xyz/sawyer_push_v3.xml",
    object_body="obj",
    object_geom="objGeom",
    layout_low=(-0.1, 0.6, 0.02, -0.1, 0.8, 0.01),
    layout_high=(0.1, 0.7, 0.02, 0.1, 0.9, 0.02),
    reward=PushReward,
)


def _compile(task: SawyerTask) -> mujoco.MjModel:
    model = mujoco.MjSpec.from_file(full_V3_path_for(task.xml)).compile()
    for i in range(model.neq):
        if model.eq_type[i] == mujoco.mjtEq.mjEQ_WELD:
            model.eq_data[i] = _WELD
    return model


class Sawyer:
    """The simulated arm with one object.

    Observation: 39 numbers = 18 now, 18 one simulator step ago, 3 goal. The 18 are hand x, y, z, gripper
    opening 0..1, object x, y, z, object quaternion x, y, z, w, and seven zeros. Action: hand motion x, y, z
    in hundredths of a metre per simulator step, and gripper effort (positive closes), each in [-1, 1]. A
    simulator step lasts 12.5 ms.
    """

    def __init__(self, task: SawyerTask = PUSH) -> None:
        """Load the scene and let the arm settle once."""
        self.task = task
        self.model = _compile(task)
        self.data = mujoco.MjData(self.model)
        xpos, site_xpos = self.data.xpos, self.data.site_xpos
        self._hand = xpos[self.model.body("hand").id]
        self._right_claw = xpos[self.model.body("rightclaw").id]
        self._left_claw = xpos[self.model.body("leftclaw").id]
        self._left_pad = xpos[self.model.body("leftpad").id]
        self._right_pad = xpos[self.model.body("rightpad").id]
        self._right_tip = site_xpos[self.model.site("rightEndEffector").id]
        self._left_tip = site_xpos[self.model.site("leftEndEffector").id]
        self._object = xpos[self.model.body(task.object_body).id]
        self._object_rotation = self.data.geom_xmat[self.model.geom(task.object_geom).id]
        joint = int(self.model.body(task.object_body).jntadr[0])
        start, velocity_start = int(self.model.jnt_qposadr[joint]), int(self.model.jnt_dofadr[joint])
        self._object_joint = self.data.qpos[start : start + 3]
        self._object_velocity = self.data.qvel[velocity_start : velocity_start + 6]
        self._mocap = self.data.mocap_pos[0]
        self._mocap_orientation = self.data.mocap_quat[0]
        self._ctrl = self.data.ctrl
        self._settled, self._tool_start = self._settle()
        self._object_height = float(self._object[2])
        self._now = [0.0] * _CURRENT
        self._before = self._now
        self._goal: Point = (0.0, 0.0, 0.0)
        self._start: Point = (0.0, 0.0, 0.0)
        self._reward: TaskReward = task.reward(self._start, self._goal, self._tool_start)

    def _settle(self) -> tuple[NDArray[np.float64], Point]:
        mujoco.mj_resetData(self.model, self.data)
        for _ in range(50):
            self._mocap[:] = _HAND_START
            self._mocap_orientation[:] = _HAND_ORIENTATION
            self._ctrl[:] = (-1.0, 1.0)
            mujoco.mj_step(self.model, self.data, nstep=_SUBSTEPS)
            mujoco.mj_rnePostConstraint(self.model, self.data)
        return self._mj_state(), self._tool()

    def draw_layout(self, random: np.random.Generator) -> tuple[Point, Point]:
        """Draw object and goal positions as Meta-World does: uniform, at least 0.15 m apart in the plane."""
        while True:
            layout: list[float] = random.uniform(self.task.layout_low, self.task.layout_high).tolist()
            x, y, z, goal_x, goal_y, goal_z = layout
            if math.hypot(x - goal_x, y - goal_y) >= 0.15:
                return (x, y, z), (goal_x, goal_y, goal_z)

    def reset(self, object_xy: tuple[float, float], goal_xy: tuple[float, float]) -> None:
        """Put the hand at its start, the object at rest at ``object_xy``, the goal at ``goal_xy``; metres."""
        self._start = (*object_xy, self._object_height)
        self._goal = (*goal_xy, self._object_height)
        self._reward = self.task.reward(self._start, self._goal, self._tool_start)
        mujoco.mj_setState(self.model, self.data, self._settled, _STATE)
        self._object_joint[:] = self._start
        self._object_velocity[:] = 0.0
        mujoco.mj_forward(self.model, self.data)
        self._now = self._read()
        self._before = self._now

    def step(self, action: list[float], after_substep: Callable[[], None]) -> Judgement:
        """Advance one simulator step (five physics steps of 2.5 ms).

        Args:
            action: Four numbers in [-1, 1].
            after_substep: Called after each physics step; ``object_position`` is fresh then, nothing else is.

        Returns:
            Reward, its terms, and success.
        """
        mocap = self._mocap.tolist()
        self._mocap[:] = [
            min(max(now + _METRES_PER_ACTION * move, low), high)
            for now, move, low, high in zip(mocap, action, _HAND_LOW, _HAND_HIGH, strict=False)
        ]
        self._mocap_orientation[:] = _HAND_ORIENTATION
        effort = action[3]
        self._ctrl[:] = (effort, -effort)
        for _ in range(_SUBSTEPS):
            mujoco.mj_step(self.model, self.data)
            after_substep()
        mujoco.mj_forward(self.model, self.data)
        self._before = self._now
        self._now = self._read()
        return self._reward(self._reading(effort))

    @property
    def object_position(self) -> list[float]:
        """Object x, y, z in metres."""
        return self._object_joint.tolist()  # type: ignore[no-any-return]

    def observation(self) -> list[float]:
        """Return the 39 numbers of the observation."""
        return [*self._now, *self._before, *self._goal]

    def save(self) -> NDArray[np.float64]:
        """Pack everything that decides the future into one vector."""
        return np.concatenate((self._mj_state(), self._before, self._start, self._goal))

    def load(self, state: NDArray[np.float64]) -> None:
        """Unpack what ``save`` packed; the future then continues bit for bit."""
        size = self._settled.size
        mujoco.mj_setState(self.model, self.data, state[:size], _STATE)
        mujoco.mj_forward(self.model, self.data)
        # The forward pass overwrites the solver's warm start, which is part of the state.
        mujoco.mj_setState(self.model, self.data, state[:size], _STATE)
        rest: list[float] = state[size:].tolist()
        self._before = rest[:_CURRENT]
        self._start = (rest[18], rest[19], rest[20])
        self._goal = (rest[21], rest[22], rest[23])
        self._reward = self.task.reward(self._start, self._goal, self._tool_start)
        self._now = self._read()

    def _mj_state(self) -> NDArray[np.float64]:
        state = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        mujoco.mj_getState(self.model, self.data, state, _STATE)
        return state

    def _tool(self) -> Point:
        right, left = self._right_tip.tolist(), self._left_tip.tolist()
        return (right[0] + left[0]) / 2, (right[1] + left[1]) / 2, (right[2] + left[2]) / 2

    def _read(self) -> list[float]:
        right, left = self._right_claw.tolist(), self._left_claw.tolist()
        x, y, z = right[0] - left[0], right[1] - left[1], right[2] - left[2]
        opening = min(math.sqrt(x * x + y * y + z * z) / _FULL_OPENING, 1.0)
        rotation = quaternion(self._object_rotation.tolist())
        return [*self._hand.tolist(), opening, *self._object.tolist(), *rotation, *_NO_SECOND_OBJECT]

    def _reading(self, effort: float) -> Reading:
        object_x, object_y, object_z = self._now[4:7]
        return Reading(
            object=(object_x, object_y, object_z),
            tool=self._tool(),
            left_pad_y=float(self._left_pad[1]),
            right_pad_y=float(self._right_pad[1]),
            opening=self._now[3],
            effort=effort,
        )
