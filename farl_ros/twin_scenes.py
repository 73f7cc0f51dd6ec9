"""The simulated Franka tables as scenes to train a detector from: objects and arm anywhere, any looks."""

from __future__ import annotations

import mujoco
import numpy as np

from failurebench.franka.panda import JOINTS
from failurebench.franka.table_env import FrankaEnv
from failurebench.kit import kit
from farl_ros.rendering import eye_of
from farl_ros.sight.files import perception_of
from perception.build import lift_limits, object_models
from perception.training.looks import LookRanges, RandomLooks
from perception.training.pictures import LabelledPicture
from perception.training.scenes import Scenes

WIDTH, HEIGHT = 640, 480
_AREA = ((0.28, -0.32), (0.80, 0.32))
"""Where objects are put: lower and upper x, y, metres."""
_SPACING = 0.085
_ABSENT = 0.12
_AT_OBJECT = 0.5
"""Share of the pictures in which the hand is behind an object, as it pushes."""
_AWAY = -1.0
"""Height of what shall not be seen: below the table, metres."""


def environment_of(task: str) -> FrankaEnv:
    """The twin of a task."""
    made = kit(task).make(end_on_success=False)
    if not isinstance(made, FrankaEnv):
        raise ValueError(f"expected a task on the Franka's table, got {task!r}")
    return made


def scenes(task: str) -> Scenes:
    """What ``farl perception train`` and ``python -m perception.training`` ask for."""
    spec, env = perception_of(task), environment_of(task)
    env.reset(seed=0)
    model = env.panda.model
    eye = eye_of(env, WIDTH, HEIGHT)
    geoms = {one.object_class: _geoms(model, one.name) for one in spec.objects}
    looks = RandomLooks(eye, geoms, model.geom("table").id, _AREA, LookRanges())
    names = {one.object_class: one.name for one in spec.objects}
    heights = {name: float(position[2]) for name, position in env.objects().items()}

    def draw(random: np.random.Generator) -> LabelledPicture:
        return looks.draw(_arrange(env, names, heights, random), random)

    return Scenes(task, draw, object_models(spec), lift_limits(spec))


def _geoms(model: mujoco.MjModel, body: str) -> list[int]:
    """The geoms of a body that its colour is on: of the flower the blossom, without the pot."""
    numbers = np.flatnonzero(model.geom_bodyid == model.body(body).id).tolist()
    return numbers[-1:] if body == "flower" else numbers


def _arrange(
    env: FrankaEnv, names: dict[str, str], heights: dict[str, float], random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Put objects, goal and arm somewhere; returns where the objects that are there are (3,), metres."""
    model, data = env.panda.model, env.panda.data
    placed: list[np.ndarray] = []
    positions = {}
    for object_class, name in names.items():
        position = np.array((*_free_place(placed, random), heights[name]))
        if random.uniform() < _ABSENT:
            _put(model, data, name, np.array((0.5, 0.0, _AWAY)))
            continue
        placed.append(position[:2])
        positions[object_class] = position
        _put(model, data, name, position)
    _put(model, data, "goal", np.array((*random.uniform(*_AREA), 0.0005)))
    data.qpos[:JOINTS] = _arm(env, placed, random)
    mujoco.mj_forward(model, data)
    return positions


def _free_place(placed: list[np.ndarray], random: np.random.Generator) -> np.ndarray:
    while True:
        place = random.uniform(*_AREA)
        if all(np.linalg.norm(place - other) >= _SPACING for other in placed):
            return place


def _arm(env: FrankaEnv, placed: list[np.ndarray], random: np.random.Generator) -> np.ndarray:
    """Joint positions with the hand behind an object, or anywhere that it touches none."""
    reach = env.panda.reach
    if placed and random.uniform() < _AT_OBJECT:
        near = placed[int(random.integers(len(placed)))] + random.uniform((-0.07, -0.02), (-0.05, 0.02))
        hand = (float(near[0]), float(near[1]), 0.03)
    else:
        hand = _tuple(random.uniform(reach.lower, reach.upper))
        while any(np.hypot(hand[0] - x, hand[1] - y) < 0.1 for x, y in placed) and hand[2] < 0.15:
            hand = _tuple(random.uniform(reach.lower, reach.upper))
    joints = env.panda.home
    for _ in range(15):
        joints = env.panda.solve(joints, hand)
    return joints


def _tuple(point: np.ndarray) -> tuple[float, float, float]:
    return float(point[0]), float(point[1]), float(point[2])


def _put(model: mujoco.MjModel, data: mujoco.MjData, name: str, position: np.ndarray) -> None:
    body = model.body(name)
    mocap = int(model.body_mocapid[body.id])
    if mocap >= 0:
        data.mocap_pos[mocap] = position
    else:
        start = int(model.jnt_qposadr[body.jntadr[0]])
        data.qpos[start : start + 3] = position
