"""Writes a robomimic HDF5 file; see ``robomimic_layout``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from farl_ros.interchange import robomimic_layout as layout
from farl_ros.interchange.errors import library
from farl_ros.interchange.outgoing import Outgoing, Shipment
from farl_ros.interchange.said_of_episode import said_of
from farl_ros.task_spec import TaskSpec


def write_robomimic(path: Path, shipment: Shipment, tell: Callable[[str], None]) -> None:
    """Write a file; compressed pictures in the bags are left out.

    Args:
        path: The file; it does not exist yet.
        shipment: What.
        tell: Called with a line per episode.

    Raises:
        InterchangeError: h5py is missing.
    """
    h5py = library("h5py")
    with h5py.File(path, "w") as file:
        data = file.create_group(layout.DATA)
        data.attrs[layout.ENV_ARGS] = layout.env_args(shipment.task)
        data.attrs[layout.RATE] = shipment.task.control_rate_hz
        data.attrs[layout.TOTAL] = sum(len(outgoing.episode) for outgoing in shipment.episodes)
        for number, outgoing in enumerate(shipment.episodes):
            name = layout.demo_name(number)
            _write_demo(data.create_group(name), outgoing, shipment.task)
            tell(f"{outgoing.bag} → {name}, {len(outgoing.episode)} samples")
        kinds = [outgoing.episode.kind.name for outgoing in shipment.episodes]
        for key, names in layout.masks(kinds).items():
            file.create_dataset(f"{layout.MASK}/{key}", data=np.array(names, dtype="S"))


def _write_demo(demo: Any, outgoing: Outgoing, spec: TaskSpec) -> None:  # noqa: ANN401 - h5py has no types
    episode, steps = outgoing.episode, len(outgoing.episode)
    demo.attrs[layout.SAMPLES] = steps
    demo.attrs[layout.SUCCESS] = episode.success
    said = said_of(outgoing)
    for key, value in said.items():
        if key in layout.AS_DATASETS:
            demo.create_dataset(key, data=value)
        else:
            demo.attrs[key] = value
    demo.create_dataset(layout.ACTIONS, data=episode.actions)
    demo.create_dataset(layout.REWARDS, data=episode.rewards)
    demo.create_dataset(layout.COSTS, data=episode.costs)
    demo.create_dataset(layout.DONES, data=(np.arange(steps) == steps - 1).astype(np.int64))
    for group, rows in ((layout.OBS, episode.observations[:-1]), (layout.NEXT_OBS, episode.observations[1:])):
        for entry in spec.observation:
            demo.create_dataset(f"{group}/{entry.name}", data=rows[:, spec.slice_of(entry.name)])
