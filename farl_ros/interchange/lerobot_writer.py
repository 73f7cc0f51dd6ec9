"""Writes a LeRobotDataset v3.0; see ``lerobot_layout``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from farl.files import write_json
from farl_ros.interchange import lerobot_layout as layout
from farl_ros.interchange.errors import InterchangeError, library
from farl_ros.interchange.lerobot_layout import Columns
from farl_ros.interchange.outgoing import Shipment
from farl_ros.interchange.said_of_episode import said_of
from farl_ros.interchange.statistics import feature_statistics
from farl_ros.interchange.videos import Video, video_of

Tell = Callable[[str], None]


def write_lerobot(folder: Path, shipment: Shipment, pictures: bool, tell: Tell) -> None:
    """Write a dataset.

    Args:
        folder: Where; it does not exist yet.
        shipment: What.
        pictures: Whether compressed pictures in the bags become videos.
        tell: Called with a line per episode.

    Raises:
        InterchangeError: pyarrow is missing; or the bags have different cameras, or pictures of other times.
    """
    cameras = _cameras(shipment) if pictures else ()
    frames, rows = _Frames(folder), list[dict[str, Any]]()
    every: dict[str, list[Any]] = {}
    samples: dict[str, list[Any]] = {}
    features: dict[str, Any] = {}
    rate, total = shipment.task.control_rate_hz, 0
    try:
        for number, outgoing in enumerate(shipment.episodes):
            columns = layout.frames_of(outgoing, number, total, rate)
            chunk, file = frames.append(columns)
            steps = len(outgoing.episode)
            row = {
                "episode_index": number,
                "tasks": [shipment.task.name],
                "length": steps,
                "data/chunk_index": chunk,
                "data/file_index": file,
                "dataset_from_index": total,
                "dataset_to_index": total + steps,
                "meta/episodes/chunk_index": 0,
                "meta/episodes/file_index": 0,
                **{f"{layout.OURS}{key}": value for key, value in said_of(outgoing).items()},
                layout.LAST: outgoing.episode.observations[-1],
            }
            for name, column in columns.items():
                row |= _flat(name, feature_statistics(column))
                every.setdefault(name, []).append(column)
            for topic in cameras:
                name, (chunk, file) = layout.camera_feature(topic), layout.chunk_and_file(number)
                place = folder / layout.VIDEO.format(video_key=name, chunk_index=chunk, file_index=file)
                video = video_of(outgoing, topic, place, rate)
                where = f"videos/{name}"
                row |= {f"{where}/chunk_index": chunk, f"{where}/file_index": file}
                row |= {f"{where}/from_timestamp": 0.0, f"{where}/to_timestamp": steps / rate}
                row |= _flat(name, _of_pictures(video.sample, steps))
                samples.setdefault(name, []).append(video.sample)
                features[name] = _video_feature(features.get(name), video, rate, topic)
            rows.append(row)
            total += steps
            tell(f"{outgoing.bag} → episode {number}, {steps} frames")
    finally:
        frames.close()
    table = {name: np.concatenate(columns) for name, columns in every.items()}
    features = layout.features_of(shipment.task, table) | features
    robot = shipment.episodes[0].episode.metadata.get("robot")
    write_json(folder / layout.INFO, layout.info_of(shipment.task, features, len(rows), total, robot))
    pictured = {name: _of_pictures(np.concatenate(parts), total) for name, parts in samples.items()}
    numeric = {name: feature_statistics(column) for name, column in table.items()}
    write_json(folder / layout.STATS, numeric | pictured)
    _write_tasks(folder / layout.TASKS, shipment.task.name)
    _write_episodes(folder / layout.EPISODES.format(chunk_index=0, file_index=0), rows)


@dataclass
class _Frames:
    """The files with the frames: a new one begins where one would grow beyond what info.json says."""

    folder: Path
    _writer: Any = None
    _files: int = 0
    _bytes: int = field(default=0)

    def append(self, columns: Columns) -> tuple[int, int]:
        """Write an episode; returns chunk and file that it is in."""
        parquet, table = library("pyarrow.parquet"), _table(columns)
        if self._writer is None or self._bytes + table.nbytes > layout.DATA_MB * 2**20:
            self.close()
            chunk, file = layout.chunk_and_file(self._files)
            path = self.folder / layout.DATA.format(chunk_index=chunk, file_index=file)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer, self._bytes = parquet.ParquetWriter(path, table.schema, compression="snappy"), 0
            self._files += 1
        self._writer.write_table(table)
        self._bytes += table.nbytes
        return layout.chunk_and_file(self._files - 1)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _table(columns: Columns) -> Any:  # noqa: ANN401 - pyarrow has no types
    pa = library("pyarrow")
    arrays = {}
    for name, column in columns.items():
        values = pa.array(np.ascontiguousarray(column).reshape(-1))
        vector = column.shape[1] > 1
        arrays[name] = pa.FixedSizeListArray.from_arrays(values, column.shape[1]) if vector else values
    return pa.table(arrays)


def _write_tasks(path: Path, task: str) -> None:
    pa, parquet = library("pyarrow"), library("pyarrow.parquet")
    index = json.dumps(layout.pandas_index("task", ["task_index"]))
    table = pa.table({"task_index": pa.array([0], pa.int64()), "task": [task]})
    parquet.write_table(table.replace_schema_metadata({"pandas": index}), path)


def _write_episodes(path: Path, rows: list[dict[str, Any]]) -> None:
    pa, parquet = library("pyarrow"), library("pyarrow.parquet")
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    last = pa.array(columns.pop(layout.LAST), pa.list_(pa.float32()))
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table({**columns, layout.LAST: last}), path, compression="snappy")


def _flat(name: str, statistics: Mapping[str, Any]) -> dict[str, Any]:
    return {f"stats/{name}/{key}": value for key, value in statistics.items()}


def _of_pictures(sample: Any, frames: int) -> dict[str, Any]:  # noqa: ANN401 - an array of bytes
    """Statistics of red, green and blue in [0, 1], in the shape (3, 1, 1) of a picture."""
    found = feature_statistics(sample / 255.0, frames)
    return {
        key: value if key == "count" else [[[channel]] for channel in value] for key, value in found.items()
    }


def _video_feature(earlier: dict[str, Any] | None, video: Video, rate: float, topic: str) -> dict[str, Any]:
    feature: dict[str, Any] = {
        "dtype": "video",
        "shape": [video.height, video.width, 3],
        "names": ["height", "width", "channels"],
        "info": {
            "video.height": video.height,
            "video.width": video.width,
            "video.codec": video.codec,
            "video.pix_fmt": "yuv420p",
            "video.is_depth_map": False,
            "video.fps": rate,
            "video.channels": 3,
            "has_audio": False,
        },
    }
    if earlier is not None and earlier["shape"] != feature["shape"]:
        raise InterchangeError(
            f"topic {topic}: pictures of {earlier['shape'][:2]} and of {feature['shape'][:2]} rows and "
            "columns; expected one size in all bags; leave them out with --no-pictures"
        )
    return feature


def _cameras(shipment: Shipment) -> tuple[str, ...]:
    """Topics with pictures: the same in every bag."""
    first = shipment.episodes[0]
    for outgoing in shipment.episodes:
        if outgoing.cameras != first.cameras:
            raise InterchangeError(
                f"{outgoing.bag} has pictures on {', '.join(outgoing.cameras) or 'no topic'}, {first.bag} on "
                f"{', '.join(first.cameras) or 'no topic'}; export them apart, or with --no-pictures"
            )
    return first.cameras
