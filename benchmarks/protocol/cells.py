"""One cell from nothing, from a half-made run or from a stale one to its row in the table."""

from __future__ import annotations

import fcntl
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from threading import Event
from typing import Protocol

from benchmarks.protocol.attempt import Attempt, watch
from benchmarks.protocol.identity import Identity, identity_of, resumable
from benchmarks.protocol.judge import Judgement
from benchmarks.protocol.sizes import Cell, Size
from benchmarks.protocol.store import Store
from farl.files import read_json, write_json
from farl_ros.run import COMMANDS

_LOG_LINES, _POLL_S = 15, 1.0


class CellError(RuntimeError):
    """A cell could not be made; the message holds the end of its log."""


class Stopped(Exception):
    """The benchmark was asked to stop."""


class Watch(Protocol):
    """Runs a command: ``farl`` for a run, then the judge."""

    def __call__(self, command: Sequence[str], log: Path, lock: int, stop: Event) -> Attempt:
        """As ``benchmarks.protocol.attempt.watch``."""


class CellMaker:
    """Makes cells of one size."""

    def __init__(
        self,
        size: Size,
        store: Store,
        stop: Event,
        watch: Watch = watch,
        identify: Callable[[Size, Cell], Identity] = identity_of,
    ) -> None:
        """Put it together.

        Args:
            size: Says how long runs are.
            store: The tables.
            stop: Set to stop everything that runs.
            watch: Runs a command.
            identify: Says what a cell is made with now.
        """
        self._size, self._store, self._stop = size, store, stop
        self._watch, self._identify = watch, identify

    def make(self, cell: Cell, say: Callable[[str], None]) -> bool:
        """Make a cell, or find that it is made.

        Args:
            cell: The cell.
            say: Told what happens, in a few words each.

        Returns:
            Whether there was anything to do.

        Raises:
            CellError: The run or its judgement failed.
            Stopped: ``stop`` was set.
        """
        folder = run_folder(self._size, cell)
        with self._only_one(folder, say) as lock:
            identity = self._identify(self._size, cell)
            rows = self._store.runs.of(cell)
            stale = identity.differs(rows[0]) if rows else ""
            if rows and not stale:
                return False
            if stale:
                say(f"stale: its row was made with {stale}")
            if folder.exists() and not resumable(folder, identity):
                say(f"begun with other models, task or settings: kept as {_set_aside(folder).name}")
            self._run(cell, folder, lock, say)
            say("judging")
            judgement = self._judge(cell, folder, lock)
            row = replace(judgement.row, **_taken(folder))
            self._store.put(cell, replace(judgement, row=row), self._command(cell, folder, resume=False))
            return True

    def _run(self, cell: Cell, folder: Path, lock: int, say: Callable[[str], None]) -> None:
        resume = folder.exists()
        if not resume:
            _usage_file(folder).unlink(missing_ok=True)
        say("resuming" if resume else "running")
        self._checked(self._command(cell, folder, resume), folder, lock)

    def _command(self, cell: Cell, folder: Path, resume: bool) -> list[str]:
        command = [sys.executable, "-m", "farl_ros.cli", "finetune", cell.task, "--preset", cell.preset.value]
        command += ["--seed", str(cell.seed), "--steps", str(self._size.steps), "--direct"]
        command += ["--envs", str(self._size.environments), "--out", str(folder)]
        return [*command, "--resume"] if resume else command

    def _judge(self, cell: Cell, folder: Path, lock: int) -> Judgement:
        out = folder.with_name(f"{folder.name}.judgement.json")
        command = [sys.executable, "-m", "benchmarks.protocol.judge", self._size.name, cell.task]
        command += [cell.preset.value, str(cell.seed), str(folder), str(out)]
        self._checked(command, folder, lock, counted=False)
        return Judgement.read(out)

    def _checked(self, command: Sequence[str], folder: Path, lock: int, counted: bool = True) -> None:
        log = folder.with_name(f"{folder.name}.log")
        attempt = self._watch(command, log, lock, self._stop)
        if counted:
            write_json(_usage_file(folder), [*_usage(folder), asdict(attempt)])
        if self._stop.is_set():
            raise Stopped
        if attempt.code != 0:
            last = log.read_text(errors="replace").splitlines()[-_LOG_LINES:] if log.exists() else []
            raise CellError(
                f"{shlex.join(command)}\nended with code {attempt.code}; the end of {log}:\n"
                + "\n".join(f"  {line}" for line in last)
            )

    @contextmanager
    def _only_one(self, folder: Path, say: Callable[[str], None]) -> Iterator[int]:
        """Hold a cell against other benchmarks, and against a run that outlived a killed one."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_name(f"{folder.name}.lock").open("w") as file:
            waited = False
            while True:
                if self._stop.is_set():
                    raise Stopped
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not waited:
                        say("waiting: an earlier start of the benchmark is still at it")
                    waited = True
                    time.sleep(_POLL_S)
            yield file.fileno()


def run_folder(size: Size, cell: Cell) -> Path:
    """Where a cell's run lies."""
    return size.runs / cell.name


def _set_aside(folder: Path) -> Path:
    """Keep what is there under another name: a run of other models is never mixed in, and never deleted."""
    names = (folder.with_name(f"{folder.name}.stale-{n}") for n in count(1))
    aside = next(name for name in names if not name.exists())
    folder.rename(aside)
    return aside


def _usage_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.usage.json")


def _usage(folder: Path) -> list[dict[str, float]]:
    """What every attempt at a run took, those that were stopped included."""
    return list(read_json(_usage_file(folder))) if _usage_file(folder).is_file() else []


def _taken(folder: Path) -> dict[str, float | None]:
    """Processor time and memory of a run; None if an attempt at it outlived the benchmark that watched it."""
    usage = _usage(folder)
    if len(usage) < len((folder / COMMANDS).read_text().splitlines()):
        return {"cpu_s": None, "max_rss_mb": None}
    return {
        "cpu_s": sum(attempt["cpu_s"] for attempt in usage),
        "max_rss_mb": max(attempt["max_rss_mb"] for attempt in usage),
    }
