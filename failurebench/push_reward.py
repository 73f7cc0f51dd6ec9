"""Meta-World's push reward (``SawyerPushEnvV3.compute_reward``), and the grasp that push-wall's shares."""

import math

from failurebench.sawyer_reward import (
    Judgement,
    Point,
    Reading,
    distance,
    hamacher,
    long_tail,
    reward_terms,
)

TARGET_RADIUS = 0.05
HOLDING_DISTANCE = 0.02


class PuckGrasp:
    """How well the fingers enclose and squeeze the puck."""

    PAD_REACH = 0.05
    PUCK_RADIUS = 0.015
    CAGE_DEPTH = 0.005

    def __init__(self, start: Point, tool_start: Point) -> None:
        """Take positions of puck and tool at reset."""
        self._start_y = start[1]
        offset = math.hypot(start[0] - tool_start[0], start[2] - tool_start[2])
        self._centring_margin = offset - self.CAGE_DEPTH

    def __call__(self, reading: Reading) -> float:
        """Return the quality of the grasp, 0 to 1."""
        object_x, object_y, object_z = reading.object
        left = self._pad(reading.left_pad_y, object_y)
        right = self._pad(reading.right_pad_y, object_y)
        offset = math.hypot(reading.tool[0] - object_x, reading.tool[2] - object_z)
        centred = long_tail(offset, 0.0, self.CAGE_DEPTH, self._centring_margin)
        caging = hamacher(hamacher(left, right), centred)
        squeeze = min(max(0.0, reading.effort), 1.0) if caging > 0.97 else 0.0
        return (hamacher(caging, squeeze) + caging) / 2.0

    def _pad(self, pad_y: float, object_y: float) -> float:
        """Return how close a finger pad is to touching the puck, 0 to 1."""
        margin = abs(abs(pad_y - self._start_y) - self.PAD_REACH)
        return long_tail(abs(pad_y - object_y), self.PUCK_RADIUS, self.PAD_REACH, margin)


class PushReward:
    """Reward for gripping the puck and bringing it to the goal."""

    def __init__(self, start: Point, goal: Point, tool_start: Point) -> None:
        """Take the puck's position at reset, the goal, and the tool's position at reset."""
        self._goal = goal
        self._start_distance = distance(start, goal)
        self._grasp = PuckGrasp(start, tool_start)

    def __call__(self, reading: Reading) -> Judgement:
        """Judge one simulator step."""
        to_goal = distance(reading.object, self._goal)
        success = to_goal <= TARGET_RADIUS
        if to_goal < TARGET_RADIUS:
            return Judgement(10.0, reward_terms(goal=10.0), success)
        grasp = 2.0 * self._grasp(reading)
        if distance(reading.object, reading.tool) >= HOLDING_DISTANCE or reading.opening <= 0.0:
            return Judgement(grasp, reward_terms(grasp=grasp), success)
        in_place = 5.0 * long_tail(to_goal, 0.0, TARGET_RADIUS, self._start_distance)
        reward = grasp + (1.0 + grasp + in_place)
        return Judgement(reward, reward_terms(grasp=2.0 * grasp, hold=1.0, in_place=in_place), success)
