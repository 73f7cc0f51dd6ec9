"""Tables become one HTML file that needs nothing else, a Markdown file, and the README's picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.protocol.identity import identity_of
from benchmarks.protocol.paper import MEAN_REDUCTION
from benchmarks.protocol.plots import curves_of, draw_picture, task_plot
from benchmarks.protocol.sizes import ROOT, Size
from benchmarks.protocol.store import Store
from benchmarks.protocol.summary import BASELINE, TaskSummary, mean_reduction, summaries, verdicts
from benchmarks.protocol.tables import RunRow
from benchmarks.protocol.texts import TextTable, change, number, tables, theorem_table
from benchmarks.protocol.theorem_plot import theorem_plot
from farl.files import write_atomic
from farl.models import ModelError
from farl.presets import Preset
from farl_ros import report_page
from farl_ros.report_page import Card, Section, picture
from farl_ros.task_spec import TaskError

PICTURE = ROOT / "docs" / "images" / "fewer_failures.png"
_PAPER_STEPS = 1_000_000


def write_results(size: Size, store: Store) -> list[Path]:
    """Write what follows from the tables, and return the files; nothing follows from empty ones."""
    rows = store.runs.rows()
    if not rows:
        return []
    tasks = summaries(rows)
    html, markdown = size.result(".html"), size.result(".md")
    notes = _notes(size, tasks, _stale(size, rows))
    write_atomic(html, _html(size, store, tasks, notes).encode())
    write_atomic(markdown, _markdown(size, store, tasks, notes).encode())
    if not size.shipped:
        return [html, markdown]
    curves = store.curves.rows()
    draw_picture({task.task: curves_of(curves, task.task) for task in tasks}, PICTURE)
    return [html, markdown, PICTURE]


def _html(size: Size, store: Store, tasks: Sequence[TaskSummary], notes: Sequence[str]) -> str:
    folders = [Path(__file__).parent, Path(report_page.__file__).parent]  # ours extends the report of a run
    template = Environment(
        loader=FileSystemLoader(folders), autoescape=True, undefined=StrictUndefined
    ).get_template("failurebench.html.j2")
    return template.render(
        title=f"FailureBench · {size.name}",
        subtitle=_subtitle(size, tasks),
        notes=notes,
        cards=_cards(tasks),
        verdicts=verdicts(tasks),
        tables=tables(tasks, _presets(tasks)),
        last_tables=_theorem_tables(store),
        sections=list(_sections(store, tasks)),
        command=_command(size),
        sources=store.sources(),
    )


def _markdown(size: Size, store: Store, tasks: Sequence[TaskSummary], notes: Sequence[str]) -> str:
    parts = [f"# FailureBench, {size.name}", _subtitle(size, tasks), *(f"> {note}" for note in notes)]
    shown = [*tables(tasks, _presets(tasks)), *_theorem_tables(store)]
    parts += [table.markdown() for table in shown]
    judged = [f"- {'met' if v.met else '**missed**'}: {v.text}" for v in verdicts(tasks)]
    parts += ["## Yardsticks", "\n".join(judged)] if judged else []
    parts.append(
        f"`{_command(size)}`; versions and every command: `{size.result('.json').name}`. "
        "The paper's numbers: arXiv 2601.07821 (`benchmarks/paper.csv`)."
    )
    return "\n\n".join(parts) + "\n"


def _theorem_tables(store: Store) -> list[TextTable]:
    terms = store.theorem.rows()
    return [theorem_table(terms)] if terms else []


def _subtitle(size: Size, tasks: Sequence[TaskSummary]) -> str:
    seeds = sorted({row.seed for task in tasks for row in task.rows})
    which = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}"
    presets = " and ".join(preset.value for preset in _presets(tasks))
    return f"{size.steps:,} agent steps a run, {which}; {presets} from the same models, seeds and noise"


def _notes(size: Size, tasks: Sequence[TaskSummary], stale: Sequence[str]) -> list[str]:
    notes = []
    if size.steps < _PAPER_STEPS:
        notes.append(
            f"Runs of {size.steps:,} agent steps, scaled to 10⁶: policies fail most while they are new, so a "
            "short run shows more failures than the paper's million steps, with and without the shield."
        )
    if max(len(task.runs(preset)) for task in tasks for preset in task.presets) == 1:
        notes.append("One seed: no spread is known, and small differences mean nothing.")
    missing = [cell.name for cell in size.cells() if cell not in {r.cell for t in tasks for r in t.rows}]
    if missing:
        notes.append(f"Not run yet: {', '.join(missing)}.")
    if stale:
        notes.append(f"Stale, made with other models, task or settings than now: {', '.join(stale)}.")
    return notes


def _stale(size: Size, rows: Sequence[RunRow]) -> list[str]:
    """Names of the rows that would be made again now, or cannot be checked."""
    names = []
    for row in rows:
        try:
            differs = identity_of(size, row.cell).differs(row)
        except (ModelError, TaskError) as error:
            differs = str(error)
        if differs:
            names.append(row.cell.name)
    return names


def _cards(tasks: Sequence[TaskSummary]) -> list[Card]:
    preset = Preset.PAPER
    failures = {p: [task.mean(p, "failures_per_1e6_steps") for task in tasks] for p in (BASELINE, preset)}
    totals = {p: sum(v for v in values if v is not None) for p, values in failures.items()}
    returns = {p: _average([task.normalised(p, "final_return") for task in tasks]) for p in totals}
    alarms = _average([task.mean(preset, "false_alarm_rate") for task in tasks])
    recovery = _average([task.mean(preset, "recovery_share") for task in tasks])
    ratio = _average([task.wall_ratio(preset) for task in tasks])
    return [
        Card(
            "failures, mean change",
            change(mean_reduction(tasks, preset)),
            f"the paper's four tasks: {change(MEAN_REDUCTION)}",
            "green",
        ),
        Card(
            "failing episodes for 10⁶ steps",
            f"{totals[preset]:,.0f}",
            f"{BASELINE.value}: {totals[BASELINE]:,.0f}; all tasks together",
            "red",
        ),
        Card(
            "final return, of the expert's",
            _percent(returns[preset]),
            f"{BASELINE.value}: {_percent(returns[BASELINE])}; policy alone",
        ),
        Card("recovery steps", number(recovery, ".1%"), "while learning", "amber"),
        Card("false alarms", number(alarms, ".1%"), "of the steps of harmless episodes", "amber"),
        Card("wall time", number(ratio, ".2f"), f"times that of {BASELINE.value}"),
    ]


def _presets(tasks: Sequence[TaskSummary]) -> list[Preset]:
    return [preset for preset in Preset if any(preset in task.presets for task in tasks)]


def _average(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _percent(value: float | None) -> str:
    return number(value, ".0f") + ("" if value is None else "%")


def _sections(store: Store, tasks: Sequence[TaskSummary]) -> Iterator[Section]:
    curves, terms = store.curves.rows(), store.theorem.rows()
    for n, task in enumerate(tasks):
        text = (
            "Lines are means over the seeds, bands their range; reward and recovery share of the last tenth "
            "of the run."
        )
        plot = picture(
            task_plot(curves_of(curves, task.task)),
            f"{task.task}: failures, reward and recovery share over agent steps",
        )
        yield Section(f"{task.task} over the steps", "" if n else text, (plot,))
    if terms:
        text = (
            "Measured (farl/correction.py): where the exploring policy is without a shield, what the shield "
            "flags, and what the recovery policy makes of it. The bound is the right side of Eq. 13 less the "
            "baseline; the gain is the left side of Eq. 15, averaged over states. Hollow: offline policy; "
            "filled: after fine-tuning; bars: two standard errors."
        )
        plot = picture(theorem_plot(terms), "the terms of Theorem 1 by task and preset")
        yield Section("Theorem 1", text, (plot,))


def _command(size: Size) -> str:
    return f".venv/bin/python -m benchmarks.failurebench {size.name}"
