"""franky-sim's arm as a process in its own environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fci.process import ROOT, ServerProcess, free_host

PYTHON = Path(os.environ.get("FRANKY_SIM_PYTHON", ROOT / ".venv-sim" / "bin" / "python"))
"""Of the environment that ``scripts/test-robot.sh`` makes, or of another one with the same packages."""

needs_franky_sim = pytest.mark.skipif(
    not PYTHON.exists(),
    reason=f"needs franky-sim in an environment of its own, and there is no {PYTHON}: make test-robot",
)


class FrankySimProcess(ServerProcess):
    """The arm above a table, its hand and a puck where they are said to be [m], robot base frame."""

    def __init__(self, hand: Sequence[float], puck: Sequence[float]) -> None:
        host = free_host()
        places = ["--hand", *map(str, hand), "--puck", *map(str, puck)]
        super().__init__(host, [str(PYTHON), "-m", "tests.franky_sim", "--host", host, *places])
