"""An episode that came from a dataset becomes a bag: with its own stamps and step numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from farl_ros.bag_episodes import demonstration_transitions
from farl_ros.bag_writer import BagWriter
from farl_ros.interchange.completed import Incoming
from farl_ros.messages import Event
from farl_ros.task_spec import TaskSpec


def write_incoming(path: Path, spec: TaskSpec, incoming: Incoming, remarks: Mapping[str, str]) -> None:
    """Write one bag that reads back as the episode, bit for bit.

    There is no FAILED event in it: the costs of the steps say it all, while an event's step is found by its
    stamp, and stamps of a faulty recording need not increase.

    Args:
        path: The bag.
        spec: The task.
        incoming: The episode.
        remarks: What the bag says of itself beside the episode's metadata.

    Raises:
        BagError: Something has the bag's name already.
    """
    episode, period_ns = incoming.episode, round(1e9 / spec.control_rate_hz)
    said = {key: value for key, value in episode.metadata.items() if key != "source"}
    said |= {**remarks, "kind": episode.kind.name, "episode": str(episode.episode)}
    stamps = [int(stamp) for stamp in incoming.stamps]
    with BagWriter(path, spec, episode.kind, said) as bag:
        bag.write_event(Event.STARTED, episode.episode, stamps[0])
        steps = demonstration_transitions(episode, episode.kind, episode.episode)
        for transition, stamp in zip(steps, stamps, strict=True):
            number = incoming.first_step + transition.step
            bag.write_state(transition.observation, episode.episode, number, stamp)
            bag.write_action(transition.proposed, stamp)
            bag.write_transition(replace(transition, step=number), stamp)
        end = stamps[-1] + period_ns
        number = incoming.first_step + len(stamps)
        bag.write_state(episode.observations[-1], episode.episode, number, end)
        if episode.success or episode.truncated:
            event = Event.SUCCEEDED if episode.success else Event.TIMED_OUT
            bag.write_event(Event.ABORTED if "aborted" in episode.metadata else event, episode.episode, end)
