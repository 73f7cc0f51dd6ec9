"""Disc Table: a finger pushes a sliding disc to a goal; plain Python, for tests and quick studies."""

import math

import numpy as np
from numpy.typing import NDArray

from failurebench.env import FailureBenchEnv, Observation, Outcome

FINGER_RADIUS = 0.03
PUCK_RADIUS = 0.04
CONTACT = FINGER_RADIUS + PUCK_RADIUS


class DiscTable(FailureBenchEnv):
    """Push the puck to the goal near the edge; it fails when its centre leaves ``|x|, |y| <= limit``.

    Observation (10,): finger x, y, puck x, y, puck velocity x, y, goal x, y, finger velocity x, y (metres,
    metres per second). Action (2,): wanted finger velocity as a share of the greatest; the finger follows
    with a lag. The puck slides with Coulomb friction, and a push by the finger is inelastic and frictionless,
    so it veers off unless it is aimed.
    """

    observation_size = 10
    action_size = 2

    TIME_STEP = 0.04
    FINGER_SPEED = 0.7
    FINGER_RESPONSE = 0.6
    FINGER_LIMIT = 0.6
    FRICTION = 0.3
    GRAVITY = 9.81
    GOAL_RADIUS = 0.05

    def __init__(
        self,
        *,
        horizon: int = 100,
        success_hold: int = 10,
        action_repeat: int = 1,
        end_on_success: bool = True,
        end_on_failure: bool = False,
        randomize: bool = False,
        limit: float = 0.45,
        object_position: tuple[float, float] = (0.05, 0.0),
        goal_position: tuple[float, float] = (0.18, 0.41),
        object_jitter: float = 0.03,
    ) -> None:
        """Build the table.

        Args:
            horizon: Longest episode, agent steps of 40 ms.
            success_hold: Consecutive successful agent steps after which a training episode terminates.
            action_repeat: Simulator steps for each agent step.
            end_on_success: Terminate when success has held long enough.
            end_on_failure: Terminate at the first failure.
            randomize: Draw puck and goal at each reset.
            limit: Half-size of the safe square, metres.
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
        self.limit = limit
        self.object_position = object_position
        self.goal_position = goal_position
        self.object_jitter = object_jitter
        self._goal = goal_position
        self._finger = (0.0, 0.0)
        self._finger_velocity = (0.0, 0.0)
        self._puck = object_position
        self._puck_velocity = (0.0, 0.0)

    def _start_episode(self, random: np.random.Generator) -> None:
        x, y = self.object_position
        self._goal = self.goal_position
        if self.randomize:
            x, y = random.uniform(-0.15, 0.15, 2).tolist()
            angle, radius = random.uniform((-math.pi, 0.25), (math.pi, 0.40)).tolist()
            self._goal = (radius * math.cos(angle), radius * math.sin(angle))
        shift_x, shift_y = random.uniform(-self.object_jitter, self.object_jitter, 2).tolist()
        self._puck = (x + shift_x, y + shift_y)
        self._puck_velocity = (0.0, 0.0)
        self._finger = (0.0, -0.3)
        self._finger_velocity = (0.0, 0.0)

    def _simulate(self, action: list[float]) -> Outcome:
        self._move_finger(action)
        self._slide_puck()
        self._push_puck()
        reach = 0.1 * math.exp(-(math.dist(self._finger, self._puck) - CONTACT) / 0.1)
        distance = math.dist(self._puck, self._goal)
        goal = 0.9 * math.exp(-distance / 0.1)
        success = distance <= self.GOAL_RADIUS
        return Outcome(reach + goal, {"reach": reach, "goal": goal}, success, self._margin())

    def _move_finger(self, action: list[float]) -> None:
        velocity_x, velocity_y = self._finger_velocity
        velocity_x += self.FINGER_RESPONSE * (action[0] * self.FINGER_SPEED - velocity_x)
        velocity_y += self.FINGER_RESPONSE * (action[1] * self.FINGER_SPEED - velocity_y)
        x = self._finger[0] + velocity_x * self.TIME_STEP
        y = self._finger[1] + velocity_y * self.TIME_STEP
        if abs(x) > self.FINGER_LIMIT:
            x, velocity_x = math.copysign(self.FINGER_LIMIT, x), 0.0
        if abs(y) > self.FINGER_LIMIT:
            y, velocity_y = math.copysign(self.FINGER_LIMIT, y), 0.0
        self._finger = (x, y)
        self._finger_velocity = (velocity_x, velocity_y)

    def _slide_puck(self) -> None:
        velocity_x, velocity_y = self._puck_velocity
        speed = math.hypot(velocity_x, velocity_y)
        if speed == 0.0:
            return
        kept = max(0.0, speed - self.FRICTION * self.GRAVITY * self.TIME_STEP) / speed
        velocity_x, velocity_y = velocity_x * kept, velocity_y * kept
        x, y = self._puck
        self._puck_velocity = (velocity_x, velocity_y)
        self._puck = (x + velocity_x * self.TIME_STEP, y + velocity_y * self.TIME_STEP)

    def _push_puck(self) -> None:
        """Move an overlapped puck out along the contact normal and give it the finger's speed along it."""
        offset_x, offset_y = self._puck[0] - self._finger[0], self._puck[1] - self._finger[1]
        distance = math.hypot(offset_x, offset_y)
        if distance >= CONTACT:
            return
        # Exactly concentric discs have no normal: push along x.
        normal_x, normal_y = (offset_x / distance, offset_y / distance) if distance > 0.0 else (1.0, 0.0)
        self._puck = (self._finger[0] + CONTACT * normal_x, self._finger[1] + CONTACT * normal_y)
        velocity_x, velocity_y = self._puck_velocity
        closing = (self._finger_velocity[0] - velocity_x) * normal_x + (
            self._finger_velocity[1] - velocity_y
        ) * normal_y
        if closing > 0.0:
            self._puck_velocity = (velocity_x + closing * normal_x, velocity_y + closing * normal_y)

    def _observe(self) -> Observation:
        numbers = (*self._finger, *self._puck, *self._puck_velocity, *self._goal, *self._finger_velocity)
        return np.array(numbers, dtype=np.float32)

    def _margin(self) -> float:
        return self.margin_at(*self._puck)

    def margin_at(self, x: float, y: float) -> float:
        """Signed distance of a puck centre (metres) to the failure set, negative inside the set."""
        side, end = self.limit - abs(x), self.limit - abs(y)
        return -math.hypot(side, end) if side < 0.0 and end < 0.0 else min(side, end)

    def objects(self) -> dict[str, NDArray[np.float64]]:
        """Return the puck's position (3,), metres; z is 0."""
        return {"puck": np.array((*self._puck, 0.0))}

    def _save_state(self) -> NDArray[np.float64]:
        return np.array(
            (*self._finger, *self._finger_velocity, *self._puck, *self._puck_velocity, *self._goal)
        )

    def _load_state(self, state: NDArray[np.float64]) -> None:
        v: list[float] = state.tolist()
        self._finger, self._finger_velocity = (v[0], v[1]), (v[2], v[3])
        self._puck, self._puck_velocity = (v[4], v[5]), (v[6], v[7])
        self._goal = (v[8], v[9])
