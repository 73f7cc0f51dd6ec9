"""The Meta-World scenes with the Sawyer arm that the tasks are built on."""

from collections.abc import Callable
from dataclasses import dataclass

import mujoco

from failurebench.push_reward import PushReward
from failurebench.push_wall_reward import PushWallReward
from failurebench.sawyer_reward import Point, TaskReward
from failurebench.soccer_reward import SoccerReward


@dataclass(frozen=True)
class SawyerTask:
    """What differs between Meta-World's tasks on the same table.

    Attributes:
        xml: Model file inside Meta-World's assets.
        object_body: Body of the object; it moves freely.
        layout_low: Lower bounds of object x, y, z and goal x, y, z, metres.
        layout_high: Upper bounds of the same.
        reward: Makes the reward function from object start, goal and tool start.
        object_height: Height of the object at reset, metres; None: the height at which it settles.
        goal_height: Height of the goal, metres; None: that of the object.
        goal_body: Body that is put at the goal, or None.
        extend: Adds to the scene before it is compiled, or None.
    """

    xml: str
    object_body: str
    layout_low: tuple[float, ...]
    layout_high: tuple[float, ...]
    reward: Callable[[Point, Point, Point], TaskReward]
    object_height: float | None = None
    goal_height: float | None = None
    goal_body: str | None = None
    extend: Callable[[mujoco.MjSpec], None] | None = None


PUSH = SawyerTask(
    xml="sawyer_xyz/sawyer_push_v3.xml",
    object_body="obj",
    layout_low=(-0.1, 0.6, 0.02, -0.1, 0.8, 0.01),
    layout_high=(0.1, 0.7, 0.02, 0.1, 0.9, 0.02),
    reward=PushReward,
)

PUSH_WALL = SawyerTask(
    xml="sawyer_xyz/sawyer_push_wall_v3.xml",
    object_body="obj",
    layout_low=(-0.05, 0.6, 0.015, -0.05, 0.85, 0.01),
    layout_high=(0.05, 0.65, 0.015, 0.05, 0.9, 0.02),
    reward=PushWallReward,
)

SOCCER = SawyerTask(
    xml="sawyer_xyz/sawyer_soccer.xml",
    object_body="soccer_ball",
    layout_low=(-0.1, 0.6, 0.03, -0.1, 0.8, 0.0),
    layout_high=(0.1, 0.7, 0.03, 0.1, 0.9, 0.0),
    reward=SoccerReward,
    object_height=0.03,
    goal_height=0.0,
    goal_body="goal_whole",
)
