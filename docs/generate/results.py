"""The results page: a table of every CSV in ``benchmarks/results``, and the command that makes it."""

from __future__ import annotations

import ast
import csv
import re
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from docs.generate.curves import failure_curves

PAGE = "docs/results.md"
MARK = "<!-- tables -->"
FOLDER = "benchmarks/results"
CURVES = "failures_while_learning.svg"
PLUS_MINUS = "\u00a0±\u00a0"
LONG = 24
"""Tables with more rows are folded."""

Row = dict[str, str]
ORDER = (
    "failurebench_full",
    "failurebench_full_curves",
    "failurebench_full_theorem",
    "franka_twin",
    "pixels",
    "perception",
    "hot_path",
    "arm_faults",
    "environments",
    "recording",
    "bags",
)
TITLES = {
    "failurebench_full": "FailureBench: a million steps of each task",
    "failurebench_full_curves": "Failing episodes while learning",
    "failurebench_full_theorem": "The terms of Theorem 1",
    "franka_twin": "The robot experiment, on the simulated Panda",
    "pixels": "What a policy loses by seeing",
    "perception": "Perception: how exact, how fast",
    "hot_path": "The hot path",
    "arm_faults": "Faults of the arm",
    "environments": "Simulated tasks: time of a step",
    "recording": "What recording costs",
    "bags": "Reading bags",
}
MADE_BY = {"failurebench_full_curves": "failurebench", "failurebench_full_theorem": "failurebench"}
"""Benchmark of each CSV, where it does not follow from the name."""


def filled(markdown: str, root: Path) -> str:
    """The results page with the tables in the place of its mark."""
    return markdown.replace(MARK, "\n\n".join(section(path, root) for path in tables(root)))


def tables(root: Path) -> list[Path]:
    """The CSV files, the headline first, unknown ones last."""
    found = sorted((root / FOLDER).glob("*.csv"))
    return sorted(found, key=lambda path: ORDER.index(path.stem) if path.stem in ORDER else len(ORDER))


def pictures(root: Path) -> dict[str, str]:
    """The page's pictures, as SVG by file name."""
    path = root / FOLDER / "failurebench_full_curves.csv"
    return {CURVES: failure_curves(rows_of(path))} if path.is_file() else {}


def section(path: Path, root: Path) -> str:
    """Heading, command, table and links of one CSV."""
    name = path.stem
    parts = [
        f"## {TITLES.get(name, name.replace('_', ' ').capitalize())}",
        f"```bash\n{command_of(name, root)}\n```",
    ]
    rows = rows_of(path)
    if name == "failurebench_full_curves":
        parts.append(f"![Failing episodes against agent steps, with and without the shield](images/{CURVES})")
    else:
        header, body = SUMMARIES.get(name, whole)(rows)
        parts.append(_folded(table(header, body), len(body)))
    report = path.with_suffix(".md")
    link = f" · [the benchmark's own report](../{FOLDER}/{report.name})" if report.is_file() else ""
    parts.append(f"{len(rows)} rows: [`{path.name}`](../{FOLDER}/{path.name}){link}")
    return "\n\n".join(parts)


def command_of(name: str, root: Path) -> str:
    """The command that makes a CSV: the first one in its benchmark's docstring."""
    parts = name.split("_")
    names = [MADE_BY.get(name, ""), *("_".join(parts[:count]) for count in range(len(parts), 0, -1))]
    for candidate in filter(None, names):
        module = root / "benchmarks" / f"{candidate}.py"
        if module.is_file():
            text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
            command = re.search(r"^ *\.venv/bin/(python -m \S+)", text, re.MULTILINE)
            size = " " + "_".join(parts[1:2]) if candidate == "failurebench" else ""
            if command:
                return f".venv/bin/{command[1]}{size}"
    raise LookupError(
        f"{name}.csv: no file in benchmarks/ whose docstring says what makes it; name it in MADE_BY"
    )


def rows_of(path: Path) -> list[Row]:
    """The rows of a CSV."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; numbers to the right."""
    body = [list(row) for row in rows]
    right = [all(re.match(r"^-?[\d.]*", row[i])[0] or not row[i] for row in body) for i in range(len(header))]  # type: ignore[index]
    lines = [header, ["--:" if numbers else "---" for numbers in right], *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(text: str) -> str:
    """A figure with four digits, whole from a thousand on; other text as it is."""
    try:
        value = float(text)
    except ValueError:
        return text
    if value != value:
        return "-"
    return f"{value:,.0f}".replace(",", "\u202f") if abs(value) >= 1000 else f"{value:.4g}"


def whole(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Every row as it is, but for hashes."""
    columns = [name for name in rows[0] if not name.endswith(("_hash", "_sha"))] if rows else []
    return [name.replace("_", " ") for name in columns], [
        [number(row[name]) for name in columns] for row in rows
    ]


def failurebench(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Per task and preset: mean and spread over the seeds."""
    header = [
        "task",
        "preset",
        "seeds",
        "failing episodes in 10⁶ steps",
        "success",
        "recovery steps",
        "final return alone",
        "our expert",
    ]
    return header, [
        [
            task,
            preset,
            str(len(group)),
            _spread(group, "failures_per_1e6_steps"),
            _percent(group, "success_rate"),
            _percent(group, "recovery_share"),
            _spread(group, "final_return"),
            number(group[0]["expert_return"]),
        ]
        for (task, preset), group in _groups(rows, "task", "preset")
    ]


def theorem(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Per task, preset and policy: the terms with their standard errors, mean over the seeds."""
    terms = {
        "p_risk": "p_risk",
        "delta": "δ",
        "eps_rec": "ε_rec",
        "bound": "bound",
        "gain": "gain",
        "foretold": "foretold",
        "saved": "saved",
        "harmed": "harmed",
    }
    body = []
    for (task, preset, policy), group in _groups(rows, "task", "preset", "policy"):
        cells = [[row for row in group if row["term"] == term] for term in terms]
        body.append([task, preset, policy, *(_with_error(cell) for cell in cells)])
    return ["task", "preset", "policy", *terms.values()], body


def twin(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Per task and preset: mean and spread over the seeds."""
    header = [
        "task",
        "preset",
        "seeds",
        "failing state-action pairs",
        "failing episodes of 50",
        "success",
        "recovery steps",
        "return before",
        "after",
    ]
    return header, [
        [
            task,
            preset,
            str(len(group)),
            _spread(group, "failing_steps"),
            _spread(group, "failing_episodes"),
            _percent(group, "success_rate"),
            _percent(group, "recovery_share"),
            _spread(group, "return_before"),
            _spread(group, "return_after"),
        ]
        for (task, preset), group in _groups(rows, "task", "preset")
    ]


def faults(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Per motion and fault: median and greatest."""

    def middle(group: Sequence[Row], column: str) -> str:
        values = [value for value in map(float, (row[column] for row in group)) if value == value]
        return f"{statistics.median(values):.0f} / {max(values):.0f} ms" if values else "-"

    header = ["motion", "fault", "runs", "at rest, median / most", "noticed, median / most", "cleared"]
    return header, [
        [
            motion,
            fault,
            str(len(group)),
            middle(group, "at_rest_ms"),
            middle(group, "noticed_ms"),
            "by itself" if group[0]["by_itself"] == "True" else "by a person",
        ]
        for (motion, fault), group in _groups(rows, "motion", "fault")
    ]


SUMMARIES: dict[str, Callable[[Sequence[Row]], tuple[list[str], list[list[str]]]]] = {
    "failurebench_full": failurebench,
    "failurebench_full_theorem": theorem,
    "franka_twin": twin,
    "arm_faults": faults,
}


def _groups(rows: Sequence[Row], *columns: str) -> list[tuple[tuple[str, ...], list[Row]]]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in columns), []).append(row)
    return sorted(groups.items(), key=lambda item: (item[0][0], item[0][1:] < item[0][:1]))


def _spread(group: Sequence[Row], column: str) -> str:
    values = [float(row[column]) for row in group]
    mean = statistics.mean(values)
    if len(values) == 1:
        return number(str(mean))
    form = ".0f" if abs(mean) >= 100 else ".3g"
    return f"{number(format(mean, form))}{PLUS_MINUS}{statistics.stdev(values):{form}}"


def _percent(group: Sequence[Row], column: str) -> str:
    return f"{100 * statistics.mean(float(row[column]) for row in group):.1f} %"


def _with_error(rows: Sequence[Row]) -> str:
    values = [float(row["mean"]) for row in rows if row["mean"] and float(row["mean"]) == float(row["mean"])]
    if not values:
        return "-"
    errors = [float(row["standard_error"] or "nan") for row in rows]
    error = (sum(e * e for e in errors if e == e) ** 0.5) / len(errors)
    return f"{statistics.mean(values):.3g}" + (f"{PLUS_MINUS}{error:.2g}" if error > 0 else "")


def _folded(text: str, rows: int) -> str:
    if rows <= LONG:
        return text
    return f'??? abstract "{rows} rows"\n\n' + "\n".join(f"    {line}" for line in text.split("\n"))
