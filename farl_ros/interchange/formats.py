"""The formats, and the two ways between them and bags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

from farl_ros.bag_tools.copying import numbered_name
from farl_ros.interchange.bag_of_episode import write_incoming
from farl_ros.interchange.completed import Choices, check_rate, completed
from farl_ros.interchange.lerobot_reader import read_lerobot
from farl_ros.interchange.lerobot_writer import write_lerobot
from farl_ros.interchange.outgoing import Shipment, read_shipment
from farl_ros.interchange.robomimic_reader import read_robomimic
from farl_ros.interchange.robomimic_writer import write_robomimic
from farl_ros.interchange.whole import made_whole
from farl_ros.task_spec import TaskSpec

Tell = Callable[[str], None]


class Format(StrEnum):
    """A dataset format of others."""

    LEROBOT = "lerobot"
    ROBOMIMIC = "robomimic"


def export_bags(
    sources: Sequence[Path], form: Format, out: Path, task: TaskSpec | None, pictures: bool, tell: Tell
) -> Shipment:
    """Bags become a dataset, which gets its name when it is whole.

    Args:
        sources: Bags, or folders of bags.
        form: The dataset's format.
        out: Its folder (LeRobot) or file (robomimic).
        task: Of bags that name none, or must name this one.
        pictures: Whether pictures become videos, where the format is LeRobot's.
        tell: Called with a line per episode.

    Returns:
        What was exported, and the bags that were refused.

    Raises:
        BagError: No bag can be used.
        InterchangeError: Something cannot be written.
    """
    shipment = read_shipment(sources, task)
    with made_whole(out) as place:
        if form == Format.LEROBOT:
            write_lerobot(place, shipment, pictures, tell)
        else:
            write_robomimic(place, shipment, tell)
    return shipment


def import_dataset(
    path: Path,
    form: Format,
    out: Path,
    task: TaskSpec,
    choices: Choices,
    observation: Sequence[str] | None,
    tell: Tell,
) -> int:
    """A dataset becomes a folder of bags, in its order, which gets its name when it is whole.

    Args:
        path: Folder (LeRobot) or file (robomimic) of the dataset.
        form: Its format.
        out: Folder for the bags.
        task: What they shall be recordings of.
        choices: What a person says of a foreign dataset.
        observation: What the observation is made of; None for the format's default.
        tell: Called with a line per episode.

    Returns:
        Number of episodes.

    Raises:
        InterchangeError, BagError, DatasetError: It does not fit the task; nothing is written.
    """
    if form == Format.LEROBOT:
        dataset = read_lerobot(path, observation)
    else:
        dataset = read_robomimic(path, task, observation)
    check_rate(str(path), dataset.rate_hz, task, choices)
    remarks = {"imported_from": str(path), "imported_format": form.value}
    with made_whole(out) as place:
        for number, raw in enumerate(dataset.episodes):
            incoming = completed(raw, task, choices, number)
            write_incoming(place / numbered_name(number), task, incoming, remarks)
            episode = incoming.episode
            tell(
                f"{raw.where} → {out / numbered_name(number)}: {episode.kind.name.lower()}, "
                f"{len(episode)} steps, {int(episode.costs.sum())} failing"
            )
    return len(dataset.episodes)
