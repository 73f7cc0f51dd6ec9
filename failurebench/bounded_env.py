"""What Bounded Push and Bounded Soccer share: a box on the table that the object must not leave."""

from typing import ClassVar

from failurebench.safe_box import SafeBox
from failurebench.sawyer_env import SawyerEnv
from failurebench.sawyer_tasks import SawyerTask


class BoundedEnv(SawyerEnv):
    """A Meta-World task inside a box with an open far side; a subclass names the task and its box.

    The object fails when it reaches ``|x| = x_limit`` or ``y = y_limit`` or goes beyond. ``SafeBox`` tells
    about the far side.
    """

    TASK: ClassVar[SawyerTask]
    OBJECT: ClassVar[str]
    X_LIMIT: ClassVar[float]
    FLOOR: ClassVar[float] = 0.0

    def __init__(
        self,
        *,
        horizon: int = 250,
        success_hold: int = 10,
        action_repeat: int = 2,
        end_on_success: bool = True,
        end_on_failure: bool = False,
        randomize: bool = False,
        x_limit: float | None = None,
        y_limit: float = 0.5,
        far_limit: float | None = None,
        object_position: tuple[float, float] = (-0.0125, 0.6892),
        goal_position: tuple[float, float] = (0.0090, 0.8424),
        object_jitter: float = 0.0,
    ) -> None:
        """Build the scene.

        Args:
            horizon: Longest episode, agent steps.
            success_hold: Consecutive successful agent steps after which a training episode terminates.
            action_repeat: Simulator steps of 12.5 ms for each agent step.
            end_on_success: Terminate when success has held long enough.
            end_on_failure: Terminate at the first failure.
            randomize: Draw object and goal at each reset from Meta-World's ranges.
            x_limit: Half-width of the safe box, metres; None: the task's own.
            y_limit: Near edge of the safe box, metres.
            far_limit: Far edge of the safe box, metres; None: open.
            object_position: Object x, y at reset, metres (not with ``randomize``).
            goal_position: Goal x, y, metres (not with ``randomize``).
            object_jitter: Half-width of the uniform jitter on the object's x and y at reset, metres.
        """
        super().__init__(
            self.TASK,
            self.OBJECT,
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
        half_width = self.X_LIMIT if x_limit is None else x_limit
        self.safe_box = SafeBox(half_width, y_limit, far_limit, self.FLOOR)

    def margin_at(self, x: float, y: float, z: float) -> float:
        """Signed distance of the object's centre (metres) to the failure set, negative inside the set."""
        return self.safe_box.margin_at(x, y, z)
