"""Franka Bounded Soccer: bring the ball to the goal over uneven turf without letting it leave the field."""

import numpy as np
from numpy.typing import NDArray

from failurebench.franka.field import Field
from failurebench.franka.panda import Reach
from failurebench.franka.rules import XY, FieldRules
from failurebench.franka.scene import Contact, Scene, finger_contacts
from failurebench.franka.table_env import FrankaEnv
from failurebench.franka.turf import Turf

BALL_RADIUS = 0.03
BALL_MASS = 0.05
_ROLLING = 0.03
"""Rolling resistance of the turf: force over weight."""
_GRAVITY = 9.81
_NET_HALF_WIDTH = 0.075
_NET_DEPTH = 0.05
_NET_HEIGHT = 0.05
_NET = (
    ("back", _NET_DEPTH, 0.0, 0.004, _NET_HALF_WIDTH),
    ("left", 0.0, _NET_HALF_WIDTH, _NET_DEPTH, 0.004),
    ("right", 0.0, -_NET_HALF_WIDTH, _NET_DEPTH, 0.004),
)
"""Sides of the goal: name, centre x and y from the goal's middle, half-sizes on x and y, metres."""


class FrankaBoundedSoccer(FrankaEnv):
    """The ball fails when its centre leaves the field.

    The turf's slopes are drawn anew for each episode, and nobody is told: the observation does not hold them.
    """

    def __init__(
        self,
        *,
        horizon: int = 80,
        success_hold: int = 5,
        action_repeat: int = 1,
        end_on_success: bool = True,
        end_on_failure: bool = False,
        randomize: bool = False,
        field_centre: XY = (0.5, 0.0),
        field_half_size: XY = (0.21, 0.18),
        tilt: float = 0.03,
        waviness: float = 0.02,
        object_position: XY = (0.40, 0.0),
        goal_position: XY = (0.64, 0.0),
        object_jitter: float = 0.015,
        failure_penalty: float = 0.0,
    ) -> None:
        """Build the scene.

        Args:
            horizon: Longest episode, agent steps of 0.2 s.
            success_hold: Consecutive successful agent steps after which a training episode terminates.
            action_repeat: Simulator steps of 0.2 s for each agent step.
            end_on_success: Terminate when success has held long enough.
            end_on_failure: Terminate at the first failure.
            randomize: Draw ball and goal at each reset.
            field_centre: Centre x, y of the field, metres.
            field_half_size: Half of the field's length on x and its width on y, metres.
            tilt: Greatest slope of the whole turf, metres per metre.
            waviness: Greatest slope of each wave of the turf, metres per metre.
            object_position: Ball x, y at reset, metres (not with ``randomize``).
            goal_position: Goal x, y, metres (not with ``randomize``).
            object_jitter: Half-width of the uniform jitter on the ball's x and y at reset, metres.
            failure_penalty: What the reward loses in an agent step with a failure.
        """
        roll = _ROLLING * BALL_RADIUS
        contacts = (
            Contact("ball", "table", 0.8, roll),
            *finger_contacts("ball", 0.2),
            *(Contact("ball", name, 0.3) for name, *_ in _NET),
        )
        super().__init__(
            Scene(_bodies(field_centre, field_half_size), contacts, ".2 .45 .2 1"),
            Reach((0.28, -0.25, 0.025), (0.72, 0.25, 0.25), 0.04),
            "ball",
            BALL_RADIUS,
            horizon=horizon,
            success_hold=success_hold,
            action_repeat=action_repeat,
            end_on_success=end_on_success,
            end_on_failure=end_on_failure,
            randomize=randomize,
            object_position=object_position,
            goal_position=goal_position,
            object_jitter=object_jitter,
            failure_penalty=failure_penalty,
        )
        self.field = Field(field_centre, field_half_size)
        self.rules = FieldRules(self.field)
        self.turf = Turf(tilt, waviness)
        self._pull = self._data.xfrc_applied[self.panda.model.body("ball").id]

    def _start_episode(self, random: np.random.Generator) -> None:
        super()._start_episode(random)
        self.turf.draw(random)

    def _before_substep(self, substep: int) -> None:
        x, y, _ = self._object.tolist()
        slope_x, slope_y = self.turf.slope(x, y)
        weight = BALL_MASS * _GRAVITY
        self._pull[:2] = (-weight * slope_x, -weight * slope_y)

    def margin_at(self, x: float, y: float) -> float:
        """Signed distance of a ball's centre (metres) to the outside of the field, negative outside."""
        return self.field.margin_at(x, y)

    def _margin(self) -> float:
        x, y, _ = self._object.tolist()
        return self.field.margin_at(x, y)

    def _save_more(self) -> NDArray[np.float64]:
        return self.turf.packed()

    def _load_more(self, state: NDArray[np.float64]) -> None:
        self.turf.unpack(state)

    def _draw_layout(self, random: np.random.Generator) -> tuple[XY, XY]:
        x, y, goal_y = random.uniform((0.38, -0.05, -0.05), (0.44, 0.05, 0.05)).tolist()
        return (x, y), (self.goal_position[0], goal_y)


def _bodies(centre: XY, half_size: XY) -> str:
    net = "".join(
        f'<geom name="{name}" type="box" pos="{x} {y} {_NET_HEIGHT / 2}" '
        f'size="{half_x} {half_y} {_NET_HEIGHT / 2}" rgba=".9 .9 .9 .6"/>'
        for name, x, y, half_x, half_y in _NET
    )
    lines = "".join(
        f'<geom type="box" pos="{centre[0] + x * half_size[0]} {centre[1] + y * half_size[1]} 0" '
        f'size="{0.004 + abs(y) * half_size[0]} {0.004 + abs(x) * half_size[1]} .001" rgba=".95 .95 .95 1"/>'
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))
    )
    return (
        f'<body name="ball" pos=".4 0 {BALL_RADIUS}"><freejoint/>'
        f'<geom name="ball" type="sphere" size="{BALL_RADIUS}" mass="{BALL_MASS}" rgba=".95 .5 .1 1"/></body>'
        f'<body name="goal" mocap="true" pos=".64 0 0">{net}</body>{lines}'
    )
