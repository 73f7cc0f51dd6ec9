"""The base of what is read from YAML: frozen, nothing coerced, an unknown key names the nearest valid one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError


class StrictModel(BaseModel):
    """A frozen model that refuses unknown keys, numbers in quotes, NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever was in the file
        if isinstance(value, dict):
            for key in value:
                if key not in cls.model_fields:
                    near = nearest(str(key), cls.model_fields)
                    raise ValueError(f"unknown key {key!r}; the nearest valid key is {near!r}")
        return value


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return the entry of ``valid`` that is most like ``name``; ``valid`` must not be empty."""
    lower = {entry.lower(): entry for entry in valid}
    return lower[difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.0)[0]]


def problems(error: ValidationError) -> str:
    """Write a validation error as one line per problem: where, what is wrong, what came."""
    lines = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"])
        text = problem["msg"].removeprefix("Value error, ")
        came = problem["input"]
        if problem["type"] == "union_tag_invalid":
            tag, tags = problem["ctx"]["tag"], re.findall(r"'(\w+)'", problem["ctx"]["expected_tags"])
            text = f"unknown kind {tag!r}; the nearest is {nearest(tag, tags)!r} (of {', '.join(tags)})"
        got = "" if isinstance(came, dict | list) or problem["type"] == "value_error" else f"; got {came!r}"
        lines.append(f"{where}: {text}{got}" if where else f"{text}{got}")
    return "\n  ".join(lines)


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - what YAML holds is for the caller to check
    """Read a YAML 1.2 file; a key that stands there twice is an error.

    Raises:
        ValueError: It cannot be read, or is not YAML; the message names the file.
    """
    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not valid YAML: {error}") from error
