"""A lean stepper on Meta-World's Sawyer scenes.

Same physics and same numbers as Meta-World's environment classes, with far less Python for each step.
Bit-exactness rests on details that look redundant: the settling sequence, the start position of the tool read
before a forward pass, and the forward pass after each step (it also sets the solver's warm start). That pass
is not for nothing: the next step begins with what it found. Who changes ``data`` by hand must therefore call
``mj_forward`` before the next step.
"""

import math
from collections.abc import Callable

import mujoco
import numpy as np
from metaworld.asset_path_utils import full_V3_path_for
from numpy.typing import NDArray

from failurebench.rotation import quaternion
from failurebench.sawyer_reward import Judgement, Point, Reading, TaskReward
from failurebench.sawyer_tasks import PUSH, SawyerTask

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


def _compile(task: SawyerTask) -> mujoco.MjModel:
    spec = mujoco.MjSpec.from_file(full_V3_path_for(task.xml))
    if task.extend is not None:
        task.extend(spec)
    model = spec.compile()
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
        # Meta-World reads the puck's geom, but that has its body's frame: the numbers are the same.
        self._object_rotation = self.data.xmat[self.model.body(task.object_body).id]
        joint = int(self.model.body(task.object_body).jntadr[0])
        start, velocity_start = int(self.model.jnt_qposadr[joint]), int(self.model.jnt_dofadr[joint])
        self._object_joint = self.data.qpos[start : start + 3]
        self._object_velocity = self.data.qvel[velocity_start : velocity_start + 6]
        self._mocap = self.data.mocap_pos[0]
        self._anchor = xpos[self.model.body("mocap").id]
        self._ctrl = self.data.ctrl
        self._settled, self._tool_start = self._settle()
        settled_height = float(self._object[2])
        self._object_height = settled_height if task.object_height is None else task.object_height
        self._goal_height = self._object_height if task.goal_height is None else task.goal_height
        self._goal_body = None if task.goal_body is None else self.model.body(task.goal_body).id
        self.track: list[list[float]] = []
        self._now = [0.0] * _CURRENT
        self._before = self._now
        self._goal: Point = (0.0, 0.0, 0.0)
        self._start: Point = (0.0, 0.0, 0.0)
        self._reward: TaskReward = task.reward(self._start, self._goal, self._tool_start)

    def _settle(self) -> tuple[NDArray[np.float64], Point]:
        mujoco.mj_resetData(self.model, self.data)
        self._mocap[:] = _HAND_START
        self.data.mocap_quat[0] = _HAND_ORIENTATION
        self._ctrl[:] = (-1.0, 1.0)
        for _ in range(50):
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
        self._set_layout((*object_xy, self._object_height), (*goal_xy, self._goal_height))
        mujoco.mj_setState(self.model, self.data, self._settled, _STATE)
        self._object_joint[:] = self._start
        self._object_velocity[:] = 0.0
        mujoco.mj_forward(self.model, self.data)
        self._now = self._read()
        self._before = self._now

    def step(self, action: list[float], after_substep: Callable[[], None] | None = None) -> Judgement:
        """Advance one simulator step (five physics steps of 2.5 ms).

        ``track`` then holds the object's positions after each of the five.

        Args:
            action: Four numbers in [-1, 1].
            after_substep: Called after each physics step; ``object_position`` is fresh then, nothing else is.

        Returns:
            Reward, its terms, and success.
        """
        model, data = self.model, self.data
        move_x, move_y, move_z, effort = action
        self._ctrl[:] = (effort, -effort)
        self._move_anchor(move_x, move_y, move_z)
        track, position, mj_step = self.track, self._object_joint.tolist, mujoco.mj_step
        track.clear()
        for substep in range(_SUBSTEPS):
            if substep == 0:
                self._first_substep()
            else:
                mj_step(model, data)
            track.append(position())
            if after_substep is not None:
                after_substep()
        mujoco.mj_forward(model, data)
        self._before = self._now
        self._now = self._read()
        return self._reward(self._reading(effort))

    def _move_anchor(self, move_x: float, move_y: float, move_z: float) -> None:
        x, y, z = self._mocap.tolist()
        (x_low, y_low, z_low), (x_high, y_high, z_high) = _HAND_LOW, _HAND_HIGH
        x, y, z = (
            x + _METRES_PER_ACTION * move_x,
            y + _METRES_PER_ACTION * move_y,
            z + _METRES_PER_ACTION * move_z,
        )
        self._mocap[:] = (
            x_low if x < x_low else x_high if x > x_high else x,
            y_low if y < y_low else y_high if y > y_high else y,
            z_low if z < z_low else z_high if z > z_high else z,
        )
        self._anchor[:] = self._mocap  # what the next kinematics would do, one physics step too late

    def _first_substep(self) -> None:
        """Do what ``mj_step`` does, without what the forward pass after the last step has found already.

        Only the hand's anchor and the controls have changed since, so kinematics, contacts and inertia stand;
        the weld between anchor and hand does not.
        """
        model, data = self.model, self.data
        mujoco.mj_makeConstraint(model, data)
        mujoco.mj_referenceConstraint(model, data)
        mujoco.mj_step2(model, data)

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
        rest: list[float] = state[size:].tolist()
        self._before = rest[:_CURRENT]
        self._set_layout((rest[18], rest[19], rest[20]), (rest[21], rest[22], rest[23]))
        mujoco.mj_setState(self.model, self.data, state[:size], _STATE)
        mujoco.mj_forward(self.model, self.data)
        # The forward pass overwrites the solver's warm start, which is part of the state.
        mujoco.mj_setState(self.model, self.data, state[:size], _STATE)
        self._now = self._read()

    def _set_layout(self, start: Point, goal: Point) -> None:
        self._start = start
        self._goal = goal
        self._reward = self.task.reward(start, goal, self._tool_start)
        if self._goal_body is not None:
            # In the model, not in the state: a restored state must bring its goal along.
            self.model.body_pos[self._goal_body] = goal

    def _mj_state(self) -> NDArray[np.float64]:
        state = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        mujoco.mj_getState(self.model, self.data, state, _STATE)
        return state

    def _tool(self) -> Point:
        (right_x, right_y, right_z), (left_x, left_y, left_z) = (
            self._right_tip.tolist(),
            self._left_tip.tolist(),
        )
        return (right_x + left_x) / 2, (right_y + left_y) / 2, (right_z + left_z) / 2

    def _read(self) -> list[float]:
        right_x, right_y, right_z = self._right_claw.tolist()
        left_x, left_y, left_z = self._left_claw.tolist()
        x, y, z = right_x - left_x, right_y - left_y, right_z - left_z
        opening = min(math.sqrt(x * x + y * y + z * z) / _FULL_OPENING, 1.0)
        rotation = quaternion(self._object_rotation.tolist())
        return [*self._hand.tolist(), opening, *self._object.tolist(), *rotation, *_NO_SECOND_OBJECT]

    def _reading(self, effort: float) -> Reading:
        _, _, _, opening, x, y, z, *_ = self._now
        _, left_pad_y, _ = self._left_pad.tolist()
        _, right_pad_y, _ = self._right_pad.tolist()
        return Reading((x, y, z), self._tool(), left_pad_y, right_pad_y, opening, effort)
