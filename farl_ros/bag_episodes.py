"""Whole episodes into bags: demonstrations and finished online episodes become the messages of the graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from farl.types import ActionSource, Array, Decision, EpisodeKind, Proposal, Transition
from farl_ros.bag_writer import BagWriter
from farl_ros.messages import (
    Event,
    Message,
    Topic,
    action_message,
    decision_message,
    event_message,
    state_message,
    transition_message,
)
from farl_ros.task_spec import TaskSpec


class RecordedEpisode(Protocol):
    """What a demonstration holds: ``failurebench``'s Trajectory and ``farl``'s Episode both do.

    Shapes: ``observations`` (T + 1, O), executed ``actions`` (T, A), ``rewards`` and ``costs`` (T,).
    """

    @property
    def observations(self) -> Array: ...  # noqa: D102
    @property
    def actions(self) -> Array: ...  # noqa: D102
    @property
    def rewards(self) -> Array: ...  # noqa: D102
    @property
    def costs(self) -> Array: ...  # noqa: D102
    @property
    def terminated(self) -> bool: ...  # noqa: D102
    @property
    def truncated(self) -> bool: ...  # noqa: D102
    @property
    def success(self) -> bool: ...  # noqa: D102


def demonstration_transitions(
    recorded: RecordedEpisode, kind: EpisodeKind, episode: int
) -> Iterator[Transition]:
    """Yield the steps of a demonstration; no policy proposed them: log-probability and risk are NaN."""
    source = ActionSource.RECOVERY if kind == EpisodeKind.RECOVERY else ActionSource.TASK
    last = len(recorded.actions) - 1
    for step, action in enumerate(recorded.actions):
        yield Transition(
            episode=episode,
            step=step,
            observation=recorded.observations[step],
            proposed=Proposal(action, float("nan"), 0, source),
            executed=action,
            source=source,
            reward=float(recorded.rewards[step]),
            cost=float(recorded.costs[step]),
            next_observation=recorded.observations[step + 1],
            terminated=recorded.terminated and step == last,
            truncated=recorded.truncated and step == last,
            success=recorded.success and step == last,
            risk=float("nan"),
        )


def episode_to_messages(
    spec: TaskSpec,
    transitions: Iterable[Transition],
    kind: EpisodeKind,
    decisions: Sequence[Decision] = (),
    start_ns: int = 0,
) -> Iterator[tuple[Topic, Message, int]]:
    """Yield topic, message and stamp [ns] of an episode, in the order in which the graph publishes them.

    Args:
        spec: The task; its control rate spaces the stamps.
        transitions: All steps of one episode, in order.
        kind: What it is recorded for.
        decisions: The shield's, one per step; none without a shield.
        start_ns: Stamp of the first state [ns].
    """
    failed = False
    previous: tuple[Transition, int] | None = None
    for transition in transitions:
        episode, stamp = transition.episode, start_ns + round(transition.step * 1e9 / spec.control_rate_hz)
        if previous is None:
            yield Topic.EPISODE_EVENT, event_message(Event.STARTED, kind, episode, stamp), stamp
        yield Topic.STATE, state_message(spec, transition.observation, episode, transition.step, stamp), stamp
        yield Topic.ACTION, action_message(transition.proposed, stamp), stamp
        if decisions:
            yield Topic.DECISION, decision_message(decisions[transition.step], stamp), stamp
        yield Topic.TRANSITION, transition_message(transition, stamp), stamp
        if transition.cost > 0.0 and not failed:
            failed = True
            yield Topic.EPISODE_EVENT, event_message(Event.FAILED, kind, episode, stamp), stamp
        previous = transition, stamp
    if previous is None:
        return
    last, stamp = previous
    end = stamp + round(1e9 / spec.control_rate_hz)
    yield Topic.STATE, state_message(spec, last.next_observation, last.episode, last.step + 1, end), end
    event = Event.SUCCEEDED if last.success else Event.TIMED_OUT if last.truncated else Event.ABORTED
    if last.success or last.truncated or not (failed and last.terminated):
        yield Topic.EPISODE_EVENT, event_message(event, kind, last.episode, end), end


def write_episode(
    path: Path,
    spec: TaskSpec,
    kind: EpisodeKind,
    transitions: Iterable[Transition],
    decisions: Sequence[Decision] = (),
    metadata: Mapping[str, str] | None = None,
    start_ns: int = 0,
) -> None:
    """Write a finished episode as one bag; see ``episode_to_messages`` and ``BagWriter``.

    Raises:
        BagError: Something has the bag's name already.
    """
    with BagWriter(path, spec, kind, metadata) as bag:
        for topic, message, stamp_ns in episode_to_messages(spec, transitions, kind, decisions, start_ns):
            bag.write(topic, message, stamp_ns)


def write_trajectory(
    path: Path,
    spec: TaskSpec,
    kind: EpisodeKind,
    episode: int,
    recorded: RecordedEpisode,
    seed: int,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a demonstration in memory as one bag; ``seed`` is that of the generator.

    Raises:
        BagError: Something has the bag's name already.
    """
    transitions = demonstration_transitions(recorded, kind, episode)
    said = {"seed": str(seed), "episode": str(episode)}
    write_episode(path, spec, kind, transitions, metadata={**said, **({} if metadata is None else metadata)})
