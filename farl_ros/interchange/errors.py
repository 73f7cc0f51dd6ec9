"""What goes wrong with datasets of others, and the libraries that read them."""

from __future__ import annotations

import importlib
from types import ModuleType


class InterchangeError(ValueError):
    """A dataset cannot be written or read; the message says where, what came, what was expected."""


def library(name: str) -> ModuleType:
    """Import a library that only interchange needs, such as ``pyarrow.parquet``.

    Raises:
        InterchangeError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise InterchangeError(
            f"{package} is missing, which this format needs ({error}); "
            "install it: pip install -r requirements/interchange.txt"
        ) from error
