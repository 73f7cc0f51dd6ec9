"""What packages outside of this repository add: tasks, their simulators, arms (``docs/extending.md``).

A package states them as entry points of Python packaging. None of its code runs before somebody asks for one
of them by name. What this repository brings itself goes the same way.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar, cast

from perception.strict_model import nearest

T = TypeVar("T")
BUILT_IN = "farl_ros"
"""Where things come from that no other package has added."""


class Group(StrEnum):
    """Names of the groups of entry points."""

    TASKS = "farl_ros.tasks"  # path of a task's YAML file
    SIMULATORS = "farl_ros.simulators"  # a ``failurebench.kit.TaskKit``
    ARMS = "farl_ros.arm_backends"  # an ``ArmMaker`` (farl_ros/arm/make.py)


class PluginError(ValueError):
    """No thing or two have a name, or the one that has it cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Offer(Generic[T]):
    """Something with a name.

    Attributes:
        name: Its name.
        origin: The package that it comes from, with version and place.
        load: Gets it; runs the package's code, and raises whatever that raises.
    """

    name: str
    origin: str
    load: Callable[[], T]


class Registry(Generic[T]):
    """Everything of one kind, from this repository and from outside, by name."""

    def __init__(
        self,
        group: Group,
        what: str,
        kind: type[T] | tuple[type, ...],
        built_in: Callable[[], Mapping[str, Callable[[], T]]],
        key: Callable[[str], str] = str,
        or_else: str = "",
    ) -> None:
        """State the kind.

        Args:
            group: Its group of entry points.
            what: What messages call one of it, such as ``task``.
            kind: What an entry point must be.
            built_in: What this repository brings, by name: a function that gets it.
            key: Two names are one where their keys are equal.
            or_else: What can be given in the place of a name, for the message.
        """
        self._group, self._what, self._kind = group, what, kind
        self._built_in, self._key, self._or_else = built_in, key, or_else

    def offers(self) -> list[Offer[T]]:
        """All there is, this repository's first; two of one name are both in the list."""
        own = [Offer(name, BUILT_IN, load) for name, load in self._built_in().items()]
        return own + [
            Offer(point.name, _origin(point), partial(self._load, point))
            for point in _entry_points(self._group, tuple(sys.path))
        ]

    def names(self) -> list[str]:
        """All names, each once."""
        return list({self._key(offer.name): offer.name for offer in reversed(self.offers())}.values())[::-1]

    def offer(self, name: str) -> Offer[T]:
        """The one of that name.

        Raises:
            PluginError: There is none, or more than one.
        """
        offers = self.offers()
        found = [offer for offer in offers if self._key(offer.name) == self._key(name)]
        if not found:
            names = self.names()
            raise PluginError(
                f"no {self._what} {name!r}; did you mean {nearest(name, names)!r}? Available: "
                f"{', '.join(names)}{self._or_else}. Installed packages add more, as entry points "
                f"{self._group} (docs/extending.md)"
            )
        if len(found) > 1:
            origins = " and ".join(offer.origin for offer in found)
            raise PluginError(
                f"more than one {self._what} is called {name!r}: those of {origins}; uninstall one package, "
                "or rename its entry point"
            )
        return found[0]

    def get(self, name: str) -> T:
        """What has that name.

        Raises:
            PluginError: There is none, more than one, or its package is broken.
        """
        return self.offer(name).load()

    def _load(self, point: EntryPoint) -> T:
        try:
            loaded = point.load()
        except Exception as error:  # whatever code from outside raises, its package must be named
            raise PluginError(
                f"the {self._what} {point.name!r} of {_origin(point)} cannot be loaded: "
                f"{type(error).__name__}: {error}; repair or uninstall that package"
            ) from error
        if not isinstance(loaded, self._kind):
            kinds = self._kind if isinstance(self._kind, tuple) else (self._kind,)
            raise PluginError(
                f"the {self._what} {point.name!r} of {_origin(point)} is of type {type(loaded).__name__}; "
                f"expected {' or '.join(kind.__name__ for kind in kinds)}"
            )
        return cast("T", loaded)


def _origin(point: EntryPoint) -> str:
    package = "an unnamed package" if point.dist is None else f"{point.dist.name} {point.dist.version}"
    return f"{package} ({point.value})"


@cache
def _entry_points(group: Group, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """The entry points of a group found along ``path``, which is ``sys.path``; a scan takes 10 ms."""
    return tuple(sorted(entry_points(group=group), key=lambda point: (point.name, point.value)))
