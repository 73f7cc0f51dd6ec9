"""Meta-World's push-wall reward (``SawyerPushWallEnvV3.compute_reward``)."""

from failurebench.push_reward import HOLDING_DISTANCE, TARGET_RADIUS, PuckGrasp
from failurebench.sawyer_reward import Judgement, Point, Reading, distance, long_tail, reward_terms


class PushWallReward:
    """Reward for gripping the puck, dragging it to a point beside the wall and on to the goal."""

    WAYPOINT = (-0.05, 0.77)
    X_WEIGHT = 3.0
    WALL_Y = 0.75
    SUCCESS_RADIUS = 0.07

    def __init__(self, start: Point, goal: Point, tool_start: Point) -> None:
        """Take the puck's position at reset, the goal, and the tool's position at reset."""
        self._start = start
        self._goal = goal
        self._start_distance = distance(start, goal)
        self._grasp = PuckGrasp(start, tool_start)

    def __call__(self, reading: Reading) -> Judgement:
        """Judge one simulator step."""
        puck = reading.object
        to_goal = distance(puck, self._goal)
        success = to_goal <= self.SUCCESS_RADIUS
        if to_goal < TARGET_RADIUS:
            return Judgement(10.0, reward_terms(goal=10.0), success)
        grasp = 2.0 * self._grasp(reading)
        if distance(puck, reading.tool) >= HOLDING_DISTANCE or reading.opening <= 0.0:
            return Judgement(grasp, reward_terms(grasp=grasp), success)
        in_place = self._beyond(to_goal) if puck[1] > self.WALL_Y else self._before(puck)
        reward = grasp + 1.0 + in_place
        return Judgement(reward, reward_terms(grasp=grasp, hold=1.0, in_place=in_place), success)

    def _before(self, puck: Point) -> float:
        """Return the reward for nearing the waypoint, 0 to 4."""
        waypoint = (*self.WAYPOINT, puck[2])
        margin = distance(self._start, waypoint, self.X_WEIGHT)
        return 4.0 * long_tail(distance(puck, waypoint, self.X_WEIGHT), 0.0, TARGET_RADIUS, margin)

    def _beyond(self, to_goal: float) -> float:
        """Return the reward for nearing the goal behind the wall's front, 4 to 7."""
        return 4.0 + 3.0 * long_tail(to_goal, 0.0, TARGET_RADIUS, self._start_distance)
