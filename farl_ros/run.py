"""A run is a folder: spec, settings, versions, command, metrics (CSV and TensorBoard), traces, checkpoints, bags."""

from __future__ import annotations

import csv
import io
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from torch.utils.tensorboard import SummaryWriter

from farl.files import FileError, read_json, write_atomic, write_json
from farl.types import Decision, Transition
from farl_ros.provenance import versions
from farl_ros.run_metrics import (
    EpisodeRecord,
    LatencyHistogram,
    episode_record,
    parse_record,
    read_rows,
    record_row,
    shield_latencies,
    summarise,
)
from farl_ros.run_traces import LAST, is_traced, trace_name, write_trace
from farl_ros.task_spec import TaskSpec, load_task

TASK, SETTINGS, VERSIONS, COMMANDS = "task.yaml", "settings.json", "versions.json", "command.txt"


class RunError(ValueError):
    """A run folder cannot be made or used; the message names it and says what to do."""


def run_path(root: Path, task: str, preset: str, seed: int, now: datetime) -> Path:
    """The folder of a new run: ``<root>/<time>-<task>-<preset>-s<seed>``."""
    return root / f"{now:%Y-%m-%d-%H%M%S}-{task}-{preset}-s{seed}"


class RunFolder:
    """One run on disk. The rows of its CSV files are the truth; what was counted is counted again from them.

    A context manager: leaving it writes the trace of the last episode and closes TensorBoard's file.

    Attributes:
        path: The folder.
        spec: The task as it was when the run began.
        settings: What ``settings.json`` holds.
        records: Finished episodes, in the order in which they were added.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.perf_counter) -> None:
        """Take an existing run; use ``create`` or ``open``."""
        self.path, self._clock = path, clock
        self.spec: TaskSpec = load_task(path / TASK)
        self.settings: dict[str, Any] = read_json(path / SETTINGS)
        self._tensorboard: SummaryWriter | None = None
        self._last: tuple[Sequence[Transition], Sequence[Decision]] | None = None
        self._load()

    @classmethod
    def create(
        cls,
        path: Path,
        spec: TaskSpec,
        settings: Mapping[str, Any],
        command: Sequence[str],
        clock: Callable[[], float] = time.perf_counter,
    ) -> RunFolder:
        """Begin a run.

        Args:
            path: Its folder, new or empty.
            spec: The task.
            settings: Preset, seed and everything else that the run is set by; must fit into JSON.
            command: The command line.
            clock: Monotonic seconds, for the running time.

        Raises:
            RunError: The folder holds a run, or something else.
        """
        if (path / TASK).exists() and (path / SETTINGS).exists():
            raise RunError(f"{path} holds a run already; resume it, or choose another folder")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunError(f"{path} is there already, and it is not a run; choose a new or empty folder")
        for name in ("metrics", "traces", "checkpoints", "bags"):
            (path / name).mkdir(parents=True, exist_ok=True)
        write_atomic(path / TASK, spec.resolved_yaml().encode())
        write_json(path / VERSIONS, versions())
        write_atomic(path / COMMANDS, f"{shlex.join(command)}\n".encode())
        write_json(path / SETTINGS, dict(settings))
        return cls(path, clock)

    @classmethod
    def open(cls, path: Path, clock: Callable[[], float] = time.perf_counter) -> RunFolder:
        """Open a run that was begun earlier, to resume or to look at it.

        Raises:
            RunError: There is none.
        """
        for name in (TASK, SETTINGS):
            if not (path / name).is_file():
                raise RunError(f"{path}: not a run folder, {name} is missing; expected what 'farl finetune' wrote")
        try:
            return cls(path, clock)
        except FileError as error:
            raise RunError(str(error)) from error

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def bags(self) -> Path:
        """Folder of the bags of online episodes."""
        return self.path / "bags"

    @property
    def traces(self) -> Path:
        """Folder of the traces."""
        return self.path / "traces"

    @property
    def steps(self) -> int:
        """Agent steps of all finished episodes."""
        return self.records[-1].steps if self.records else 0

    def add_episode(self, transitions: Sequence[Transition], decisions: Sequence[Decision] = ()) -> EpisodeRecord:
        """Add a finished episode; its row is on disk when this returns.

        Args:
            transitions: All its steps.
            decisions: The shield's, one per step; none without a shield.

        Raises:
            ValueError: There are decisions, but not one per step.
        """
        if decisions and len(decisions) != len(transitions):
            raise ValueError(f"{len(decisions)} decisions for {len(transitions)} transitions; expected one each")
        latencies = shield_latencies(decisions)
        wall_s = self._wall_before + self._clock() - self._opened
        record = episode_record(transitions, latencies, self.steps, wall_s)
        if is_traced(record, self.records):
            write_trace(self.traces / trace_name(record.episode), self.spec, transitions, decisions)
        self._last = transitions, decisions
        histogram = LatencyHistogram()
        histogram.add(latencies)
        self._latencies.counts.update(histogram.counts)
        self.records.append(record)
        # The latencies come first: an episode counts once its own row is there.
        self._append("latencies.csv", {"episode": str(record.episode), "shield_ms": histogram.text()})
        self._append("episodes.csv", record_row(record))
        self._show_episode(record)
        return record

    def add_update(self, figures: Mapping[str, float]) -> None:
        """Add what one update of the learner did; the same names every time."""
        self._append("updates.csv", {"at_steps": str(self.steps), **{k: str(v) for k, v in figures.items()}})
        self._updates += 1
        for name, value in figures.items():
            self._board().add_scalar(f"losses/{name}", value, self.steps)

    def resume(self, episodes: int, updates: int, command: Sequence[str]) -> None:
        """Go back to a checkpoint: what came after it is forgotten, and will come again.

        Args:
            episodes: Episodes that the checkpoint has seen.
            updates: Updates that the checkpoint has seen.
            command: The command line, added to those before.

        Raises:
            RunError: The run has fewer than that.
        """
        self.truncate_after(episodes, updates)
        lines = (self.path / COMMANDS).read_text(encoding="utf-8") + shlex.join(command) + "\n"
        write_atomic(self.path / COMMANDS, lines.encode())

    def truncate_after(self, episodes: int, updates: int) -> None:
        """Drop the rows after the first ``episodes`` episodes and ``updates`` updates, and traces of dropped episodes.

        Bags of dropped episodes are moved to ``bags/dropped``, never deleted.

        Raises:
            RunError: There are fewer.
        """
        for name, count, have in (("episodes", episodes, len(self.records)), ("updates", updates, self._updates)):
            if count > have:
                raise RunError(f"{self.path}: the checkpoint has seen {count} {name}, but metrics/{name}.csv has {have}")
        dropped = {record.episode for record in self.records[episodes:]}
        for name, count in (("episodes.csv", episodes), ("latencies.csv", episodes), ("updates.csv", updates)):
            rows = read_rows(self._metrics / name)
            write_atomic(self._metrics / name, _csv_text(rows[:count], header=True).encode())
        for episode in dropped:
            (self.traces / trace_name(episode)).unlink(missing_ok=True)
        (self.traces / LAST).unlink(missing_ok=True)
        self.close()
        self._load()
