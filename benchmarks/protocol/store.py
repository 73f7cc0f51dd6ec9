"""The results of a size on disk: one table a kind, and beside them what is needed to make them again."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Sequence
from typing import Any

from benchmarks.protocol.judge import Judgement
from benchmarks.protocol.sizes import ROOT, Cell, Size
from benchmarks.protocol.tables import CurveRow, RunRow, Table, locked
from benchmarks.protocol.theorem import TheoremRow
from farl.files import read_json, write_json
from farl_ros.provenance import versions


class Store:
    """The tables of one size.

    Attributes:
        runs: One row a run.
        curves: A hundred rows a run.
        theorem: The terms of Theorem 1.
    """

    def __init__(self, size: Size) -> None:
        """Name the files; none need be there."""
        lock = size.runs / "tables.lock"
        self.runs = Table(size.result(".csv"), RunRow, lock)
        self.curves = Table(size.result("_curves.csv"), CurveRow, lock)
        self.theorem = Table(size.result("_theorem.csv"), TheoremRow, lock)
        self._sources, self._lock = size.result(".json"), lock

    def put(self, cell: Cell, judgement: Judgement, command: Sequence[str]) -> None:
        """Replace a cell's results; its row comes last: a cell with a row is whole."""
        self.curves.put(cell, judgement.curve)
        self.theorem.put(cell, judgement.theorem)
        source = {"command": _shown(command), "machine": machine(), "versions": versions()}
        with locked(self._lock):
            write_json(self._sources, {**self.sources(), cell.name: source})
        self.runs.put(cell, [judgement.row])

    def sources(self) -> dict[str, Any]:
        """For each cell's name: command, machine and versions."""
        return dict(read_json(self._sources)) if self._sources.is_file() else {}


def machine() -> str:
    """The machine in words, without its name."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"


def _shown(command: Sequence[str]) -> str:
    """A command line without the paths of this machine."""
    text = shlex.join(["python", *command[1:]])
    return text.replace(f"{ROOT}{os.sep}", "")
