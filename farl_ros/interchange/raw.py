"""One episode as a dataset of another format holds it: some things may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from farl.types import Array, EpisodeKind
from farl_ros.bag_tools.timing import Stamps


@dataclass(frozen=True)
class Ours:
    """What only a dataset that ``farl export`` wrote says of an episode; see ``farl.datasets.Episode``.

    Attributes:
        kind: What it was recorded for.
        episode: Number in its recording.
        first_step: Number of its first step.
        terminated: It ended by itself.
        truncated: It ended by its time limit, or was cut off.
        stamps: Of the states that the steps start in [ns], shape ``(T,)``.
        metadata: What the bag said of itself.
    """

    kind: EpisodeKind
    episode: int
    first_step: int
    terminated: bool
    truncated: bool
    stamps: Stamps
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RawEpisode:
    """T frames; None where the dataset does not say it.

    Attributes:
        where: File and episode, for messages.
        observations: Shape ``(T, O)``: what each action answers.
        last_observation: What the last action led to, shape ``(O,)``.
        actions: Shape ``(T, A)``.
        rewards: Shape ``(T,)``.
        costs: Shape ``(T,)``.
        success: At the end.
        ours: What else a dataset of ours says.
    """

    where: str
    observations: Array
    last_observation: Array | None
    actions: Array
    rewards: Array | None
    costs: Array | None
    success: bool | None
    ours: Ours | None


@dataclass(frozen=True)
class RawDataset:
    """A dataset as it was read.

    Attributes:
        rate_hz: Frames per second; None if it does not say.
        episodes: In its own order.
    """

    rate_hz: float | None
    episodes: tuple[RawEpisode, ...]
