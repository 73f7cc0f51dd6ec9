"""The tables of the report as texts, the same for HTML and for Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.protocol.paper import METHODS, PaperRow, published, published_reduction
from benchmarks.protocol.summary import BASELINE, TaskSummary, mean_reduction
from benchmarks.protocol.theorem import SHOWN, TheoremRow
from benchmarks.protocol.theorem_plot import mean_over_seeds
from farl.presets import Preset

NONE = "–"  # noqa: RUF001


@dataclass(frozen=True)
class TextTable:
    """A table: the first column names the row, the others hold figures.

    Attributes:
        title: Its heading.
        note: A sentence or two below it.
        header: One text a column.
        rows: As many texts each.
    """

    title: str
    note: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The table for GitHub."""
        rule = ["---", *["--:"] * (len(self.header) - 1)]
        lines = [" | ".join(cells) for cells in (self.header, rule, *self.rows)]
        return "\n".join([f"## {self.title}", "", *(f"| {line} |" for line in lines), "", self.note])


def number(value: float | None, form: str = ",.0f") -> str:
    """A figure, or a dash."""
    return NONE if value is None else format(value, form).replace("-", "−")  # noqa: RUF001


def change(reduction: float | None) -> str:
    """A reduction as a change: 0.436 is −43.6 %."""
    return NONE if reduction is None else number(-reduction, "+.1%")


def with_spread(mean: float | None, deviation: float | None, form: str = ",.0f") -> str:
    """A mean, and its standard deviation where it is known."""
    return number(mean, form) + ("" if deviation is None else f" ± {number(deviation, form)}")


def tables(tasks: Sequence[TaskSummary], presets: Sequence[Preset]) -> list[TextTable]:
    """All tables for these tasks and presets, the baseline first."""
    return [
        _failures(tasks, presets),
        _returns(tasks, presets),
        _online(tasks, presets),
        _final(tasks, presets),
        _cost(tasks, presets),
    ]


def _failures(tasks: Sequence[TaskSummary], presets: Sequence[Preset]) -> TextTable:
    shielded = [preset for preset in presets if preset != BASELINE]
    header = ["task", *(preset.value for preset in presets), *(f"{p.value}, change" for p in shielded)]
    header += [f"published {name}" for name in METHODS.values()] + ["published change"]
    rows, reductions = [], list[float | None]()
    for task in tasks:
        ours = [_spread(task, preset, "failures_per_1e6_steps") for preset in presets]
        theirs = []
        for preset in METHODS:
            row = published(task.task, preset)
            theirs.append(NONE if row is None else with_spread(row.failures_per_1e6_steps, row.failures_sd))
        changes = [change(task.reduction(preset)) for preset in shielded]
        reductions.append(published_reduction(task.task, Preset.PAPER))
        rows.append((task.task, *ours, *changes, *theirs, change(reductions[-1])))
    known = [reduction for reduction in reductions if reduction is not None]
    mean = sum(known) / len(known) if known and len(known) == len(tasks) else None
    blank = [""] * len(presets)
    ours = [change(mean_reduction(tasks, preset)) for preset in shielded]
    rows.append(("mean change", *blank, *ours, *[""] * len(METHODS), change(mean)))
    note = (
        "Episodes with a failure while learning, each counted once, for 10⁶ agent steps; "
        "± is the standard deviation over seeds."
    )
    return TextTable("Failing episodes for 10⁶ steps", note, tuple(header), tuple(rows))


def _returns(tasks: Sequence[TaskSummary], presets: Sequence[Preset]) -> TextTable:
    header = ["task", "our expert", "initial", *(f"{p.value}, final" for p in presets)]
    header += [f"{p.value}, % of expert" for p in presets] + [f"published {n}, %" for n in METHODS.values()]
    rows = []
    for task in tasks:
        first = task.presets[0]
        share = number(task.normalised(first, "initial_return"), ".1f")
        initial = f"{_mean(task, first, 'initial_return')} ({share}%)"
        finals = [_spread(task, preset, "final_return") for preset in presets]
        shares = [number(task.normalised(preset, "final_return"), ".1f") for preset in presets]
        theirs = [_published_returns(published(task.task, preset)) for preset in METHODS]
        rows.append((task.task, number(task.expert_return), initial, *finals, *shares, *theirs))
    note = (
        "The policy alone: mean action, whole horizon, no success end, undiscounted, any penalty included. "
        "The published per cents, offline → fine-tuned, are of the paper's own expert."
    )
    return TextTable("Return of the policy alone", note, tuple(header), tuple(rows))


def _published_returns(row: PaperRow | None) -> str:
    if row is None:
        return NONE
    return f"{number(row.initial_normalised, '.1f')} → {number(row.final_normalised, '.1f')}"


def _online(tasks: Sequence[TaskSummary], presets: Sequence[Preset]) -> TextTable:
    note = (
        "While learning. A false alarm: a step of a failure-free episode of the final policy, exploring "
        "unshielded, that the shield would have flagged. No recovery without a shield."
    )
    columns: list[tuple[str, Callable[[TaskSummary, Preset], str]]] = [
        ("episodes", lambda t, p: _mean(t, p, "episodes")),
        ("failing", lambda t, p: _mean(t, p, "failure_rate", ".1%")),
        ("success", lambda t, p: _mean(t, p, "success_rate", ".1%")),
        ("recovery steps", lambda t, p: _mean(t, p, "recovery_share", ".1%")),
        ("false alarms", lambda t, p: _mean(t, p, "false_alarm_rate", ".1%")),
    ]
    return _by_preset("Episodes while learning", note, tasks, presets, columns)


def _final(tasks: Sequence[TaskSummary], presets: Sequence[Preset]) -> TextTable:
    note = (
        "Returns and failing episodes of the final policy: its mean action alone (one episode where the "
        "layout is fixed), the same without the penalty, the same under the shield, and alone with "
        "exploration noise."
    )
    columns: list[tuple[str, Callable[[TaskSummary, Preset], str]]] = [
        ("return", lambda t, p: _mean(t, p, "final_return")),
        ("failing", lambda t, p: _mean(t, p, "final_failure_rate", ".0%")),
        ("without penalty", lambda t, p: _mean(t, p, "final_return_no_penalty")),
        ("shielded", lambda t, p: _mean(t, p, "final_return_shielded")),
        ("noisy", lambda t, p: _mean(t, p, "final_return_noisy")),
        ("noisy, failing", lambda t, p: _mean(t, p, "final_failure_rate_noisy", ".0%")),
    ]
    return _by_preset("The final policy", note, tasks, presets, columns)


def _cost(tasks: Sequence[TaskSummary], presets: Sequence[Preset]) -> TextTable:
    columns: list[tuple[str, Callable[[TaskSummary, Preset], str]]] = [
        ("wall time [s]", lambda t, p: _spread(t, p, "wall_s")),
        (f"of {BASELINE.value}", lambda t, p: number(t.wall_ratio(p), ".2f")),
        ("processor time [s]", lambda t, p: _mean(t, p, "cpu_s")),
        ("peak memory [MiB]", lambda t, p: _mean(t, p, "max_rss_mb")),
    ]
    note = (
        "A run, 8 environments in one process on one core; other work on the machine adds to the wall time."
    )
    return _by_preset("Time and memory", note, tasks, presets, columns)


def theorem_table(rows: Sequence[TheoremRow]) -> TextTable:
    """The terms of Theorem 1, means over the seeds."""
    cells = dict.fromkeys((row.task, row.preset, row.policy) for row in rows)
    lines = []
    for task, preset, policy in cells:
        points = [mean_over_seeds(rows, task, Preset(preset), policy, term) for term in SHOWN]
        texts = [NONE if point is None else with_spread(*point, ".3g") for point in points]
        lines.append((f"{task}, {preset}, {policy}", *texts))
    note = "± is one standard error over episodes, where it is known. All terms: the CSV file beside."
    return TextTable("The terms of Theorem 1", note, ("policy", *SHOWN), tuple(lines))


def _by_preset(
    title: str,
    note: str,
    tasks: Sequence[TaskSummary],
    presets: Sequence[Preset],
    columns: Sequence[tuple[str, Callable[[TaskSummary, Preset], str]]],
) -> TextTable:
    """One row for each task and preset."""
    rows = [
        (f"{task.task}, {preset.value}", *(text(task, preset) for _, text in columns))
        for task in tasks
        for preset in presets
        if task.runs(preset)
    ]
    return TextTable(title, note, ("run", *(name for name, _ in columns)), tuple(rows))


def _mean(task: TaskSummary, preset: Preset, name: str, form: str = ",.0f") -> str:
    return number(task.mean(preset, name), form)


def _spread(task: TaskSummary, preset: Preset, name: str) -> str:
    return with_spread(task.mean(preset, name), task.deviation(preset, name))
