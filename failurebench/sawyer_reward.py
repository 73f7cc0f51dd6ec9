"""What Meta-World's dense rewards share, in plain floats: reading, judgement and shaping functions.

The arithmetic of all rewards follows Meta-World 3.1.1 (``reward_utils`` and each class's ``compute_reward``)
operation by operation, so that the lean simulator returns the same numbers.
"""

import math
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
    excess = (low - value if value < low else value - high) / margin
    scaled = excess * _LONG_TAIL_SCALE
    return 1.0 / (scaled * scaled + 1.0)


def hamacher(a: float, b: float) -> float:
    """Return the Hamacher product of two numbers in [0, 1], a smooth "and"."""
    denominator = a + b - a * b
    return a * b / denominator if denominator > 0.0 else 0.0


def distance(a: Point, b: Point, x_weight: float = 1.0) -> float:
    """Return the Euclidean distance, with differences in x counted ``x_weight`` times."""
    x, y, z = (a[0] - b[0]) * x_weight, a[1] - b[1], a[2] - b[2]
    return math.sqrt(x * x + y * y + z * z)


def reward_terms(
    grasp: float = 0.0, hold: float = 0.0, in_place: float = 0.0, goal: float = 0.0
) -> dict[str, float]:
    """Return the named parts of a reward."""
    return {"grasp": grasp, "hold": hold, "in_place": in_place, "goal": goal}
