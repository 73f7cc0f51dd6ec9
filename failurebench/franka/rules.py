"""What counts on the Franka's table: reward, success and failure, from positions alone.

The twins ask these rules with what the simulator knows, a robot with what a camera saw: one set of numbers.
"""

import math
from dataclasses import dataclass
from typing import Protocol

from failurebench.env import Outcome
from failurebench.franka.field import Field
from failurebench.franka.flower import Flower
from failurebench.franka.reward import push_terms
from failurebench.obstacle_box import ObstacleBox

PUCK_RADIUS = 0.035
_PUCK_GOAL = 0.04
"""A puck is there when its centre is this near to the goal, metres."""
_BALL_GOAL = 0.05
_DETOUR = 0.03
"""How far from the wall's open end the reward's way to the goal leads the puck's rim, metres."""

XY = tuple[float, float]


class TableRules(Protocol):
    """The rules of one task. Positions are x, y, z in the robot's base frame, metres."""

    def margin(self, hand: list[float], held: list[float], obstacle: XY) -> float:
        """Return the signed distance to the failure set, metres; zero or less is a failure.

        Args:
            hand: Point between the finger tips.
            held: Centre of the object that is pushed.
            obstacle: x, y of what a person moves about; anything in a task without.
        """

    def judge(self, hand: list[float], held: list[float], goal: XY) -> tuple[dict[str, float], bool]:
        """Return the reward's terms but for the penalty, and success."""


def outcome(
    rules: TableRules,
    hand: list[float],
    held: list[float],
    goal: XY,
    margin: float,
    failure_penalty: float,
) -> Outcome:
    """Sum up an agent step.

    Args:
        rules: The task's.
        hand: Position at its end, metres.
        held: Position of the object at its end, metres.
        goal: x, y, metres.
        margin: Smallest signed distance to the failure set during the step, metres.
        failure_penalty: What the reward loses in a step with a failure.
    """
    terms, success = rules.judge(hand, held, goal)
    terms["penalty"] = -failure_penalty if margin <= 0.0 else 0.0
    return Outcome(sum(terms.values()), terms, success, margin)


@dataclass(frozen=True)
class WallRules:
    """Around a wall that the puck must not touch; the hand may.

    Attributes:
        wall: With the puck's radius.
    """

    wall: ObstacleBox

    def margin(self, hand: list[float], held: list[float], obstacle: XY) -> float:
        """Return the signed distance of the puck's rim to the wall, metres."""
        return self.wall.margin_at(held[0], held[1])

    def judge(self, hand: list[float], held: list[float], goal: XY) -> tuple[dict[str, float], bool]:
        """Return the reward's terms, and success."""
        success = math.dist(held[:2], goal) <= _PUCK_GOAL
        return push_terms(hand, held, self.way_left((held[0], held[1]), goal), success), success

    def way_left(self, puck: XY, goal: XY) -> float:
        """Return the length of the puck's way to the goal around the wall's open end, metres."""
        (x, y), (goal_x, goal_y) = puck, goal
        corner_x = self.wall.centre[0]
        corner_y = self.wall.centre[1] + self.wall.half_size[1] + self.wall.radius + _DETOUR
        straight = math.hypot(goal_x - x, goal_y - y)
        if x >= corner_x or goal_x <= corner_x:
            return straight
        crossing = y + (goal_y - y) * (corner_x - x) / (goal_x - x)
        if crossing >= corner_y:
            return straight
        return math.hypot(corner_x - x, corner_y - y) + math.hypot(goal_x - corner_x, goal_y - corner_y)


@dataclass(frozen=True)
class FlowerRules:
    """Past a flower that neither puck nor hand may touch.

    Attributes:
        flower: It is the obstacle that ``margin`` is told the place of.
    """

    flower: Flower

    def margin(self, hand: list[float], held: list[float], obstacle: XY) -> float:
        """Return the signed distance of puck and hand to the flower, metres."""
        return min(
            self.flower.gap_to_puck(held[0] - obstacle[0], held[1] - obstacle[1], PUCK_RADIUS),
            self.flower.gap_to_hand(hand[0] - obstacle[0], hand[1] - obstacle[1], hand[2]),
        )

    def judge(self, hand: list[float], held: list[float], goal: XY) -> tuple[dict[str, float], bool]:
        """Return the reward's terms, and success."""
        distance = math.dist(held[:2], goal)
        success = distance <= _PUCK_GOAL
        return push_terms(hand, held, distance, success), success


@dataclass(frozen=True)
class FieldRules:
    """Over a field that the ball's centre must not leave.

    Attributes:
        field: Seen from above.
    """

    field: Field

    def margin(self, hand: list[float], held: list[float], obstacle: XY) -> float:
        """Return the signed distance of the ball's centre to the outside, metres."""
        return self.field.margin_at(held[0], held[1])

    def judge(self, hand: list[float], held: list[float], goal: XY) -> tuple[dict[str, float], bool]:
        """Return the reward's terms, and success."""
        distance = math.dist(held[:2], goal)
        success = distance <= _BALL_GOAL
        return push_terms(hand, held, distance, success), success
