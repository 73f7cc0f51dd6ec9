"""Meta-World's dense push reward in plain floats, split into named terms.

The arithmetic follows Meta-World 3.1.1 (``reward_utils`` and ``SawyerPushEnvV3.compute_reward``) operation by
operation, so that the lean simulator returns the same numbers.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Point = tuple[float, float, float]


class Reading(NamedTuple):
    """What a reward looks at after a simulator step; metres, world frame."""

    object: Point
    tool: Point
    """Point half-way between the finger tips."""
    left_pad_y: float
    right_pad_y: float
    opening: float
    """Gripper opening, 0 (closed) to 1."""
    effort: float
    """Gripper part of the action, positive closes."""


class Judgement(NamedTuple):
    """Reward of one simulator step, 0 to 10, its parts, and whether the object is at the goal."""

    reward: float
    terms: dict[str, float]
    success: bool


class TaskReward(Protocol):
    """A task's reward function."""

    def __call__(self, reading: Reading) -> Judgement:
        """Judge one simulator step."""
        ...


# The long-tailed sigmoid is 1 / ((d * scale)^2 + 1); this scale makes it 0.1 at a distance of one margin.
_LONG_TAIL_SCALE = math.sqrt(1 / 0.1 - 1)


def long_tail(value: float, low: float, high: float, margin: float) -> float:
    """Return 1 inside [low, high], falling off outside to 0.1 at a distance of ``margin``."""
    if low <= value <= high:
        return 1.0
    if margin == 0.0:
        return 0.0
    distance = (low - value if value < low else value - high) / margin
    scaled = distance * _LONG_TAIL_SCALE
    return 1.0 / (scaled * scaled + 1.0)


def hamacher(a: float, b: float) -> float:
    """Return the Hamacher product of two numbers in [0, 1], a smooth "and"."""
    denominator = a + b - a * b
    return a * b / denominator if denominator > 0.0 else 0.0


def _distance(a: Point, b: Point) -> float:
    x, y, z = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return math.sqrt(x * x + y * y + z * z)


def _terms(
    grasp: float = 0.0, hold: float = 0.0, in_place: float = 0.0, goal: float = 0.0
) -> dict[str, float]:
    return {"grasp": grasp, "hold": hold, "in_place": in_place, "goal": goal}


@dataclass(frozen=True)
class PushReward:
    """Reward for gripping the puck and bringing it to the goal.

    Args:
        start: Position of the puck at reset.
        goal: Where the puck shall be.
        tool_start: Tool position at reset.
    """

    start: Point
    goal: Point
    tool_start: Point

    TARGET_RADIUS = 0.05
    PAD_REACH = 0.05
    PUCK_RADIUS = 0.015
    CAGE_DEPTH = 0.005
    HOLDING_DISTANCE = 0.02

    def __call__(self, reading: Reading) -> Judgement:
        """Judge one simulator step."""
        to_goal = _distance(reading.object, self.goal)
        success = to_goal <= self.TARGET_RADIUS
        if to_goal < self.TARGET_RADIUS:
            return Judgement(10.0, _terms(goal=10.0), success)
        grasp = 2.0 * self._grasp(reading)
        if _distance(reading.object, reading.tool) >= self.HOLDING_DISTANCE or reading.opening <= 0.0:
            return Judgement(grasp, _terms(grasp=grasp), success)
        in_place = 5.0 * long_tail(to_goal, 0.0, self.TARGET_RADIUS, _distance(self.start, self.goal))
        reward = grasp + (1.0 + grasp + in_place)
        return Judgement(reward, _terms(grasp=2.0 * grasp, hold=1.0, in_place=in_place), success)

    def _grasp(self, reading: Reading) -> float:
        """Return how well the fingers enclose and squeeze the puck, 0 to 1."""
        object_x, object_y, object_z = reading.object
        left = self._pad(reading.left_pad_y, object_y)
        right = self._pad(reading.right_pad_y, object_y)
        start_offset = math.hypot(self.start[0] - self.tool_start[0], self.start[2] - self.tool_start[2])
        offset = math.hypot(reading.tool[0] - object_x, reading.tool[2] - object_z)
        centred = long_tail(offset, 0.0, self.CAGE_DEPTH, start_offset - self.CAGE_DEPTH)
        caging = hamacher(hamacher(left, right), centred)
        squeeze = min(max(0.0, reading.effort), 1.0) if caging > 0.97 else 0.0
        return (hamacher(caging, squeeze) + caging) / 2.0

    def _pad(self, pad_y: float, object_y: float) -> float:
        """Return how close a finger pad is to touching the puck, 0 to 1."""
        margin = abs(abs(pad_y - self.start[1]) - self.PAD_REACH)
        return long_tail(abs(pad_y - object_y), self.PUCK_RADIUS, self.PAD_REACH, margin)
