"""What the tasks on the Franka's table share: layout, stepping, observation, snapshots."""

import math
from abc import abstractmethod
from collections.abc import Callable

import mujoco
import numpy as np
from numpy.typing import NDArray

from failurebench.env import FailureBenchEnv, Observation, Outcome
from failurebench.franka.panda import JOINTS, Panda, Reach
from failurebench.franka.panda_model import Point
from failurebench.franka.rules import XY, TableRules, outcome
from failurebench.franka.scene import TIME_STEP, Scene

PERIOD = 0.2
"""One agent step, seconds: the paper perceives and acts at 5 Hz."""
SUBSTEPS = round(PERIOD / TIME_STEP)
_STATE = mujoco.mjtState.mjSTATE_INTEGRATION


class FrankaEnv(FailureBenchEnv):
    """A table, the arm, one free object; a subclass brings the scene and the rules.

    Action (3,): motion of the hand on x, y, z as a share of ``Reach.step``; the gripper stands still. The
    failure set is tested at both ends of every physics step. Observation, in this order: hand x, y, z, object
    x, y, z, object velocity x, y, z (metres, metres per second), what the subclass adds, goal x, y, z.
    """

    action_size = 3
    observation_size = 12

    HOME: Point = (0.31, 0.0, 0.06)
    rules: TableRules

    def __init__(
        self,
        scene: Scene,
        reach: Reach,
        object_name: str,
        object_height: float,
        *,
        horizon: int,
        success_hold: int,
        action_repeat: int,
        end_on_success: bool,
        end_on_failure: bool,
        randomize: bool,
        object_position: XY,
        goal_position: XY,
        object_jitter: float,
        failure_penalty: float,
    ) -> None:
        """Build the scene; the subclasses explain the arguments."""
        super().__init__(
            horizon=horizon,
            success_hold=success_hold,
            action_repeat=action_repeat,
            end_on_success=end_on_success,
            end_on_failure=end_on_failure,
            randomize=randomize,
        )
        self.object_position = object_position
        self.goal_position = goal_position
        self.object_jitter = object_jitter
        self.failure_penalty = failure_penalty
        self.panda = Panda(scene.compile(), reach, self.HOME, PERIOD)
        self._object_name = object_name
        self._object_height = object_height
        self._goal: XY = goal_position
        self._data = self.panda.data
        self._object = self._data.xpos[self.panda.model.body(object_name).id]
        self._velocity = self._data.qvel[JOINTS : JOINTS + 3]
        goal_body = mujoco.mj_name2id(self.panda.model, mujoco.mjtObj.mjOBJ_BODY, "goal")
        self._goal_body = self._data.mocap_pos[self.panda.model.body_mocapid[goal_body]]
        self._repeat = 0
        self._looks: dict[int, float] = {}
        self._look: Callable[[float], None] = lambda share: None

    def look_on(self, times: int, look: Callable[[float], None]) -> None:
        """Have somebody look on while the agent steps are under way; it changes nothing of them.

        Args:
            times: How often in an agent step, at equal distances; its beginning and its end do not count.
            look: Called with the share of the agent step that has passed, in (0, 1).
        """
        shares = [k / (times + 1) for k in range(1, times + 1)]
        self._looks = {round(share * SUBSTEPS * self.action_repeat): share for share in shares}
        self._look = look

    def _start_episode(self, random: np.random.Generator) -> None:
        self._repeat = 0
        (x, y), self._goal = self.object_position, self.goal_position
        if self.randomize:
            (x, y), self._goal = self._draw_layout(random)
        shift_x, shift_y = random.uniform(-self.object_jitter, self.object_jitter, 2).tolist()
        self.panda.reset()
        self._data.qpos[JOINTS : JOINTS + 3] = (x + shift_x, y + shift_y, self._object_height)
        self._goal_body[:2] = self._goal
        mujoco.mj_forward(self.panda.model, self._data)

    def _simulate(self, action: list[float]) -> Outcome:
        model, data, mj_step, margin_now = self.panda.model, self._data, mujoco.mj_step, self._margin
        self.panda.command(action)
        margin = math.inf
        begin = self._repeat * SUBSTEPS
        self._repeat = (self._repeat + 1) % self.action_repeat
        for substep in range(SUBSTEPS):
            self._before_substep(substep)
            if begin + substep in self._looks:
                mujoco.mj_kinematics(model, data)
                self._look(self._looks[begin + substep])
            mj_step(model, data)
            # Positions are those at the beginning of the physics step.
            margin = min(margin, margin_now())
        self._after_last_substep()
        mujoco.mj_kinematics(model, data)
        margin = min(margin, margin_now())
        return outcome(self.rules, self.panda.hand, self.object_now, self._goal, margin, self.failure_penalty)

    @property
    def object_now(self) -> list[float]:
        """Position x, y, z of the object's centre, metres."""
        return self._object.tolist()  # type: ignore[no-any-return]

    def _observe(self) -> Observation:
        numbers = (
            *self.panda.hand,
            *self.object_now,
            *self._velocity.tolist(),
            *self._more_to_see(),
            *self._goal,
            self._object_height,
        )
        return np.array(numbers, dtype=np.float32)

    def objects(self) -> dict[str, NDArray[np.float64]]:
        """Return the object's position (3,), metres."""
        return {self._object_name: self._object.copy()}

    def _save_state(self) -> NDArray[np.float64]:
        state = np.empty(mujoco.mj_stateSize(self.panda.model, _STATE))
        mujoco.mj_getState(self.panda.model, self._data, state, _STATE)
        return np.concatenate((state, self._goal, self._save_more()))

    def _load_state(self, state: NDArray[np.float64]) -> None:
        size = mujoco.mj_stateSize(self.panda.model, _STATE)
        mujoco.mj_setState(self.panda.model, self._data, state[:size], _STATE)
        self._goal = (float(state[size]), float(state[size + 1]))
        self._load_more(state[size + 2 :])
        # Positions follow from the state; the solver's warm start, which is part of it, stays untouched.
        mujoco.mj_kinematics(self.panda.model, self._data)

    def _before_substep(self, substep: int) -> None:
        """Change what acts on the objects during the next physics step."""

    def _after_last_substep(self) -> None:
        """Bring what ``_before_substep`` changes to the end of the agent step."""

    def _more_to_see(self) -> tuple[float, ...]:
        """Return what the observation holds besides hand, object and goal."""
        return ()

    def _save_more(self) -> NDArray[np.float64]:
        """Pack the task's own state, besides MuJoCo's and the goal."""
        return np.empty(0)

    def _load_more(self, state: NDArray[np.float64]) -> None:
        """Unpack what ``_save_more`` packed."""

    @abstractmethod
    def _draw_layout(self, random: np.random.Generator) -> tuple[XY, XY]:
        """Draw object and goal positions, metres."""
