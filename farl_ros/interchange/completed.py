"""A foreign episode becomes one of a task: what it lacks is asked for, or ruled from its observations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from farl.datasets import Episode
from farl.types import Array, EpisodeKind
from farl_ros.bag_reader import Bag
from farl_ros.bag_tools.timing import Stamps
from farl_ros.bags import check_task
from farl_ros.interchange.errors import InterchangeError
from farl_ros.interchange.raw import Ours, RawEpisode
from farl_ros.referee import Referee
from farl_ros.task_spec import TaskSpec

RATE_TOLERANCE = 1e-3
"""Rates that differ by less than this share are the same: formats round them."""


@dataclass(frozen=True)
class Choices:
    """What a person says of a foreign dataset, for all of its episodes; None where it is not said.

    Attributes:
        kind: What they were recorded for.
        success: How they ended.
        no_failures: That no step of them violates the failure set.
        rate_hz: Frames per second, of a dataset that does not say it.
    """

    kind: EpisodeKind | None = None
    success: bool | None = None
    no_failures: bool = False
    rate_hz: float | None = None


@dataclass(frozen=True)
class Incoming:
    """An episode that is fit for a bag.

    Attributes:
        episode: It.
        stamps: Of the states that the steps start in [ns], shape ``(T,)``.
        first_step: Number of its first step.
    """

    episode: Episode
    stamps: Stamps
    first_step: int


def check_rate(where: str, stated: float | None, spec: TaskSpec, choices: Choices) -> None:
    """Make sure that a step of the dataset lasts as long as one of the task.

    Raises:
        InterchangeError: It does not, or nothing says how long it lasts.
    """
    if stated is not None and choices.rate_hz is not None and stated != choices.rate_hz:
        raise InterchangeError(f"{where}: it says {stated:g} Hz itself; leave --rate out")
    rate, wanted = choices.rate_hz if stated is None else stated, spec.control_rate_hz
    if rate is None:
        raise InterchangeError(f"{where}: nothing in it says its rate; say it with --rate HZ")
    if abs(rate - wanted) > RATE_TOLERANCE * wanted:
        raise InterchangeError(
            f"{where}: {rate:g} Hz, but {spec.name} is controlled at {wanted:g} Hz, so that an action of it "
            "means another motion; resample the dataset first, or import it for a task of its rate"
        )


def completed(raw: RawEpisode, spec: TaskSpec, choices: Choices, number: int) -> Incoming:
    """The episode with all that training reads.

    Of a task that a robot can play, reward, success and failures follow from the observation (the referee's
    rules): a foreign dataset's rewards are left aside, as they are another task's; its costs are taken. Of
    other tasks only the simulator knows them, so that they must be there, or be said. Without an observation
    after the last action, that action is left out: nobody knows what it led to.

    Args:
        raw: As it was read.
        spec: The task.
        choices: What a person says of a foreign dataset.
        number: Of the episode, if the dataset does not say it.

    Raises:
        InterchangeError: It does not fit the task, or something is missing; the message says what to do.
        BagError: It is a recording of ours, but of another task.
        DatasetError: Its numbers cannot be.
    """
    _check_sizes(raw, spec)
    if raw.ours is not None:
        return _of_ours(raw, raw.ours, spec, choices)
    if choices.kind is None:
        raise InterchangeError(
            f"{raw.where}: nothing says what it was recorded for; say --kind task, recovery or failure"
        )
    if raw.last_observation is None:
        raw = _without_last_action(raw)
    if spec.on_robot:
        raw = _ruled(raw, spec, choices)
    rewards, costs, success = _stated(raw, spec, choices)
    steps = len(raw.actions)
    episode = Episode(
        kind=choices.kind,
        observations=_chain(raw),
        actions=raw.actions,
        rewards=rewards,
        costs=_checked_costs(costs, raw.where),
        terminated=success,
        truncated=not success,
        success=success,
        episode=number,
        metadata={"source": raw.where},
    )
    stamps = np.round(np.arange(steps) * 1e9 / spec.control_rate_hz).astype(np.int64)
    return Incoming(episode, stamps, 0)


def _check_sizes(raw: RawEpisode, spec: TaskSpec) -> None:
    for label, values, size in (
        ("observations", raw.observations, spec.observation_size),
        ("actions", raw.actions, spec.action_size),
    ):
        if values.ndim != 2 or values.shape[1] != size:
            fields = spec.observation if label == "observations" else spec.action
            names = ", ".join(entry.name for entry in fields)
            raise InterchangeError(
                f"{raw.where}: {label} have shape {values.shape}, but {spec.name} has {size} entries "
                f"({names}); see --observation"
            )
    if len(raw.actions) != len(raw.observations):
        raise InterchangeError(
            f"{raw.where}: {len(raw.observations)} observations and {len(raw.actions)} actions; "
            "expected as many of each"
        )
    last = raw.last_observation
    if last is not None and last.shape != (spec.observation_size,):
        raise InterchangeError(
            f"{raw.where}: its last observation has shape {last.shape}, expected ({spec.observation_size},)"
        )
    if not np.isfinite(raw.observations).all():
        row, column = (int(n) for n in np.argwhere(~np.isfinite(raw.observations))[0])
        raise InterchangeError(
            f"{raw.where}: observations are not finite, first in frame {row}, entry {column}"
        )


def _of_ours(raw: RawEpisode, ours: Ours, spec: TaskSpec, choices: Choices) -> Incoming:
    if choices != Choices():
        raise InterchangeError(
            f"{raw.where}: farl export wrote it, so that it says all itself; leave --kind, --success, "
            "--no-failures and --rate out, and label the bags afterwards (farl bags label)"
        )
    if raw.rewards is None or raw.costs is None or raw.success is None or raw.last_observation is None:
        raise InterchangeError(
            f"{raw.where}: farl export wrote it, but rewards, costs, success or the last observation are "
            "gone; export it again"
        )
    check_task(Bag(Path(raw.where), {}, {}, None, ours.metadata), spec)
    if ours.stamps.shape != (len(raw.actions),):
        raise InterchangeError(
            f"{raw.where}: {ours.stamps.shape} stamps of {len(raw.actions)} steps; export it again"
        )
    episode = Episode(
        kind=ours.kind,
        observations=_chain(raw),
        actions=raw.actions,
        rewards=raw.rewards,
        costs=_checked_costs(raw.costs, raw.where),
        terminated=ours.terminated,
        truncated=ours.truncated,
        success=raw.success,
        episode=ours.episode,
        metadata={**ours.metadata, "source": raw.where},
    )
    return Incoming(episode, ours.stamps, ours.first_step)


def _without_last_action(raw: RawEpisode) -> RawEpisode:
    if len(raw.actions) < 2:
        raise InterchangeError(f"{raw.where}: {len(raw.actions)} frames; expected at least two")
    return replace(
        raw,
        observations=raw.observations[:-1],
        last_observation=raw.observations[-1],
        actions=raw.actions[:-1],
        rewards=None if raw.rewards is None else raw.rewards[:-1],
        costs=None if raw.costs is None else raw.costs[:-1],
    )


def _ruled(raw: RawEpisode, spec: TaskSpec, choices: Choices) -> RawEpisode:
    """The episode with what the task's rules say of its observations."""
    if choices.no_failures or choices.success is not None:
        raise InterchangeError(
            f"{raw.where}: failures and success of {spec.name} follow from the observation; leave "
            "--no-failures and --success out, and label the bags afterwards if need be (farl bags label)"
        )
    chain = _chain(raw)
    referee = Referee(spec)
    referee.start(chain[0], plays_on=True)
    rulings = [referee.step(observation) for observation in chain[1:]]
    return replace(
        raw,
        rewards=np.array([ruling.reward for ruling in rulings], np.float32),
        costs=np.array([ruling.cost for ruling in rulings], np.float32) if raw.costs is None else raw.costs,
        success=rulings[-1].success if raw.success is None else raw.success,
    )


def _stated(raw: RawEpisode, spec: TaskSpec, choices: Choices) -> tuple[Array, Array, bool]:
    """Rewards and costs ``(T,)``, and success: of the dataset, else as it was said."""
    only = f"of {spec.name} only its simulator knows them"
    if raw.rewards is None:
        raise InterchangeError(f"{raw.where}: no rewards in it, and {only}; add them to the dataset")
    costs, success = raw.costs, raw.success if choices.success is None else choices.success
    if costs is None and not choices.no_failures:
        raise InterchangeError(
            f"{raw.where}: nothing says in which steps it failed, and {only}; if it never did, "
            "say --no-failures, else add costs to the dataset"
        )
    if success is None:
        raise InterchangeError(
            f"{raw.where}: nothing says whether it ended in success, and {only}; say --success or "
            "--no-success"
        )
    return raw.rewards, np.zeros(len(raw.actions), np.float32) if costs is None else costs, success


def _chain(raw: RawEpisode) -> Array:
    """Observations ``(T + 1, O)``."""
    assert raw.last_observation is not None
    return np.concatenate([raw.observations, raw.last_observation[None]])


def _checked_costs(costs: Array, where: str) -> Array:
    strange = np.flatnonzero((costs != 0.0) & (costs != 1.0))
    if len(strange):
        step = int(strange[0])
        raise InterchangeError(
            f"{where}: cost {costs[step]:g} in step {step}; expected 1 in a step that fails, else 0"
        )
    return costs
