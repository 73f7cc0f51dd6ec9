"""What the training asks of a simulator: random pictures of a task, and what is known of its objects."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass

from perception.geometry import LiftLimits, ObjectModel
from perception.training.pictures import Draw


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """A source of labelled pictures.

    Attributes:
        task: Name of the task.
        draw: Makes a picture of a random scene.
        models: Size of each class.
        limits: Where objects can be.
    """

    task: str
    draw: Draw
    models: Mapping[str, ObjectModel]
    limits: LiftLimits


def scenes_from(place: str, task: str) -> Scenes:
    """Call a function ``package.module:function`` with a task's name; it returns the scenes.

    Raises:
        ValueError: There is no such function, or it returns something else.
    """
    module, _, function = place.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"expected package.module:function, got {place!r}: {error}") from error
    scenes = found(task)
    if not isinstance(scenes, Scenes):
        raise ValueError(f"expected {place} to return Scenes, got {type(scenes).__name__}")
    return scenes
