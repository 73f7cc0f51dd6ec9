"""Files that last: written whole or not at all, verified when read, never a pickle."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save as save_safetensors

Arrays = dict[str, np.ndarray[tuple[int, ...], np.dtype[Any]]]


class FileError(ValueError):
    """A file is missing, damaged or not what it should be."""


def write_atomic(path: Path, data: bytes) -> str:
    """Write to a temporary name, sync, rename; return the SHA-256 of ``data``.

    After a power cut there is either the old file or the new one, whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return hashlib.sha256(data).hexdigest()


def write_json(path: Path, content: object) -> str:
    """Write ``content`` as JSON, atomically."""
    return write_atomic(path, (json.dumps(content, indent=2, sort_keys=True) + "\n").encode())


def read_json(path: Path) -> Any:  # noqa: ANN401 - what JSON holds is for the caller to check
    """Read JSON.

    Raises:
        FileError: It is missing or damaged.
    """
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise FileError(f"{path}: not JSON ({error}); was it cut off?") from error


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray[tuple[int, ...], np.dtype[Any]]]) -> str:
    """Write arrays as safetensors, atomically; return the SHA-256 of the file."""
    return write_atomic(path, save_safetensors({k: np.asarray(v, order="C") for k, v in arrays.items()}))


def read_arrays(path: Path, sha256: str | None = None) -> Arrays:
    """Read a safetensors file.

    Args:
        path: The file.
        sha256: Expected hash of the file; None to take what is there.

    Raises:
        FileError: It is missing, damaged, or has another hash.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror})") from error
    if sha256 is not None:
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise FileError(
                f"{path}: its SHA-256 is {found[:12]}…, expected {sha256[:12]}…; "
                "the file was changed or damaged: restore it or make it again"
            )
    try:
        arrays: Arrays = load_safetensors(data)
    except SafetensorError as error:
        raise FileError(f"{path}: not a whole safetensors file ({error})") from error
    return arrays
