"""Meta-World's soccer reward (``SawyerSoccerEnvV3.compute_reward``)."""

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


class SoccerReward:
    """Reward for having the ball between the fingers and bringing it into the goal."""

    TARGET_RADIUS = 0.07
    X_WEIGHT = 3.0
    GOAL_DEPTH = 0.1
    GOAL_HALF_WIDTH = 0.10
    FIELD_END = 1.0
    BALL_RADIUS = 0.013
    PAD_REACH = 0.05
    GRIP_REACH = 0.023
    CAGE_DEPTH = 0.005

    def __init__(self, start: Point, goal: Point, tool_start: Point) -> None:
        """Take the ball's position at reset, the goal, and the tool's position at reset."""
        self._start = start
        self._goal = goal
        offset = math.hypot(start[0] - tool_start[0], start[2] - tool_start[2])
        self._centring_margin = offset - self.CAGE_DEPTH

    def __call__(self, reading: Reading) -> Judgement:
        """Judge one simulator step."""
        ball = reading.object
        success = distance(ball, self._goal) <= self.TARGET_RADIUS
        to_goal = distance(ball, self._goal, self.X_WEIGHT)
        if to_goal < self.TARGET_RADIUS:
            return Judgement(10.0, reward_terms(goal=10.0), success)
        grasp = 3.0 * self._grasp(reading)
        in_place = 6.5 * self._in_place(ball, to_goal)
        return Judgement(grasp + in_place, reward_terms(grasp=grasp, in_place=in_place), success)

    def _in_place(self, ball: Point, to_goal: float) -> float:
        """Return how near the ball is to the goal, 0 to 1, less where it passes beside the goal."""
        # As in Meta-World, the margin is the way rolled so far, not the way from start to goal.
        rolled = distance(ball, self._start, self.X_WEIGHT)
        in_place = long_tail(to_goal, 0.0, self.TARGET_RADIUS, rolled)
        goal_line = self._goal[1] - self.GOAL_DEPTH
        if ball[1] > goal_line and abs(ball[0] - self._goal[0]) > self.GOAL_HALF_WIDTH:
            missed = 2.0 * ((ball[1] - goal_line) / (self.FIELD_END - goal_line))
            in_place = min(max(in_place - missed, 0.0), 1.0)
        return in_place

    def _grasp(self, reading: Reading) -> float:
        """Return how well the fingers enclose the ball, 0 to 1."""
        ball_x, ball_y, ball_z = reading.object
        right, left = ball_y - reading.right_pad_y, reading.left_pad_y - ball_y
        # Meta-World means the pads' places at reset, but keeps a live view of them: the present ones.
        right_margin = abs(abs(right) - self.PAD_REACH)
        left_margin = abs(abs(left) - self.PAD_REACH)
        caging_y = hamacher(
            long_tail(right, self.BALL_RADIUS, self.PAD_REACH, right_margin),
            long_tail(left, self.BALL_RADIUS, self.PAD_REACH, left_margin),
        )
        offset = math.hypot(reading.tool[0] - ball_x, reading.tool[2] - ball_z)
        caging = hamacher(caging_y, long_tail(offset, 0.0, self.CAGE_DEPTH, self._centring_margin))
        if caging <= 0.95:
            return caging / 2.0
        gripping = hamacher(
            long_tail(right, self.BALL_RADIUS, self.GRIP_REACH, right_margin),
            long_tail(left, self.BALL_RADIUS, self.GRIP_REACH, left_margin),
        )
        return (caging + gripping) / 2.0
