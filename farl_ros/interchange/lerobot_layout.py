"""The layout of a LeRobotDataset v3.0: file names, features, info.json.

Source: huggingface/lerobot, ``src/lerobot/datasets`` (``CODEBASE_VERSION = "v3.0"``): release 0.4.4
(utils.py, lerobot_dataset.py), and revision 000c716dee659050ca18aac456316325302d937c (dataset_metadata.py).

Beside the format's own columns, a dataset of ours has per frame ``next.reward``, ``next.cost``,
``next.done``, ``next.terminated``, ``next.truncated`` and ``next.success``, and per episode, in
``meta/episodes``, the columns ``farl/…`` (``said_of_episode.KEYS``) and ``farl/last_observation``: a frame
holds what an action answers, so that nothing else would say what the last one led to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farl_ros.interchange.outgoing import Outgoing
from farl_ros.task_spec import TaskSpec

VERSION = "v3.0"
INFO, STATS, TASKS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet"
EPISODES_FOLDER, DATA_FOLDER = "meta/episodes", "data"
_FILE = "chunk-{chunk_index:03d}/file-{file_index:03d}"
EPISODES = f"{EPISODES_FOLDER}/{_FILE}.parquet"
DATA = f"{DATA_FOLDER}/{_FILE}.parquet"
VIDEO = f"videos/{{video_key}}/{_FILE}.mp4"
FILES_PER_CHUNK, DATA_MB, VIDEO_MB = 1000, 100, 200

STATE, ACTION = "observation.state", "action"
REWARD, COST, SUCCESS = "next.reward", "next.cost", "next.success"
DONE, TERMINATED, TRUNCATED = "next.done", "next.terminated", "next.truncated"
OURS, LAST = "farl/", "farl/last_observation"

Columns = dict[str, NDArray[Any]]


def chunk_and_file(number: int) -> tuple[int, int]:
    """Where the file with a number lies."""
    return divmod(number, FILES_PER_CHUNK)


def camera_feature(topic: str) -> str:
    """Feature of a camera: ``/camera/color/compressed`` is ``observation.images.camera_color``."""
    name = topic.removesuffix("/compressed").strip("/").replace("/", "_")
    return f"observation.images.{name}"


def frames_of(outgoing: Outgoing, number: int, first_index: int, rate_hz: float) -> Columns:
    """The columns of an episode's T frames, each with shape ``(T, entries)``."""
    episode, steps = outgoing.episode, len(outgoing.episode)
    counted, last = np.arange(steps), np.arange(steps) == steps - 1
    scalars = {
        REWARD: episode.rewards,
        COST: episode.costs,
        DONE: last,
        TERMINATED: last & episode.terminated,
        TRUNCATED: last & episode.truncated,
        SUCCESS: last & episode.success,
        "timestamp": (counted / rate_hz).astype(np.float32),
        "frame_index": counted,
        "episode_index": np.full(steps, number),
        "index": first_index + counted,
        "task_index": np.zeros(steps, np.int64),
    }
    return {
        STATE: episode.observations[:-1],
        ACTION: episode.actions,
        **{name: column[:, None] for name, column in scalars.items()},
    }


def features_of(spec: TaskSpec, columns: Columns) -> dict[str, Any]:
    """What info.json says of the columns."""
    names = {
        STATE: [f"{f.name}.{n}" if f.size > 1 else f.name for f in spec.observation for n in range(f.size)],
        ACTION: [field.name for field in spec.action],
    }
    return {
        name: {"dtype": column.dtype.name, "shape": [column.shape[1]], "names": names.get(name)}
        for name, column in columns.items()
    }


def info_of(
    spec: TaskSpec, features: Mapping[str, Any], episodes: int, frames: int, robot: str | None
) -> dict[str, Any]:
    """The content of info.json."""
    rate = spec.control_rate_hz
    videos = any(feature["dtype"] == "video" for feature in features.values())
    return {
        "codebase_version": VERSION,
        "robot_type": robot,
        "total_episodes": episodes,
        "total_frames": frames,
        "total_tasks": 1,
        "chunks_size": FILES_PER_CHUNK,
        "data_files_size_in_mb": DATA_MB,
        "video_files_size_in_mb": VIDEO_MB,
        "fps": int(rate) if rate.is_integer() else rate,
        "splits": {"train": f"0:{episodes}"},
        "data_path": DATA,
        "video_path": VIDEO if videos else None,
        "features": dict(features),
    }


def pandas_index(index: str, columns: Sequence[str]) -> dict[str, Any]:
    """What tells pandas that a text column of a Parquet file is the table's index.

    Source: https://pandas.pydata.org/docs/development/developer.html (storing metadata in Parquet).
    """

    def described(name: str) -> dict[str, Any]:
        text = name == index
        kinds = {"pandas_type": "unicode", "numpy_type": "object"} if text else {
            "pandas_type": "int64", "numpy_type": "int64"
        }  # fmt: skip
        return {"name": name, "field_name": name, "metadata": None, **kinds}

    return {
        "index_columns": [index],
        "column_indexes": [],
        "columns": [described(name) for name in (*columns, index)],
        "creator": {"library": "farl_ros", "version": ""},
        "pandas_version": "2.0.0",
    }
