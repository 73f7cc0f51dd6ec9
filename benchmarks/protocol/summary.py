"""What the rows say together: means over seeds, reductions, and which yardsticks are met."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.protocol.paper import MEAN_REDUCTION, published
from benchmarks.protocol.sizes import PAPER_TASKS
from benchmarks.protocol.tables import RunRow
from farl.presets import Preset

BASELINE = Preset.UNI_O4
LEAST_REDUCTION = 0.2
"""Below this a task counts as missed: the paper's weakest is 21.5 %."""
TOLERANCE = 0.05
"""Of the expert's return: how much a single run may differ by chance, where no spread over seeds is known;
how far below the published share still counts as the same."""


@dataclass(frozen=True)
class TaskSummary:
    """The runs of one task.

    Attributes:
        task: Its name.
        rows: All its rows.
    """

    task: str
    rows: tuple[RunRow, ...]

    @property
    def presets(self) -> list[Preset]:
        """The presets that have rows, in the order of the enum."""
        return [preset for preset in Preset if self.runs(preset)]

    def runs(self, preset: Preset) -> list[RunRow]:
        """The rows of a preset."""
        return [row for row in self.rows if row.preset == preset.value]

    def values(self, preset: Preset, name: str) -> list[float]:
        """A figure of every run that has it."""
        given = (getattr(row, name) for row in self.runs(preset))
        return [float(value) for value in given if value is not None]

    def mean(self, preset: Preset, name: str) -> float | None:
        """Mean of a figure over the seeds; None without any."""
        values = self.values(preset, name)
        return statistics.fmean(values) if values else None

    def deviation(self, preset: Preset, name: str) -> float | None:
        """Standard deviation of a figure over the seeds; None with less than two."""
        values = self.values(preset, name)
        return statistics.stdev(values) if len(values) > 1 else None

    def range(self, preset: Preset, name: str) -> float | None:
        """Greatest minus least over the seeds; None with less than two."""
        values = self.values(preset, name)
        return max(values) - min(values) if len(values) > 1 else None

    @property
    def expert_return(self) -> float | None:
        """Return of our scripted expert."""
        return statistics.fmean(row.expert_return for row in self.rows) if self.rows else None

    def normalised(self, preset: Preset, name: str) -> float | None:
        """A mean return in per cent of our expert's."""
        mean, expert = self.mean(preset, name), self.expert_return
        return None if mean is None or not expert else 100.0 * mean / expert

    def reduction(self, preset: Preset) -> float | None:
        """Share of the baseline's failures per step that a preset avoids, over the seeds that both have."""
        return _reduction(*self._paired(preset, "failures_per_1e6_steps"))

    def reduction_per_episode(self, preset: Preset) -> float | None:
        """The same of the share of failing episodes."""
        return _reduction(*self._paired(preset, "failure_rate"))

    def wall_ratio(self, preset: Preset) -> float | None:
        """Running time in units of the baseline's."""
        before, after = self._paired(preset, "wall_s")
        return sum(after) / sum(before) if sum(before) > 0.0 else None

    def return_lost(self, preset: Preset) -> tuple[float, float] | None:
        """By how much the final return is below the baseline's, and how much of that may be chance.

        Chance: the wider of both ranges over the seeds; with one seed a share of the expert's return.
        """
        before, after = self.mean(BASELINE, "final_return"), self.mean(preset, "final_return")
        if before is None or after is None or self.expert_return is None:
            return None
        ranges = [self.range(p, "final_return") for p in (BASELINE, preset)]
        known = [r for r in ranges if r is not None]
        return before - after, max(known) if known else TOLERANCE * abs(self.expert_return)

    def _paired(self, preset: Preset, name: str) -> tuple[list[float], list[float]]:
        """Figures of the baseline and of a preset, for the seeds that both have."""
        seeds = {row.seed for row in self.runs(BASELINE)} & {row.seed for row in self.runs(preset)}
        before, after = (
            [float(getattr(row, name)) for row in self.runs(p) if row.seed in seeds]
            for p in (BASELINE, preset)
        )
        return before, after


@dataclass(frozen=True)
class Verdict:
    """A yardstick, whether it is met, and the figures."""

    met: bool
    text: str


def summaries(rows: Sequence[RunRow]) -> list[TaskSummary]:
    """One summary a task, in the order of the rows."""
    tasks = dict.fromkeys(row.task for row in rows)
    return [TaskSummary(task, tuple(row for row in rows if row.task == task)) for task in tasks]


def mean_reduction(tasks: Sequence[TaskSummary], preset: Preset) -> float | None:
    """Mean of the tasks' reductions, as the paper's headline is made; None unless every task has one."""
    reductions = [task.reduction(preset) for task in tasks]
    known = [reduction for reduction in reductions if reduction is not None]
    return statistics.fmean(known) if known and len(known) == len(reductions) else None


def verdicts(tasks: Sequence[TaskSummary], preset: Preset = Preset.PAPER) -> list[Verdict]:
    """Every yardstick that the rows suffice for."""
    found = []
    if {task.task for task in tasks} >= set(PAPER_TASKS):
        ours = mean_reduction([task for task in tasks if task.task in PAPER_TASKS], preset)
        if ours is not None:
            text = f"Mean over the four tasks: {ours:.1%} fewer failures; the paper's {MEAN_REDUCTION:.1%}."
            found.append(Verdict(ours >= MEAN_REDUCTION, text))
    for task in tasks:
        reduction, lost = task.reduction(preset), task.return_lost(preset)
        if reduction is not None:
            text = f"{task.task}: {reduction:.1%} fewer failures; asked for at least {LEAST_REDUCTION:.0%}."
            found.append(Verdict(reduction >= LEAST_REDUCTION, text))
        if lost is not None:
            below, chance = lost
            side = "below" if below > 0.0 else "above"
            what = f"{abs(below):.0f} {side} that of {BASELINE.value}"
            text = f"{task.task}: final return {what}; up to {chance:.0f} below may be chance."
            found.append(Verdict(below <= chance, text))
        theirs, ours = published(task.task, preset), task.normalised(preset, "final_return")
        if theirs is not None and theirs.final_normalised is not None and ours is not None:
            shares = f"{ours:.1f}% of the expert's; the paper's {theirs.final_normalised:.1f}%"
            text = f"{task.task}: final return {shares}."
            found.append(Verdict(ours >= theirs.final_normalised - 100.0 * TOLERANCE, text))
        raw = task.mean(preset, "final_return")
        if theirs is not None and theirs.final_return is not None and raw is not None:
            text = f"{task.task}: final return {raw:,.0f}; the paper's {theirs.final_return:,.0f}."
            found.append(Verdict(raw >= theirs.final_return, text))
    return found


def _reduction(before: Sequence[float], after: Sequence[float]) -> float | None:
    return 1.0 - sum(after) / sum(before) if sum(before) > 0.0 else None
