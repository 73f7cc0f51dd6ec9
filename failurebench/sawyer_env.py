"""What the tasks on the Sawyer's table share: layout, stepping, snapshots."""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from failurebench.env import FailureBenchEnv, Observation, Outcome
from failurebench.sawyer import Sawyer
from failurebench.sawyer_tasks import SawyerTask


class SawyerEnv(FailureBenchEnv):
    """A Meta-World scene with one object; a subclass says where the object fails.

    The failure set is tested after each physics step of 2.5 ms.
    """

    observation_size = 39
    action_size = 4

    def __init__(
        self,
        task: SawyerTask,
        object_name: str,
        *,
        horizon: int,
        success_hold: int,
        action_repeat: int,
        end_on_success: bool,
        end_on_failure: bool,
        randomize: bool,
        object_position: tuple[float, float],
        goal_position: tuple[float, float],
        object_jitter: float,
    ) -> None:
        """Build the scene; the subclasses explain the arguments."""
        super().__init__(
            horizon=horizon,
            success_hold=success_hold,
            action_repeat=action_repeat,
            end_on_success=end_on_success,
            end_on_failure=end_on_failure,
            randomize=randomize,
        )
        self.object_position = object_position
        self.goal_position = goal_position
        self.object_jitter = object_jitter
        self._object_name = object_name
        self._sawyer = Sawyer(task)

    @abstractmethod
    def margin_at(self, x: float, y: float, z: float) -> float:
        """Signed distance of an object's centre (metres) to the failure set, negative inside the set."""

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
        reward, terms, success = self._sawyer.step(action)
        return Outcome(reward, terms, success, self._least_margin())

    def _least_margin(self) -> float:
        """Return the smallest margin during the last simulator step, metres."""
        margin_at = self.margin_at
        return min([margin_at(x, y, z) for x, y, z in self._sawyer.track])

    def _observe(self) -> Observation:
        return np.array(self._sawyer.observation(), dtype=np.float32)

    def _margin(self) -> float:
        return self.margin_at(*self._sawyer.object_position)

    def objects(self) -> dict[str, NDArray[np.float64]]:
        """Return the object's position (3,), metres."""
        return {self._object_name: np.array(self._sawyer.object_position)}

    def _save_state(self) -> NDArray[np.float64]:
        return self._sawyer.save()

    def _load_state(self, state: NDArray[np.float64]) -> None:
        self._sawyer.load(state)
