"""Bounded Push: bring the puck to the goal without letting it leave the near part of the table."""

import math

import numpy as np
from numpy.typing import NDArray

from failurebench.env import FailureBenchEnv, Observation, Outcome
from failurebench.sawyer import PUSH, Sawyer


class BoundedPush(FailureBenchEnv):
    """Meta-World's push inside a box with an open far side.

    The puck fails when ``|x| > x_limit`` or ``y < y_limit``, tested after each physics step. The table's back
    wall stops it at the far side; a puck beyond that wall (y > 1) or below the table (z < 0) counts as a
    failure too.
    """

    observation_size = 39
    action_size = 4
    BACK = 1.0

    def __init__(
        self,
        *,
        horizon: int = 250,
        success_hold: int = 10,
        action_repeat: int = 2,
        end_on_success: bool = True,
        end_on_failure: bool = False,
        randomize: bool = False,
        x_limit: float = 0.2,
        y_limit: float = 0.5,
        object_position: tuple[float, float] = (-0.0125, 0.6892),
        goal_position: tuple[float, float] = (0.0090, 0.8424),
        object_jitter: float = 0.0,
    ) -> None:
        """Build the scene.

        Args:
            horizon: Longest episode, agent steps of 25 ms.
            success_hold: Consecutive successful agent steps after which a training episode terminates.
            action_repeat: Simulator steps for each agent step.
            end_on_success: Terminate when success has held long enough.
            end_on_failure: Terminate at the first failure.
            randomize: Draw puck and goal at each reset from Meta-World's ranges.
            x_limit: Half-width of the safe box, metres.
            y_limit: Near edge of the safe box, metres.
            object_position: Puck x, y at reset, metres (not with ``randomize``).
            goal_position: Goal x, y, metres (not with ``randomize``).
            object_jitter: Half-width of the uniform jitter on the puck's x and y at reset, metres.
        """
        super().__init__(
            horizon=horizon,
            success_hold=success_hold,
            action_repeat=action_repeat,
            end_on_success=end_on_success,
            end_on_failure=end_on_failure,
            randomize=randomize,
        )
        self.x_limit = x_limit
        self.y_limit = y_limit
        self.object_position = object_position
        self.goal_position = goal_position
        self.object_jitter = object_jitter
        self._sawyer = Sawyer(PUSH)
        self._lowest_margin = math.inf

    def _start_episode(self, random: np.random.Generator) -> None:
        (x, y), goal = self.object_position, self.goal_position
        if self.randomize:
            (x, y, _), (*goal_xy, _) = self._sawyer.draw_layout(random)
            goal = (goal_xy[0], goal_xy[1])
        if self.object_jitter > 0.0:
            shift_x, shift_y = random.uniform(-self.object_jitter, self.object_jitter, 2).tolist()
            x, y = x + shift_x, y + shift_y
        self._sawyer.reset((x, y), goal)

    def _simulate(self, action: list[float]) -> Outcome:
        self._lowest_margin = math.inf
        reward, terms, success = self._sawyer.step(action, self._watch)
        return Outcome(reward, terms, success, self._lowest_margin)

    def _watch(self) -> None:
        margin = self._margin()
        if margin < self._lowest_margin:
            self._lowest_margin = margin

    def _observe(self) -> Observation:
        return np.array(self._sawyer.observation(), dtype=np.float32)

    def _margin(self) -> float:
        return self.margin_at(*self._sawyer.object_position)

    def margin_at(self, x: float, y: float, z: float) -> float:
        """Signed distance of a puck centre (metres) to the failure set, negative inside the set."""
        side, near = self.x_limit - abs(x), y - self.y_limit
        if y > self.BACK or z < 0.0:
            return min(side, near, self.BACK - y, z)
        if side < 0.0 and near < 0.0:
            return -math.hypot(side, near)
        return min(side, near)

    def objects(self) -> dict[str, NDArray[np.float64]]:
        """Return the puck's position (3,), metres."""
        return {"puck": np.array(self._sawyer.object_position)}

    def _save_state(self) -> NDArray[np.float64]:
        return self._sawyer.save()

    def _load_state(self, state: NDArray[np.float64]) -> None:
        self._sawyer.load(state)
