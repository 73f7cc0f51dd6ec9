"""What the protocol runs: sizes, and the cells (task, preset, seed) that each is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from farl.correction import CorrectionSettings
from farl.presets import Preset

ROOT = Path(__file__).resolve().parents[2]
PAPER_TASKS = ("BoundedPush", "BoundedSoccer", "FragilePushWall", "ObstructedPush")
"""The paper's four, in its order."""


@dataclass(frozen=True)
class Cell:
    """One run of the protocol.

    Attributes:
        task: Task name.
        preset: The method.
        seed: Seed of the run.
    """

    task: str
    preset: Preset
    seed: int

    @property
    def name(self) -> str:
        """For people and for file names."""
        return f"{self.task}-{self.preset.value}-s{self.seed}"


@dataclass(frozen=True)
class Size:
    """How much is run.

    Attributes:
        name: What the command line calls it.
        tasks: Tasks, in the order of the tables.
        steps: Agent steps per run.
        seeds: Seeds per task and preset.
        presets: Methods.
        environments: Environments side by side in one run; the numbers depend on it.
        episodes: Episodes for each evaluation that has noise in it.
        correction: How much is measured for Theorem 1.
        shipped: Whether its results belong into the repository; figures of a smoke test do not.
    """

    name: str
    tasks: tuple[str, ...]
    steps: int
    seeds: tuple[int, ...]
    presets: tuple[Preset, ...] = (Preset.UNI_O4, Preset.PAPER)
    environments: int = 8
    episodes: int = 20
    correction: CorrectionSettings = field(default_factory=CorrectionSettings)
    shipped: bool = True

    def cells(self) -> list[Cell]:
        """All its runs, those to be compared next to each other."""
        return [Cell(t, p, s) for t in self.tasks for s in self.seeds for p in self.presets]

    def only(self, tasks: Sequence[str], presets: Sequence[Preset], seeds: Sequence[int]) -> Size:
        """The same with other tasks, presets or seeds; nothing given leaves them as they are."""
        return replace(
            self,
            tasks=tuple(tasks) or self.tasks,
            presets=tuple(presets) or self.presets,
            seeds=tuple(seeds) or self.seeds,
        )

    @property
    def runs(self) -> Path:
        """Folder of the run folders."""
        return ROOT / "runs" / "failurebench" / self.name

    @property
    def results(self) -> Path:
        """Folder of the tables and the report."""
        return ROOT / "benchmarks" / "results" if self.shipped else self.runs

    def result(self, suffix: str) -> Path:
        """A file of the results, such as ``failurebench_small.csv`` for ``.csv``."""
        return self.results / f"failurebench_{self.name}{suffix}"


SIZES = {
    size.name: size
    for size in (
        Size(
            "smoke",
            ("DiscTable", "BoundedPush"),
            3_000,
            (0,),
            environments=4,
            episodes=2,
            correction=CorrectionSettings(episodes=2, flagged_states=2, branch_steps=31, recovery_steps=30),
            shipped=False,
        ),
        Size("small", PAPER_TASKS, 200_000, (0,)),
        Size("full", PAPER_TASKS, 1_000_000, (0, 1, 2)),
    )
}
