"""What the policy is shown, from what is seen: the arm's hand, the tracks, and a goal that is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from farl.types import Array
from farl_ros.sight.errors import SightError
from farl_ros.task_spec import TaskSpec
from perception.build import object_models
from perception.spec import CylinderSpec, PerceptionSpec
from perception.tracking.tracker import Track

Vector = NDArray[np.float64]
_Part = Callable[[Vector, Mapping[str, Track]], Vector]


@dataclass(frozen=True)
class ObservationMaker:
    """Fills in the fields of a task's observation.

    Attributes:
        parts: For each field a function of the hand's position (3,) and of the tracks by name, and the number
            of entries that are used of its three.
        objects: Names of the task's objects, in the task's order.
    """

    parts: tuple[tuple[_Part, int], ...]
    objects: tuple[str, ...]

    @classmethod
    def of(cls, task: TaskSpec, seen: PerceptionSpec) -> Self:
        """Find out where each field comes from.

        The field ``x_position`` of an object has its velocity in ``x_velocity``. The goal is that of the
        task's layout, at the height of the first object as it lies on the table.

        Raises:
            SightError: The task's observation holds something that no camera sees.
        """
        tracked = {one.name for one in seen.objects}
        parts: dict[str, _Part] = {task.hand: lambda hand, tracks: hand}
        for entry in task.objects:
            if entry.name not in tracked:
                raise SightError(
                    f"{task.name} has the object {entry.name!r}, but its perception file tracks only "
                    f"{', '.join(sorted(tracked))}"
                )
            parts[entry.position] = lambda hand, tracks, name=entry.name: tracks[name].position
            velocity = entry.position.removesuffix("_position") + "_velocity"
            parts[velocity] = lambda hand, tracks, name=entry.name: tracks[name].velocity
        if task.layout.randomize:
            raise SightError(
                f"{task.name} draws its goal at each reset (layout.randomize), and no camera sees it; "
                "use randomize: false"
            )
        goal = np.array((*task.layout.goal_position, _resting_height(seen, task.objects[0].name)))
        parts[task.goal] = lambda hand, tracks: goal
        unseen = [field.name for field in task.observation if field.name not in parts]
        if unseen:
            raise SightError(
                f"{task.name}: nobody sees the observation fields {', '.join(unseen)}; a camera gives "
                "positions and velocities of objects, the arm its hand, the layout the goal"
            )
        return cls(
            tuple((parts[field.name], field.size) for field in task.observation),
            tuple(entry.name for entry in task.objects),
        )

    def make(self, hand: Vector, tracks: Mapping[str, Track]) -> Array:
        """Return the observation (O,).

        Args:
            hand: Position (3,) in the base frame, metres; not-a-number where the arm does not tell.
            tracks: By the object's name.
        """
        values = [part(hand, tracks)[:size] for part, size in self.parts]
        return np.concatenate(values).astype(np.float32)


def _resting_height(seen: PerceptionSpec, name: str) -> float:
    """Height [m] of the point that the task means by an object, where it lies on the table."""
    (object_class,) = (one.object_class for one in seen.objects if one.name == name)
    shape = seen.classes[object_class].shape
    half = shape.half_height if isinstance(shape, CylinderSpec) else shape.half_axes[2]
    origin = object_models(seen)[object_class].origin
    return seen.table_height + half + float(origin[2])
