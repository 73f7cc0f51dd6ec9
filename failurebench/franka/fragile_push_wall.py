"""Franka Fragile Push Wall: bring a fragile puck around a wall without letting it touch the wall."""

import numpy as np

from failurebench.franka.panda import Reach
from failurebench.franka.puck import PUCK_CONTACTS, PUCK_HEIGHT, puck_xml
from failurebench.franka.rules import XY, WallRules
from failurebench.franka.scene import Contact, Scene, finger_contacts
from failurebench.franka.table_env import FrankaEnv
from failurebench.obstacle_box import ObstacleBox

WALL_HEIGHT = 0.05


class FrankaFragilePushWall(FrankaEnv):
    """The puck fails when its rim touches the wall; the hand may.

    The wall stands across the straight way to the goal; its left end leaves room to go around.
    """

    def __init__(
        self,
        *,
        horizon: int = 60,
        success_hold: int = 5,
        action_repeat: int = 1,
        end_on_success: bool = True,
        end_on_failure: bool = False,
        randomize: bool = False,
        box_centre: XY = (0.5, -0.10),
        box_half_size: XY = (0.012, 0.10),
        object_radius: float = 0.035,
        object_position: XY = (0.37, 0.0),
        goal_position: XY = (0.65, 0.0),
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
            box_centre: Centre x, y of the wall, metres.
            box_half_size: Half of the wall's thickness and width, metres.
            object_radius: Radius of the puck, metres.
            object_position: Puck x, y at reset, metres (not with ``randomize``).
            goal_position: Goal x, y, metres (not with ``randomize``).
            object_jitter: Half-width of the uniform jitter on the puck's x and y at reset, metres.
            failure_penalty: What the reward loses in an agent step with a failure.
        """
        (x, y), (half_x, half_y) = box_centre, box_half_size
        wall = (
            f'<geom name="wall" type="box" pos="{x} {y} {WALL_HEIGHT / 2}" '
            f'size="{half_x} {half_y} {WALL_HEIGHT / 2}" rgba=".75 .2 .15 1"/>'
        )
        contacts = (*PUCK_CONTACTS, Contact("puck", "wall", 0.3), *finger_contacts("wall", 0.3))
        super().__init__(
            Scene(puck_xml(object_radius) + wall, contacts),
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
        self.wall = ObstacleBox(box_centre, box_half_size, object_radius)
        self.rules = WallRules(self.wall)

    def margin_at(self, x: float, y: float) -> float:
        """Signed distance (metres) of a puck's rim, centre at x, y, to the wall; negative in it."""
        return self.wall.margin_at(x, y)

    def _margin(self) -> float:
        x, y, _ = self._object.tolist()
        return self.wall.margin_at(x, y)

    def _draw_layout(self, random: np.random.Generator) -> tuple[XY, XY]:
        x, y, goal_x, goal_y = random.uniform((0.36, -0.03, 0.64, -0.03), (0.38, 0.03, 0.67, 0.03)).tolist()
        return (x, y), (goal_x, goal_y)
