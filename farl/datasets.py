"""Demonstrations in memory: typed episodes, checked once at the border."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from farl.types import Array, EpisodeKind


class DatasetError(ValueError):
    """A demonstration set cannot be used; the message says which episode and why."""


@dataclass(frozen=True)
class Episode:
    """One recorded episode of T agent steps.

    Attributes:
        kind: What it was recorded for.
        observations: Shape ``(T + 1, O)``; the last row is the state after the last action.
        actions: Executed actions, shape ``(T, A)``, in [-1, 1].
        rewards: Shape ``(T,)``.
        costs: 1 in a step that violates the failure set, else 0, shape ``(T,)``.
        terminated: The episode ended by itself (success held, or failure where that ends it).
        truncated: The episode ended by its time limit.
        success: Success at the end.
        episode: Number in its recording.
        metadata: What the recording says of itself (task, operator, revision, …).
    """

    kind: EpisodeKind
    observations: Array
    actions: Array
    rewards: Array
    costs: Array
    terminated: bool
    truncated: bool
    success: bool
    episode: int
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check shapes and numbers.

        Raises:
            DatasetError: A shape does not fit, a number is not finite, or an action leaves [-1, 1].
        """
        steps = len(self.actions)
        name = self.metadata.get("source", f"episode {self.episode}")
        if steps == 0:
            raise DatasetError(f"{name}: no transition in it; expected at least one")
        if self.observations.ndim != 2 or len(self.observations) != steps + 1:
            raise DatasetError(
                f"{name}: {self.observations.shape} observations do not fit {steps} actions; "
                f"expected ({steps + 1}, observation size)"
            )
        for label, values in (("rewards", self.rewards), ("costs", self.costs)):
            if values.shape != (steps,):
                raise DatasetError(f"{name}: {label} have shape {values.shape}, expected ({steps},)")
        for label, values in (
            ("observations", self.observations),
            ("actions", self.actions),
            ("rewards", self.rewards),
            ("costs", self.costs),
        ):
            bad = np.argwhere(~np.isfinite(values))
            if len(bad):
                raise DatasetError(
                    f"{name}: {label} are not finite at {tuple(int(i) for i in bad[0])} ({len(bad)} in all)"
                )
        if np.abs(self.actions).max() > 1.0:
            raise DatasetError(
                f"{name}: actions reach {np.abs(self.actions).max():.3f}; expected values in [-1, 1]"
            )

    def __len__(self) -> int:
        """Number of transitions T."""
        return len(self.actions)

    @property
    def failed(self) -> bool:
        """Whether any step violates the failure set."""
        return bool(self.costs.max() > 0)


def content_hash(episode: Episode) -> str:
    """SHA-256 of what happened in an episode: states, actions and violations."""
    content = (episode.observations, episode.actions, episode.costs)
    return hashlib.sha256(b"".join(np.ascontiguousarray(x, "<f4").tobytes() for x in content)).hexdigest()


def digests(episodes: Iterable[Episode]) -> list[str]:
    """What tells episodes from one another, wherever they lie: 12 hex digits of what happened in them."""
    return [content_hash(episode)[:12] for episode in episodes]


@dataclass(frozen=True)
class DemoSet:
    """Demonstrations of one task, of any kinds.

    Raises:
        DatasetError: It is empty, or its episodes have different observation or action sizes.
    """

    episodes: tuple[Episode, ...]

    def __post_init__(self) -> None:
        """Check that there is something, and that all of it has one layout."""
        if not self.episodes:
            raise DatasetError("no episode in the demonstration set; record some, or check the folder")
        sizes = {(e.observations.shape[1], e.actions.shape[1]) for e in self.episodes}
        if len(sizes) > 1:
            raise DatasetError(
                f"episodes of different (observation, action) sizes in one set: {sorted(sizes)}"
            )

    @property
    def observation_size(self) -> int:
        """Number of observation dimensions O."""
        return int(self.episodes[0].observations.shape[1])

    @property
    def action_size(self) -> int:
        """Number of action dimensions A."""
        return int(self.episodes[0].actions.shape[1])

    @property
    def transitions(self) -> int:
        """Number of transitions in all episodes."""
        return sum(len(e) for e in self.episodes)

    def of(self, kind: EpisodeKind) -> tuple[Episode, ...]:
        """The episodes of one kind, in order."""
        return tuple(e for e in self.episodes if e.kind == kind)

    def require(self, kinds: Iterable[EpisodeKind]) -> None:
        """Make sure that every one of ``kinds`` is there.

        Raises:
            DatasetError: One is missing, or no failure episode holds a failure.
        """
        for kind in kinds:
            episodes = self.of(kind)
            if not episodes:
                have = {k.name.lower(): len(self.of(k)) for k in EpisodeKind if self.of(k)}
                raise DatasetError(
                    f"no {kind.name.lower()} demonstrations; found {have}; record some of that kind"
                )
            if kind == EpisodeKind.FAILURE and not any(e.failed for e in episodes):
                raise DatasetError(
                    f"none of the {len(episodes)} failure demonstrations contains a failure (cost 1): "
                    "the world model has nothing to learn from; check the failure predicate or add noise"
                )
