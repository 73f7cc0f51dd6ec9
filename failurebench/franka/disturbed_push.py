"""Franka Disturbed Push: bring the puck to the goal while a person moves a flower across the way."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from failurebench.franka.disturber import Disturber
from failurebench.franka.flower import Flower
from failurebench.franka.panda import Reach
from failurebench.franka.puck import PUCK_CONTACTS, PUCK_HEIGHT, puck_xml
from failurebench.franka.rules import XY, FlowerRules
from failurebench.franka.scene import Scene
from failurebench.franka.table_env import FrankaEnv


class FrankaDisturbedPush(FrankaEnv):
    """The task fails when puck or hand touches the flower.

    The flower moves by a plan of its own (``Disturber``) whatever the robot does, and is not solid. The
    observation (18,) also holds the flower's position and velocity.
    """

    observation_size = 18

    def __init__(
        self,
        *,
        horizon: int = 80,
        success_hold: int = 5,
        action_repeat: int = 1,
        end_on_success: bool = True,
        end_on_failure: bool = False,
        randomize: bool = False,
        flower_radius: float = 0.04,
        flower_height: float = 0.05,
        lane: XY = (0.485, 0.515),
        object_position: XY = (0.37, 0.0),
        goal_position: XY = (0.67, 0.0),
        object_jitter: float = 0.015,
        failure_penalty: float = 10.0,
    ) -> None:
        """Build the scene.

        Args:
            horizon: Longest episode, agent steps of 0.2 s.
            success_hold: Consecutive successful agent steps after which a training episode terminates.
            action_repeat: Simulator steps of 0.2 s for each agent step.
            end_on_success: Terminate when success has held long enough.
            end_on_failure: Terminate at the first failure.
            randomize: Draw puck and goal at each reset.
            flower_radius: Metres.
            flower_height: Metres; lower than the palm of a pushing hand.
            lane: Least and greatest x of the places that the flower is moved to, metres.
            object_position: Puck x, y at reset, metres (not with ``randomize``).
            goal_position: Goal x, y, metres (not with ``randomize``).
            object_jitter: Half-width of the uniform jitter on the puck's x and y at reset, metres.
            failure_penalty: What the reward loses in an agent step with a failure.
        """
        self.flower = Flower(flower_radius, flower_height)
        self.rules = FlowerRules(self.flower)
        self.disturber = Disturber(lane)
        stem = 0.4 * flower_height
        flower = (
            f'<body name="flower" mocap="true" pos=".5 .2 0">'
            f'<geom type="cylinder" size="{0.6 * flower_radius} {stem / 2}" pos="0 0 {stem / 2}" '
            f'rgba=".6 .35 .2 1"/>'
            f'<geom type="ellipsoid" size="{flower_radius} {flower_radius} {0.3 * flower_height}" '
            f'pos="0 0 {0.7 * flower_height}" rgba=".95 .75 .1 1"/></body>'
        )
        super().__init__(
            Scene(puck_xml() + flower, PUCK_CONTACTS),
            Reach((0.28, -0.25, 0.025), (0.72, 0.25, 0.25), 0.03),
            "puck",
            PUCK_HEIGHT,
            horizon=horizon,
            success_hold=success_hold,
            action_repeat=action_repeat,
            end_on_success=end_on_success,
            end_on_failure=end_on_failure,
            randomize=randomize,
            object_position=object_position,
            goal_position=goal_position,
            object_jitter=object_jitter,
            failure_penalty=failure_penalty,
        )
        body = mujoco.mj_name2id(self.panda.model, mujoco.mjtObj.mjOBJ_BODY, "flower")
        self._flower_body = self._data.mocap_pos[self.panda.model.body_mocapid[body]]
        self._time = 0.0

    def _start_episode(self, random: np.random.Generator) -> None:
        super()._start_episode(random)
        self.disturber.draw(random)
        self._move_flower()

    def _move_flower(self) -> None:
        """Take the flower to where it is now; ``_time`` is that of the positions that ``_margin`` reads."""
        self._time = float(self._data.time)
        self._flower_body[:2] = self.disturber.position(self._time)

    def _before_substep(self, substep: int) -> None:
        self._move_flower()

    def _after_last_substep(self) -> None:
        self._move_flower()

    def margin_at(self, puck: XY, hand: list[float], flower: XY) -> float:
        """Signed distance of puck and hand to the flower, metres, negative where one is in it.

        Args:
            puck: Its centre x, y, metres.
            hand: Point between the finger tips x, y, z, metres.
            flower: Its axis x, y, metres.
        """
        return self.rules.margin(hand, [*puck], flower)

    def _margin(self) -> float:
        return self.rules.margin(self.panda.hand, self.object_now, self.disturber.position(self._time))

    def _more_to_see(self) -> tuple[float, ...]:
        flower = self.disturber.position(self._time)
        return (*flower, 0.0, *self.disturber.velocity(self._time), 0.0)

    def objects(self) -> dict[str, NDArray[np.float64]]:
        """Return the positions (3,) of puck and flower, metres."""
        flower = np.array((*self.disturber.position(self._time), 0.0))
        return {**super().objects(), "flower": flower}

    def _save_more(self) -> NDArray[np.float64]:
        return self.disturber.packed()

    def _load_more(self, state: NDArray[np.float64]) -> None:
        self.disturber.unpack(state)
        self._time = float(self._data.time)

    def _draw_layout(self, random: np.random.Generator) -> tuple[XY, XY]:
        x, y, goal_x, goal_y = random.uniform((0.36, -0.03, 0.66, -0.03), (0.38, 0.03, 0.68, 0.03)).tolist()
        return (x, y), (goal_x, goal_y)
