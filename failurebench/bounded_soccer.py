"""Bounded Soccer: bring the ball into the goal without letting it leave the near part of the table."""

from failurebench.bounded_env import BoundedEnv
from failurebench.sawyer_tasks import SOCCER


class BoundedSoccer(BoundedEnv):
    """Meta-World's soccer inside a box with an open far side; the ball has no rolling friction."""

    TASK = SOCCER
    OBJECT = "ball"
    X_LIMIT = 0.3
    FLOOR = -0.05
    """Metres. A hand can press the light ball's centre a millimetre into the table: that is no fall."""
