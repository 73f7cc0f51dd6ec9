"""One task, one file: ``config/tasks/<task>.yaml`` as a frozen, validated ``TaskSpec``."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from functools import cached_property, partial
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, model_validator
from ruamel.yaml import YAML

from farl_ros.paths import share_folder
from farl_ros.plugins import Group, PluginError, Registry
from farl_ros.table_failures import ObjectOffField, ObjectTouchesWall, ObstacleTouched
from farl_ros.task_fields import (
    ActionField,
    ArmNearSolid,
    Foresight,
    Layout,
    Name,
    ObjectBeyond,
    ObjectNearBox,
    ObjectOutside,
    ObservationField,
    Offline,
    Online,
    Reward,
    RewardSource,
    TrackedObject,
    Workspace,
)
from perception.strict_model import StrictModel, nearest, problems, read_yaml

PUNISHED = (ObjectNearBox, ObjectTouchesWall, ObjectOffField, ObstacleTouched)
"""The failures whose environments know a penalty."""
RULED = (ObjectTouchesWall, ObjectOffField, ObstacleTouched)
"""The failures that the observation shows."""
_NAME = re.compile(r"""^name: *["']?(\w+)""", re.MULTILINE)
"""The line with a task's name: a file need not be read whole to know it."""


class TaskError(ValueError):
    """A task is unknown, or its file is wrong; the message names the file and the nearest valid choice."""


class TaskSpec(StrictModel):
    """What simulator, robot, trainer and console must agree on; the YAML files explain every key."""

    name: Name
    environment: Name
    control_rate_hz: PositiveFloat
    horizon: PositiveInt
    success_hold: PositiveInt
    action_repeat: PositiveInt
    action: Annotated[tuple[ActionField, ...], Field(strict=False, min_length=1)]
    observation: Annotated[tuple[ObservationField, ...], Field(strict=False, min_length=1)]
    hand: Name
    goal: Name
    workspace: Workspace
    objects: Annotated[tuple[TrackedObject, ...], Field(strict=False, min_length=1)]
    reward: Reward
    failure: Annotated[
        ObjectOutside
        | ObjectBeyond
        | ObjectNearBox
        | ArmNearSolid
        | ObjectTouchesWall
        | ObjectOffField
        | ObstacleTouched,
        Field(discriminator="kind"),
    ]
    shield: Foresight
    offline: Offline | None = None
    online: Online | None = None
    layout: Layout

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for label, names in (
            ("action", [entry.name for entry in self.action]),
            ("observation", [entry.name for entry in self.observation]),
            ("objects", [entry.name for entry in self.objects]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{label}: the name {twice[0]!r} stands there twice")
        references = [("hand", self.hand), ("goal", self.goal)]
        references += [(f"objects.{entry.name}.position", entry.position) for entry in self.objects]
        for where, name in references:
            place = self.slice_of(name, where)
            size = place.stop - place.start
            if size not in (2, 3):
                raise ValueError(f"{where}: {name!r} has {size} entries; a position has 2 or 3")
        resolution = self.offline.resolution if self.offline is not None else None
        for name in resolution or {}:
            self.slice_of(name, "offline.resolution")
        names = [entry.name for entry in self.objects]
        if not isinstance(self.failure, ArmNearSolid) and self.failure.object not in names:
            near = nearest(self.failure.object, names)
            raise ValueError(f"failure.object: no object {self.failure.object!r}; the nearest is {near!r}")
        if self.reward.failure_penalty > 0.0 and not isinstance(self.failure, PUNISHED):
            raise ValueError(
                f"reward.failure_penalty: {self.reward.failure_penalty:g} given, but environments with a "
                f"failure of kind {self.failure.kind.value!r} know no penalty; leave it out"
            )
        self._check_robot()
        return self

    def _check_robot(self) -> None:
        """What a task must state to be played on a robot, too."""
        hand = self.layout.hand_position
        if self.reward.source != RewardSource.OBSERVATION:
            return
        if not isinstance(self.failure, RULED) or self.action_repeat != 1 or hand is None:
            raise ValueError(
                f"reward.source: {RewardSource.OBSERVATION.value!r} needs a failure that an observation "
                f"shows, action_repeat 1 and layout.hand_position; got {self.failure.kind.value!r}, "
                f"action_repeat {self.action_repeat} and hand_position {hand}"
            )
        box = self.workspace
        if any(not low <= at <= high for low, at, high in zip(box.lower, hand, box.upper, strict=True)):
            raise ValueError(
                f"layout.hand_position: {hand} is out of the workspace, {box.lower} to {box.upper}"
            )

    @property
    def on_robot(self) -> bool:
        """Whether a robot can play the task: reward and failures follow from the observation."""
        return self.reward.source == RewardSource.OBSERVATION

    @property
    def traced_object(self) -> str:
        """The object whose path says most about failures: the one that fails, or else the first."""
        return self.objects[0].name if isinstance(self.failure, ArmNearSolid) else self.failure.object

    @property
    def observation_size(self) -> int:
        """Number of observation entries O."""
        return sum(entry.size for entry in self.observation)

    @property
    def resolution(self) -> tuple[float, ...]:
        """What a sensor resolves of each of the O observation entries; empty where nothing is stated."""
        given = self.offline.resolution if self.offline is not None else None
        if given is None:
            return ()
        return tuple(given.get(entry.name, 0.0) for entry in self.observation for _ in range(entry.size))

    @property
    def action_size(self) -> int:
        """Number of action dimensions A."""
        return len(self.action)

    @cached_property
    def _slices(self) -> dict[str, slice]:
        slices, start = {}, 0
        for entry in self.observation:
            slices[entry.name] = slice(start, start + entry.size)
            start += entry.size
        return slices

    def slice_of(self, name: str, where: str = "observation") -> slice:
        """Where a field lies in the observation vector.

        Raises:
            ValueError: There is no such field; the message names the nearest one, and ``where``.
        """
        if name not in self._slices:
            near = nearest(name, self._slices)
            raise ValueError(f"{where}: no observation field {name!r}; the nearest is {near!r}")
        return self._slices[name]

    def position(self, name: str, observation: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Position [m] of a tracked object, or in an observation field such as ``hand`` or ``goal``.

        Args:
            name: Name of an object or of an observation field.
            observation: Shape ``(..., O)``.

        Returns:
            Shape ``(..., 3)``; z is 0 in a flat task.
        """
        field = next((entry.position for entry in self.objects if entry.name == name), name)
        given = observation[..., self.slice_of(field)]
        result = np.zeros((*given.shape[:-1], 3), np.float32)
        result[..., : given.shape[-1]] = given
        return result

    def environment_kwargs(self, *, evaluation: bool = False) -> dict[str, Any]:
        """Arguments for ``gymnasium.make(spec.environment, …)``; evaluation runs to the horizon."""
        arguments = {
            "horizon": self.horizon,
            "success_hold": self.success_hold,
            "action_repeat": self.action_repeat,
            "end_on_success": not evaluation,
            "randomize": self.layout.randomize,
            "object_position": self.layout.object_position,
            "goal_position": self.layout.goal_position,
            "object_jitter": self.layout.jitter,
            **self.failure.environment_kwargs(),
        }
        if isinstance(self.failure, PUNISHED):
            arguments["failure_penalty"] = self.reward.failure_penalty
        return arguments

    def resolved(self) -> dict[str, Any]:
        """The spec in plain JSON types, without what the task does not have."""
        return self.model_dump(mode="json", exclude_none=True)

    def resolved_yaml(self) -> str:
        """The spec as YAML that ``load_task`` reads back."""
        yaml = YAML()
        yaml.default_flow_style = None  # lists of numbers and small mappings on one line
        yaml.width = 110
        text = StringIO()
        yaml.dump(self.resolved(), text)
        return text.getvalue()

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the content; comments and the order of keys do not matter."""
        return hashlib.sha256(json.dumps(self.resolved(), sort_keys=True).encode()).hexdigest()


def parse_task(content: object, source: str) -> TaskSpec:
    """Validate what was read from ``source``.

    Raises:
        TaskError: It is not a task; the message names ``source`` and every problem.
    """
    try:
        return TaskSpec.model_validate(content)
    except ValidationError as error:
        raise TaskError(f"{source}:\n  {problems(error)}") from error


def load_task(name_or_path: str | Path) -> TaskSpec:
    """Load a task by name (``BoundedPush`` or ``bounded_push``, in any case) or from a YAML file.

    Names are those of the files in ``config/tasks``, and those that installed packages add.

    Raises:
        TaskError: There is no such task, more than one, or its file is wrong.
    """
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml"):
        return _load_file(path)
    try:
        offer = TASKS.offer(str(name_or_path))
        file = Path(offer.load())
    except PluginError as error:
        raise TaskError(str(error)) from error
    spec = _load_file(file)
    if spec.name != offer.name:
        raise TaskError(
            f"{file}: the task is called {spec.name!r} there, but {offer.origin} offers it as "
            f"{offer.name!r}; make them one name"
        )
    return spec


def _own_tasks() -> dict[str, Callable[[], Path | str]]:
    """The tasks of this repository."""
    folder = share_folder() / "config" / "tasks"
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise TaskError(f"no task files in {folder}; expected <task>.yaml there")
    return {_stated_name(file): partial(Path, file) for file in files}


TASKS: Registry[Path | str] = Registry(
    Group.TASKS,
    "task",
    (Path, str),
    _own_tasks,
    key=lambda name: name.replace("_", "").lower(),
    or_else=", or a YAML file",
)
"""All tasks by name: paths of their files."""


def _load_file(path: Path) -> TaskSpec:
    try:
        content = read_yaml(path)
    except ValueError as error:
        raise TaskError(str(error)) from error
    return parse_task(content, str(path))


def _stated_name(file: Path) -> str:
    """The task's name in a file, or the file's own where that cannot be read: one bad file hides no other."""
    try:
        found = _NAME.search(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return file.stem
    return file.stem if found is None else found[1]
