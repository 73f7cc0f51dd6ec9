"""The dense reward of the Franka tasks: at most 10 per agent step."""

import math

_REACH_SCALE = 0.1
_PLACE_SCALE = 0.15


def push_terms(hand: list[float], held: list[float], distance: float, success: bool) -> dict[str, float]:
    """Return the reward's terms.

    Args:
        hand: Position of the finger tips, metres.
        held: Position of the object, metres.
        distance: What is left of the object's way to the goal, metres.
        success: Whether it is there.

    Returns:
        ``reach`` (at most 1, hand near the object), ``place`` (at most 4, object near the goal) and ``goal``
        (5 when it is there).
    """
    return {
        "reach": math.exp(-math.dist(hand, held) / _REACH_SCALE),
        "place": 4.0 * math.exp(-distance / _PLACE_SCALE),
        "goal": 5.0 if success else 0.0,
    }
