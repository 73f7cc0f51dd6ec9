"""Reads a LeRobotDataset v3; see ``lerobot_layout``. Videos are left aside: nothing here trains on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farl.files import FileError, read_json
from farl.types import Array
from farl_ros.interchange import lerobot_layout as layout
from farl_ros.interchange.errors import InterchangeError, library
from farl_ros.interchange.raw import RawDataset, RawEpisode
from farl_ros.interchange.said_of_episode import KEYS, ours

_SPAN = ("episode_index", "length", "dataset_from_index", "dataset_to_index")
_OPTIONAL = (layout.REWARD, layout.COST, layout.SUCCESS)


def read_lerobot(folder: Path, observation: Sequence[str] | None) -> RawDataset:
    """Read all episodes.

    Args:
        folder: The dataset.
        observation: Features that make up the observation, one after the other; ``observation.state`` by
            default.

    Raises:
        InterchangeError: pyarrow is missing; or it is no such dataset, or one of another version, or a
            feature is missing or has missing values; the message names the features that are there.
    """
    info = _info(folder)
    wanted = (layout.STATE,) if observation is None else tuple(observation)
    have = info["features"]
    for name in (*wanted, layout.ACTION):
        if name not in have:
            raise InterchangeError(f"{folder}: no feature {name!r}; there are {', '.join(sorted(have))}")
    optional = [name for name in _OPTIONAL if name in have]
    names = [*wanted, layout.ACTION, *optional]
    table = _read(folder / layout.DATA_FOLDER, [*names, "episode_index"])
    columns = {name: _numbers(table, name, folder) for name in names}
    owner = _numbers(table, "episode_index", folder)[:, 0]
    rows = _read(folder / layout.EPISODES_FOLDER, None).to_pylist()
    episodes = [_episode(folder, row, columns, owner, wanted) for row in rows]
    return RawDataset(float(info["fps"]), tuple(episodes))


def _info(folder: Path) -> dict[str, Any]:
    try:
        read = read_json(folder / layout.INFO)
    except FileError as error:
        raise InterchangeError(
            f"{folder}: not a LeRobotDataset ({error}); expected a folder with {layout.INFO}"
        ) from error
    info: dict[str, Any] = read if isinstance(read, dict) else {}
    version = info.get("codebase_version")
    if not isinstance(version, str) or not version.startswith("v3."):
        raise InterchangeError(
            f"{folder}: a LeRobotDataset of version {version}, expected v3; convert it with LeRobot's own "
            "lerobot.datasets.v30.convert_dataset_v21_to_v30"
        )
    rate, features = info.get("fps"), info.get("features")
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not isinstance(features, dict):
        raise InterchangeError(
            f"{folder / layout.INFO}: expected fps, a number, and features; got fps {rate!r}"
        )
    return info


def _read(folder: Path, columns: list[str] | None) -> Any:  # noqa: ANN401 - pyarrow has no types
    pa, parquet = library("pyarrow"), library("pyarrow.parquet")
    files = sorted(folder.glob("*/*.parquet"))
    if not files:
        raise InterchangeError(f"{folder}: no Parquet file in it; expected chunk-000/file-000.parquet")
    tables = []
    for file in files:
        try:
            schema = parquet.read_schema(file)
            missing = sorted(set(columns or _SPAN) - set(schema.names))
            if missing:
                raise InterchangeError(
                    f"{file}: no column {missing[0]!r}; there are {', '.join(schema.names)}"
                )
            kept = [name for name in schema.names if not name.startswith("stats/")]
            tables.append(parquet.read_table(file, columns=kept if columns is None else columns))
        except (pa.ArrowException, OSError) as error:
            raise InterchangeError(f"{file}: not a whole Parquet file ({error})") from error
    return pa.concat_tables(tables, promote_options="default")


def _numbers(table: Any, name: str, folder: Path) -> NDArray[Any]:  # noqa: ANN401
    """A column as an array, shape ``(N, entries)``."""
    column = table[name].combine_chunks()
    if hasattr(column, "chunks"):  # a table without rows
        raise InterchangeError(f"{folder}: no frame in it")
    flat = column.flatten() if hasattr(column, "flatten") and column.type.num_fields else column
    ragged = len(column) == 0 or len(flat) % len(column)
    if column.null_count or flat.null_count or ragged:
        raise InterchangeError(
            f"{folder}: feature {name!r} has missing values, or not the same number in every frame"
        )
    try:
        values = np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(len(column), -1)
    except ValueError as error:
        raise InterchangeError(f"{folder}: feature {name!r} is not one row of numbers ({error})") from error
    if values.dtype.kind not in "fiub":
        raise InterchangeError(f"{folder}: feature {name!r} holds {flat.type}; expected numbers")
    return values


def _episode(
    folder: Path,
    row: dict[str, Any],
    columns: dict[str, NDArray[Any]],
    owner: NDArray[Any],
    observation: Sequence[str],
) -> RawEpisode:
    number, first, end = (int(row[key]) for key in ("episode_index", *_SPAN[2:]))
    where = f"{folder}, episode {number}"
    frames = slice(first, end)
    mine = owner[frames]
    if not 0 <= first < end <= len(owner) or int(row["length"]) != end - first or (mine != number).any():
        raise InterchangeError(
            f"{where}: {layout.EPISODES_FOLDER} says frames {first} to {end} of {len(owner)}, "
            f"{row['length']} in all, and the frames there are of episodes {np.unique(mine).tolist()[:3]}; "
            "the dataset is not whole"
        )

    def numbers(name: str) -> Array | None:
        return columns[name][frames].astype(np.float32) if name in columns else None

    def scalars(name: str) -> Array | None:
        values = numbers(name)
        return None if values is None else values[:, 0]

    said, last = {key: row.get(f"{layout.OURS}{key}") for key in KEYS}, row.get(layout.LAST)
    success = scalars(layout.SUCCESS)
    return RawEpisode(
        where=where,
        observations=np.concatenate([columns[name][frames] for name in observation], axis=1).astype(
            np.float32
        ),
        last_observation=None if last is None else np.array(last, np.float32),
        actions=columns[layout.ACTION][frames].astype(np.float32),
        rewards=scalars(layout.REWARD),
        costs=scalars(layout.COST),
        success=None if success is None else bool(success[-1]),
        ours=None if all(value is None for value in said.values()) else ours(said, where),
    )
