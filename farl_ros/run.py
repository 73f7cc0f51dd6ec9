"""A run is a folder: task, settings, versions, command, metrics, traces, checkpoints, bags, TensorBoard."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from farl.files import FileError, read_json, write_atomic, write_json
from farl.types import ActionSource, Decision, Transition
from farl_ros.provenance import versions
from farl_ros.run_board import Board
from farl_ros.run_metrics import RunMetrics
from farl_ros.run_records import EpisodeRecord, LatencyHistogram, episode_record, shield_latencies
from farl_ros.run_traces import LAST, is_traced, trace_name, write_trace
from farl_ros.task_spec import TaskSpec, load_task

TASK, SETTINGS, VERSIONS, COMMANDS = "task.yaml", "settings.json", "versions.json", "command.txt"


class RunError(ValueError):
    """A run folder cannot be made or used; the message names it and says what to do."""


def run_path(root: Path, task: str, preset: str, seed: int, now: datetime) -> Path:
    """The folder of a new run: ``<root>/<time>-<task>-<preset>-s<seed>``."""
    return root / f"{now:%Y-%m-%d-%H%M%S}-{task}-{preset}-s{seed}"


class RunFolder:
    """One run on disk: a context manager that closes TensorBoard's file and writes the last episode's trace.

    Attributes:
        path: The folder.
        spec: The task as it was when the run began.
        settings: What ``settings.json`` holds.
        metrics: Episodes and updates so far.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.perf_counter) -> None:
        """Take a run that is there; ``create`` begins one, ``open`` checks that there is one."""
        self.path, self._clock = path, clock
        self.spec: TaskSpec = load_task(path / TASK)
        self.settings: dict[str, Any] = read_json(path / SETTINGS)
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
        """Open a run that was begun earlier, to resume it or to look at it.

        Raises:
            RunError: There is none, or its files are damaged.
        """
        for name in (TASK, SETTINGS):
            if not (path / name).is_file():
                raise RunError(f"{path}: not a run folder, {name} is missing; did 'farl finetune' make it?")
        try:
            return cls(path, clock)
        except FileError as error:
            raise RunError(str(error)) from error

    @property
    def shadow(self) -> bool:
        """Whether the arm was held still, and nothing learnt."""
        return bool(self.settings.get("shadow", False))

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def traces(self) -> Path:
        """Folder of the traces."""
        return self.path / "traces"

    @property
    def steps(self) -> int:
        """Agent steps of all finished episodes."""
        records = self.metrics.records
        return records[-1].steps if records else 0

    def bag_path(self, episode: int) -> Path:
        """Where the bag of an online episode goes."""
        return self.path / "bags" / f"episode_{episode:06d}"

    def add_episode(
        self, transitions: Sequence[Transition], decisions: Sequence[Decision] = ()
    ) -> EpisodeRecord:
        """Add a finished episode; its row is on disk when this returns.

        Args:
            transitions: All its steps.
            decisions: The shield's, one per step; none without a shield.

        Raises:
            ValueError: There are decisions, but not one per step.
        """
        if decisions and len(decisions) != len(transitions):
            raise ValueError(f"{len(decisions)} decisions for {len(transitions)} steps; expected as many")
        latencies = shield_latencies(decisions)
        wall_s = self._wall_before + self._clock() - self._opened
        record, metrics = episode_record(transitions, latencies, self.steps, wall_s), self.metrics
        if self.shadow:
            record = replace(record, interventions=sum(d.source == ActionSource.RECOVERY for d in decisions))
        if is_traced(record, len(metrics.records), metrics.failures, metrics.saves):
            write_trace(self.traces / trace_name(record.episode), self.spec, transitions, decisions)
        self._last = transitions, decisions
        metrics.add_episode(record, LatencyHistogram.of(latencies))
        self._board.show_episode(record, metrics.failures)
        return record

    def add_update(self, figures: Mapping[str, float]) -> None:
        """Add what one update of the learner did, under the same names every time."""
        self.metrics.add_update(self.steps, figures)
        self._board.show_update(self.steps, figures)

    def resume(self, episodes: int, updates: int, command: Sequence[str]) -> None:
        """Go back to a checkpoint, and note the command line.

        Args:
            episodes: Episodes that the checkpoint has seen.
            updates: Updates that the checkpoint has seen.
            command: The command line.

        Raises:
            RunError: The run has fewer than that.
        """
        self.truncate_after(episodes, updates)
        commands = (self.path / COMMANDS).read_text(encoding="utf-8") + shlex.join(command) + "\n"
        write_atomic(self.path / COMMANDS, commands.encode())

    def truncate_after(self, episodes: int, updates: int) -> None:
        """Keep the first ``episodes`` episodes and ``updates`` updates; what came after them will come again.

        Bags of the other episodes go to ``bags/dropped-<n>``; none is deleted.

        Raises:
            RunError: The run has fewer than that.
        """
        records = self.metrics.records
        for name, wanted, have in (
            ("episodes", episodes, len(records)),
            ("updates", updates, self.metrics.updates),
        ):
            if wanted > have:
                raise RunError(
                    f"{self.path}: the checkpoint has seen {wanted} {name}, metrics/{name}.csv only {have}; "
                    "resume from an older checkpoint"
                )
        self.close()
        self.metrics.truncate(episodes, updates)
        kept = {record.episode for record in records[:episodes]}
        (self.traces / LAST).unlink(missing_ok=True)
        for trace in self.traces.glob("episode_*.csv"):
            if _number(trace.stem) not in kept:
                trace.unlink()
        self._set_bags_aside(kept)
        self._load()

    def summary(self) -> dict[str, Any]:
        """The figures of the run: see ``farl_ros.run_records.summarise``.

        In shadow mode nothing was swapped: what would have been is in ``would_swap_steps``.
        """
        figures = self.metrics.summary()
        if self.shadow:
            figures |= {"shadow": True, "would_swap_steps": figures["interventions"], "interventions": 0}
        return figures

    def close(self) -> None:
        """Write the trace of the last episode and close TensorBoard's file."""
        if self._last is not None:
            write_trace(self.traces / LAST, self.spec, *self._last)
            self._last = None
        self._board.close()

    def __enter__(self) -> Self:
        """Return the run."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the run."""
        self.close()

    def _load(self) -> None:
        try:
            self.metrics = RunMetrics(self.path / "metrics")
        except ValueError as error:
            raise RunError(f"{self.path}: its metrics cannot be read: {error}") from error
        records = self.metrics.records
        self._wall_before = records[-1].wall_s if records else 0.0
        self._board = Board(self.path / "tensorboard", self.steps)
        self._opened = self._clock()

    def _set_bags_aside(self, kept: Collection[int]) -> None:
        stale = [bag for bag in (self.path / "bags").glob("episode_*") if _number(bag.name) not in kept]
        if stale:
            folders = (self.path / "bags" / f"dropped-{n}" for n in count(1))
            aside = next(folder for folder in folders if not folder.exists())
            aside.mkdir()
            for bag in stale:
                bag.rename(aside / bag.name)


def _number(name: str) -> int | None:
    """The episode in ``episode_000123``; None in any other name."""
    digits = name.removeprefix("episode_")
    return int(digits) if digits.isdigit() else None
