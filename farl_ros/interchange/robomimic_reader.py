"""Reads a robomimic HDF5 file; see ``robomimic_layout``. Pictures in it are left aside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from farl.types import Array
from farl_ros.interchange import robomimic_layout as layout
from farl_ros.interchange.errors import InterchangeError, library
from farl_ros.interchange.raw import RawDataset, RawEpisode
from farl_ros.interchange.said_of_episode import KEYS, ours
from farl_ros.task_spec import TaskSpec


def read_robomimic(path: Path, spec: TaskSpec, observation: Sequence[str] | None) -> RawDataset:
    """Read all demonstrations, in the order of their numbers.

    Args:
        path: The file.
        spec: The task.
        observation: Names in ``obs`` that make up the observation, one after the other; by default the fields
            of the task's.

    Raises:
        InterchangeError: h5py is missing; or it is no such file, or something in it is missing; the message
            names what is there.
    """
    h5py = library("h5py")
    names = [entry.name for entry in spec.observation] if observation is None else list(observation)
    try:
        with h5py.File(path, "r") as file:
            data = file.get(layout.DATA)
            numbers = sorted(n for name in data or () if (n := layout.demo_number(name)) is not None)
            if not numbers:
                raise InterchangeError(
                    f"{path}: no data/demo_0 in it; there are {', '.join(file) or 'nothing'}"
                )
            demos = [
                _demo(f"{path}, {layout.demo_name(n)}", data[layout.demo_name(n)], names) for n in numbers
            ]
            return RawDataset(_rate(data.attrs), tuple(demos))
    except OSError as error:
        raise InterchangeError(f"{path}: not a whole HDF5 file ({error})") from error


def _rate(attributes: Mapping[str, Any]) -> float | None:
    """Of ours, else the control frequency that robosuite's environments are made with [Hz]."""
    if layout.RATE in attributes:
        return float(attributes[layout.RATE])
    try:
        arguments = json.loads(attributes.get(layout.ENV_ARGS, "{}"))
        return float(arguments["env_kwargs"]["control_freq"])
    except (KeyError, TypeError, ValueError):
        return None


def _demo(where: str, demo: Any, names: Sequence[str]) -> RawEpisode:  # noqa: ANN401 - h5py has no types
    actions = _numbers(demo, layout.ACTIONS, where)
    observations = _side_by_side(demo, layout.OBS, names, where)
    later = _side_by_side(demo, layout.NEXT_OBS, names, where) if layout.NEXT_OBS in demo else None
    if later is not None and len(later) and not np.array_equal(later[:-1], observations[1:], equal_nan=True):
        raise InterchangeError(
            f"{where}: next_obs is not the obs of the next sample; expected one after the other"
        )
    said = {key: demo.attrs.get(key) for key in KEYS if key not in layout.AS_DATASETS}
    said |= {key: demo[key][()] if key in demo else None for key in layout.AS_DATASETS}
    success = demo.attrs.get(layout.SUCCESS)
    return RawEpisode(
        where=where,
        observations=observations,
        last_observation=later[-1] if later is not None and len(later) else None,
        actions=actions,
        rewards=_optional(demo, layout.REWARDS, where, len(actions)),
        costs=_optional(demo, layout.COSTS, where, len(actions)),
        success=None if success is None else bool(success),
        ours=None if all(value is None for value in said.values()) else ours(said, where),
    )


def _side_by_side(demo: Any, group: str, names: Sequence[str], where: str) -> Array:  # noqa: ANN401
    parts = [_numbers(demo, f"{group}/{name}", where) for name in names]
    if len({len(part) for part in parts}) != 1:
        raise InterchangeError(
            f"{where}, {group}: {[len(part) for part in parts]} rows; expected as many in each"
        )
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def _optional(demo: Any, name: str, where: str, steps: int) -> Array | None:  # noqa: ANN401
    if name not in demo:
        return None
    values = _numbers(demo, name, where).reshape(-1)
    if len(values) != steps:
        raise InterchangeError(f"{where}: {len(values)} {name} and {steps} actions; expected as many of each")
    return values


def _numbers(demo: Any, name: str, where: str) -> Array:  # noqa: ANN401
    if name not in demo or not hasattr(demo[name], "dtype"):
        group = demo.get(name.rpartition("/")[0], demo) if "/" in name else demo
        raise InterchangeError(f"{where}: no {name} in it; there are {', '.join(group) or 'nothing'}")
    values = demo[name][()]
    if values.dtype.kind not in "fiub":
        raise InterchangeError(f"{where}: {name} holds {values.dtype}; expected numbers")
    if values.size == 0 or values.ndim == 0:
        raise InterchangeError(f"{where}: {name} has shape {values.shape}; expected a row per sample")
    return np.asarray(values, np.float32)
