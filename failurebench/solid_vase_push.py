"""The hard variant of Obstructed Push: a small solid vase stands between puck and goal."""

import math
import sys
from dataclasses import replace

import mujoco
import numpy as np

from failurebench.arm_shell import ArmShell
from failurebench.env import Observation, Outcome
from failurebench.sawyer_env import SawyerEnv
from failurebench.sawyer_tasks import PUSH
from failurebench.vase import Vase


class SolidVasePush(SawyerEnv):
    """Meta-World's push around a small upright cylinder that neither puck nor robot may touch.

    The failure is a contact with the vase, tested after each physics step. ``margin`` is the depth of the
    contact, or else the distance of puck and arm (its links from ``right_l3`` on) at the end of the simulator
    step. The observation's places for a second object hold the vase: x, y and half its height, metres, in
    11:14 and 29:32.
    """

    def __init__(
        self,
        *,
        horizon: int = 500,
        success_hold: int = 10,
        action_repeat: int = 1,
        end_on_success: bool = True,
        end_on_failure: bool = True,
        randomize: bool = True,
        vase_position: tuple[float, float] = (0.0, 0.77),
        vase_radius: float = 0.02,
        vase_half_height: float = 0.025,
        puck_clearance: float = 0.10,
        goal_clearance: float = 0.07,
        object_position: tuple[float, float] = (-0.0125, 0.6892),
        goal_position: tuple[float, float] = (0.0090, 0.8424),
        object_jitter: float = 0.0,
    ) -> None:
        """Build the scene.

        Args:
            horizon: Longest episode, agent steps.
            success_hold: Consecutive successful agent steps after which a training episode terminates.
            action_repeat: Simulator steps of 12.5 ms for each agent step.
            end_on_success: Terminate when success has held long enough.
            end_on_failure: Terminate at the first failure.
            randomize: Draw puck and goal at each reset from Meta-World's ranges.
            vase_position: x, y of the vase, metres.
            vase_radius: Its radius, metres.
            vase_half_height: Half its height, metres.
            puck_clearance: Least distance of a drawn puck position from the vase's axis, metres.
            goal_clearance: The same of a drawn goal, metres.
            object_position: Puck x, y at reset, metres (not with ``randomize``).
            goal_position: Goal x, y, metres (not with ``randomize``).
            object_jitter: Half-width of the uniform jitter on the puck's x and y at reset, metres.
        """
        self.vase_position = vase_position
        self.vase_radius = vase_radius
        self.vase_half_height = vase_half_height
        self.puck_clearance = puck_clearance
        self.goal_clearance = goal_clearance
        super().__init__(
            replace(PUSH, extend=self._add_vase),
            "puck",
            horizon=horizon,
            success_hold=success_hold,
            action_repeat=action_repeat,
            end_on_success=end_on_success,
            end_on_failure=end_on_failure,
            randomize=randomize,
            object_position=object_position,
            goal_position=goal_position,
            object_jitter=object_jitter,
        )
        model = self._sawyer.model
        self._puck_geom, self._vase_geom = model.geom("objGeom").id, model.geom("vase").id
        self._arm = ArmShell(model)
        self._shape = Vase(vase_position, ((vase_radius, 0.0), (vase_radius, 2.0 * vase_half_height)))
        self._place = (*vase_position, vase_half_height)
        self._ends = np.empty(6)

    def _add_vase(self, spec: mujoco.MjSpec) -> None:
        body = spec.worldbody.add_body(name="vase", pos=[*self.vase_position, self.vase_half_height])
        body.add_geom(
            name="vase",
            type=mujoco.mjtGeom.mjGEOM_CYLINDER,
            size=[self.vase_radius, self.vase_half_height, 0.0],
            contype=1,
            conaffinity=1,
            rgba=(0.8, 0.1, 0.1, 1.0),
        )

    def _start_episode(self, random: np.random.Generator) -> None:
        if not self.randomize:
            super()._start_episode(random)
            return
        while True:
            (x, y, _), (goal_x, goal_y, _) = self._sawyer.draw_layout(random)
            puck_off, goal_off = self._off_vase(x, y), self._off_vase(goal_x, goal_y)
            if puck_off >= self.puck_clearance and goal_off >= self.goal_clearance:
                break
        self._sawyer.reset((x, y), (goal_x, goal_y))

    def _off_vase(self, x: float, y: float) -> float:
        """Horizontal distance from the vase's axis."""
        return math.hypot(x - self.vase_position[0], y - self.vase_position[1])

    def _observe(self) -> Observation:
        observation = super()._observe()
        observation[11:14] = observation[29:32] = self._place
        return observation

    def _simulate(self, action: list[float]) -> Outcome:
        depths: list[float] = []
        reward, terms, success = self._sawyer.step(action, lambda: depths.append(self._contact_depth()))
        # Contacts come one physics step late: the first belong to the step before this, the last are due now.
        return Outcome(reward, terms, success, min(*depths[1:], self._margin()))

    def _contact_depth(self) -> float:
        """Signed distance of the deepest contact with the vase, at most 0; infinite if there is none."""
        contacts = self._sawyer.data.contact
        pairs = contacts.geom.tolist()
        depths = [d for pair, d in zip(pairs, contacts.dist.tolist(), strict=True) if self._vase_geom in pair]
        return min(0.0, *depths) if depths else math.inf

    def _margin(self) -> float:
        depth = self._contact_depth()
        if depth <= 0.0:
            return depth
        model, data = self._sawyer.model, self._sawyer.data
        puck = mujoco.mj_geomDistance(model, data, self._puck_geom, self._vase_geom, 1.0, self._ends)
        # Without a contact there is no failure, however near the shapes that do not collide have come.
        return max(min(float(puck), self._arm.distance(data, self._shape)), sys.float_info.min)

    def margin_at(self, x: float, y: float, z: float) -> float:
        """Signed distance of a point (metres) to the vase, negative inside."""
        return self._shape.distance(x - self.vase_position[0], y - self.vase_position[1], z)
