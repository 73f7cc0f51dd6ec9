"""What the person wants of the disc table: bring the puck to the goal, back from the edge, or over it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from failurebench.controllers import Controller
from failurebench.disc_scripts import DiscPusher, centre_pusher
from failurebench.env import Action, Observation
from farl.types import Array

EDGE = 0.45
"""Where the disc table's puck has fallen off, |x| or |y| [m]."""
SETTLED = 3
"""A person says that it is done when it has looked done in so many states on end."""


@dataclass(frozen=True)
class Scene:
    """What a person sees: x, y of puck and goal, and how far the puck is from the edge [m]."""

    puck: tuple[float, float]
    goal: tuple[float, float]
    margin: float

    @classmethod
    def of(cls, observation: Array) -> Scene:
        """Of an observation of the disc table, shape ``(10,)``."""
        _, _, x, y, _, _, goal_x, goal_y, *_ = observation.tolist()
        return cls((x, y), (goal_x, goal_y), EDGE - max(abs(x), abs(y)))


@dataclass
class Push:
    """Steers a pusher until what it is for looks done.

    Attributes:
        pusher: Where to push, and how.
        done: Whether the person is content.
        first: Before that, somewhere else.
        ready: When the first part is over.
    """

    pusher: Controller
    done: Callable[[Scene], bool]
    first: Controller | None = None
    ready: Callable[[Scene], bool] = field(default=lambda scene: True)
    _settled: int = field(default=0, init=False)

    def __call__(self, observation: Array) -> tuple[float, float] | None:
        """Forward and left for an observation; None when it is done."""
        scene = Scene.of(observation)
        if self.first is not None and self.ready(scene):
            self.first = None
        if self.first is None:
            self._settled = self._settled + 1 if self.done(scene) else 0
            if self._settled >= SETTLED:
                return None
        forward, left = (self.first or self.pusher)(observation).tolist()
        return forward, left


def to_the_goal(random: np.random.Generator) -> Push:
    """A task demonstration: not quite straight, not quite evenly."""
    error = tuple(random.normal(0.0, 0.005, 2).tolist())
    pusher = DiscPusher(aim_error=error, eagerness=float(random.uniform(0.6, 0.8)))
    return Push(pusher, lambda scene: math.dist(scene.puck, scene.goal) < 0.04)


def back_from_the_edge(random: np.random.Generator) -> Push:
    """A recovery: the person first pushes the puck towards an edge, then brings it back."""
    return Push(
        centre_pusher(),
        lambda scene: math.hypot(*scene.puck) < 0.15,
        first=_outwards(random),
        ready=lambda scene: scene.margin < 0.15,
    )


def over_the_edge(random: np.random.Generator) -> Push:
    """A failure, towards the far edge or the right one."""
    return Push(_outwards(random), lambda scene: scene.margin < 0.0)


def shoved_over_the_edge(random: np.random.Generator) -> Push:
    """A failure of a hand that cannot aim, as at a keyboard: always straight at the puck."""
    return Push(Shove(), lambda scene: scene.margin < 0.0)


def near_the_edge(random: np.random.Generator) -> Push:
    """What looks like a failure and is none: the puck stops in front of the edge."""
    return Push(Shove(), lambda scene: scene.margin < 0.12)


class Shove:
    """Straight at the middle of the puck, wherever it is."""

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (2,) for an observation (10,)."""
        finger, puck = observation[:2], observation[2:4]
        return ((puck - finger) / max(float(np.linalg.norm(puck - finger)), 1e-6)).astype(np.float32)


def _outwards(random: np.random.Generator) -> DiscPusher:
    """Towards the far edge, or the right one, at some place of it."""
    along = float(random.uniform(-0.15, 0.15))
    aim = (along, 0.65) if random.random() < 0.7 else (0.65, 0.2 + along)
    return DiscPusher(aim=aim, eagerness=0.8)
