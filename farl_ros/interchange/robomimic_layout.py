"""The layout of a robomimic HDF5 file.

Source: ARISE-Initiative/robomimic, ``robomimic/utils/dataset.py``, ``file_utils.py`` and
``scripts/get_dataset_info.py``: release 0.3.0, and revision 014e9b602c764cdfa158e376818de6732aed16d7.

``obs`` and ``next_obs`` have a dataset for each field of the task's observation. Beside what the format
provides for, a demonstration of ours has the datasets ``costs``, ``stamps_ns`` and ``metadata`` (JSON), and
the attributes ``kind``, ``episode``, ``first_step``, ``terminated``, ``truncated`` and ``success``; ``mask``
has a filter key for each kind, too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from farl_ros.task_spec import TaskSpec

DATA, MASK = "data", "mask"
ENV_ARGS, TOTAL, SAMPLES = "env_args", "total", "num_samples"
OBS, NEXT_OBS, ACTIONS, REWARDS, DONES, COSTS = "obs", "next_obs", "actions", "rewards", "dones", "costs"
RATE = "control_rate_hz"
SUCCESS = "success"
AS_DATASETS = ("stamps_ns", "metadata")
"""What is too long for an attribute, of what is said of an episode."""
GYM = 2
"""robomimic's number for Gymnasium environments."""
VALID_EVERY = 10
"""Every so many-th episode of each kind is held out, as robomimic's own split holds out a tenth."""


def demo_name(number: int) -> str:
    """Name of a demonstration's group."""
    return f"demo_{number}"


def demo_number(name: str) -> int | None:
    """The number in the name of a demonstration's group; None if it is no such name."""
    text = name.removeprefix("demo_")
    return int(text) if text != name and text.isdecimal() else None


def env_args(spec: TaskSpec) -> str:
    """What robomimic makes the environment from."""
    return json.dumps({"env_name": spec.environment, "type": GYM, "env_kwargs": spec.environment_kwargs()})


def masks(kinds: Sequence[str]) -> dict[str, list[str]]:
    """Filter keys: train and valid, apart in each kind, and each kind itself.

    Args:
        kinds: Of the episodes, in order.

    Returns:
        Names of demonstrations; ``valid`` has none where no kind has two.
    """
    by_kind: dict[str, list[str]] = {}
    for number, kind in enumerate(kinds):
        by_kind.setdefault(kind.lower(), []).append(demo_name(number))
    valid = {
        name
        for names in by_kind.values()
        for name in names[min(VALID_EVERY, len(names)) - 1 :: VALID_EVERY]
        if len(names) > 1
    }
    every = [demo_name(number) for number in range(len(kinds))]
    return {
        "train": [name for name in every if name not in valid],
        "valid": [name for name in every if name in valid],
        **by_kind,
    }
