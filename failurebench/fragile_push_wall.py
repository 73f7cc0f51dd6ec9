"""Fragile Push Wall: bring the puck around a wall to the goal without coming too near to the wall."""

from failurebench.env import Outcome
from failurebench.obstacle_box import ObstacleBox
from failurebench.sawyer_env import SawyerEnv
from failurebench.sawyer_reward import Judgement
from failurebench.sawyer_tasks import PUSH_WALL
from failurebench.wall_gap import WallGap


class FragilePushWall(SawyerEnv):
    """Meta-World's push-wall; a simulator step with a failure costs a penalty.

    The puck fails when the horizontal distance of its rim to a box around the wall is zero or less. The box
    is deeper than the wall, as in the paper: the failure comes 5 cm before the contact. With
    ``true_contact`` it is the contact with the wall itself.
    """

    def __init__(
        self,
        *,
        horizon: int = 250,
        success_hold: int = 10,
        action_repeat: int = 2,
        end_on_success: bool = True,
        end_on_failure: bool = False,
        randomize: bool = False,
        box_centre: tuple[float, float] = (0.10, 0.75),
        box_half_size: tuple[float, float] = (0.12, 0.06),
        object_radius: float = 0.02,
        true_contact: bool = False,
        failure_penalty: float = 5.0,
        object_position: tuple[float, float] = (-0.0062, 0.6446),
        goal_position: tuple[float, float] = (0.0045, 0.8712),
        object_jitter: float = 0.0,
    ) -> None:
        """Build the scene.

        Args:
            horizon: Longest episode, agent steps.
            success_hold: Consecutive successful agent steps after which a training episode terminates.
            action_repeat: Simulator steps of 12.5 ms for each agent step.
            end_on_success: Terminate when success has held long enough.
            end_on_failure: Terminate at the first failure.
            randomize: Draw puck and goal at each reset from Meta-World's ranges.
            box_centre: Centre x, y of the box around the wall, metres (not with ``true_contact``).
            box_half_size: Half of the box's width and depth, metres (not with ``true_contact``).
            object_radius: Radius of the puck, metres (not with ``true_contact``).
            true_contact: Fail at a contact of puck and wall instead.
            failure_penalty: What the reward loses in a simulator step with a failure.
            object_position: Puck x, y at reset, metres (not with ``randomize``).
            goal_position: Goal x, y, metres (not with ``randomize``).
            object_jitter: Half-width of the uniform jitter on the puck's x and y at reset, metres.
        """
        super().__init__(
            PUSH_WALL,
            "puck",
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
        self.box = ObstacleBox(box_centre, box_half_size, object_radius)
        self.failure_penalty = failure_penalty
        self._gap = WallGap(self._sawyer) if true_contact else None

    def margin_at(self, x: float, y: float, z: float) -> float:
        """Signed distance (metres) of a puck's rim, centre at x, y, to the box; negative in it."""
        return self.box.margin_at(x, y)

    def _margin(self) -> float:
        return super()._margin() if self._gap is None else self._gap.now()

    def _simulate(self, action: list[float]) -> Outcome:
        if self._gap is None:
            reward, terms, success = self._sawyer.step(action)
            margin = self._least_margin()
        else:
            (reward, terms, success), margin = self._step_with_contacts(action, self._gap)
        terms["penalty"] = -self.failure_penalty if margin <= 0.0 else 0.0
        return Outcome(reward + terms["penalty"], terms, success, margin)

    def _step_with_contacts(self, action: list[float], gap: WallGap) -> tuple[Judgement, float]:
        gaps: list[float] = []
        judgement = self._sawyer.step(action, lambda: gaps.append(gap.now()))
        # The gaps come one physics step late: the first belongs to the step before this, the last is due now.
        return judgement, min(*gaps[1:], gap.now())
