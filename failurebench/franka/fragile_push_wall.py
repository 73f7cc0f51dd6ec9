"""Franka Fragile Push Wall: bring a fragile puck around a wall without letting it touch the wall."""

import math

import numpy as np

from failurebench.franka.panda import Reach
from failurebench.franka.puck import PUCK_CONTACTS, PUCK_HEIGHT, puck_xml
from failurebench.franka.reward import push_terms
from failurebench.franka.scene import Contact, Scene, finger_contacts
from failurebench.franka.table_env import XY, FrankaEnv
from failurebench.obstacle_box import ObstacleBox

WALL_HEIGHT = 0.05
GOAL_RADIUS = 0.04
_DETOUR = 0.03
"""How far from the wall's open end the reward's way to the goal leads the puck's rim, metres."""


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
        )
        self.wall = ObstacleBox(box_centre, box_half_size, object_radius)
        self._corner = (x, y + half_y + object_radius + _DETOUR)

    def margin_at(self, x: float, y: float) -> float:
        """Signed distance (metres) of a puck's rim, centre at x, y, to the wall; negative in it."""
        return self.wall.margin_at(x, y)

    def _margin(self) -> float:
        x, y, _ = self._object.tolist()
        return self.wall.margin_at(x, y)

    def _judge(self, hand: list[float], held: list[float]) -> tuple[dict[str, float], bool]:
        success = math.dist(held[:2], self._goal) <= GOAL_RADIUS
        return push_terms(hand, held, self.way_left(held[0], held[1]), success), success

    def way_left(self, x: float, y: float) -> float:
        """Length of the puck's way to the goal around the wall's open end, metres."""
        corner_x, corner_y = self._corner
        goal_x, goal_y = self._goal
        straight = math.hypot(goal_x - x, goal_y - y)
        if x >= corner_x or goal_x <= corner_x:
            return straight
        crossing = y + (goal_y - y) * (corner_x - x) / (goal_x - x)
        if crossing >= corner_y:
            return straight
        return math.hypot(corner_x - x, corner_y - y) + math.hypot(goal_x - corner_x, goal_y - corner_y)

    def _draw_layout(self, random: np.random.Generator) -> tuple[XY, XY]:
        x, y, goal_x, goal_y = random.uniform((0.36, -0.03, 0.64, -0.03), (0.38, 0.03, 0.67, 0.03)).tolist()
        return (x, y), (goal_x, goal_y)
