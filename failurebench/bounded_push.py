"""Bounded Push: bring the puck to the goal without letting it leave the near part of the table."""

from failurebench.bounded_env import BoundedEnv
from failurebench.sawyer_tasks import PUSH


class BoundedPush(BoundedEnv):
    """Meta-World's push inside a box with an open far side."""

    TASK = PUSH
    OBJECT = "puck"
    X_LIMIT = 0.2
