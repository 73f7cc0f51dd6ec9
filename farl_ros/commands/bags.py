"""``farl bags``: look at recordings, check them, label them afterwards, merge and split them."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from farl.types import EpisodeKind
from farl_ros.bag_tools.check import check_bag
from farl_ros.bag_tools.findings import Finding
from farl_ros.bag_tools.labels import Label, Outcome, add_label, history
from farl_ros.bag_tools.merge import merge_bags
from farl_ros.bag_tools.overview import Overview, State, outcome_of, overview, topics_of
from farl_ros.bag_tools.split import split_bag
from farl_ros.bag_writer import BagError
from farl_ros.bags import bags_in
from farl_ros.commands.common import UsageError, console
from farl_ros.task_spec import TaskSpec, load_task

app = typer.Typer(no_args_is_help=True, help="Recordings: look, check, label, merge, split.")

BagArgument = Annotated[Path, typer.Argument(help="A bag: its folder, or its .mcap file.")]
BagsArgument = Annotated[list[Path], typer.Argument(help="Bags, or folders of bags.")]
TaskOption = Annotated[
    str | None, typer.Option("--task", help="Task name or YAML file; by default the bag's.")
]
OutOption = Annotated[Path, typer.Option(help="Folder for the new bags.")]


class Kind(StrEnum):
    """What an episode is recorded for."""

    TASK = "task"
    RECOVERY = "recovery"
    FAILURE = "failure"
    ONLINE = "online"


@app.command("ls")
def list_bags(folders: BagsArgument) -> None:
    """List the bags in folders: one row each, bad ones too; * marks what a label has changed.

    Example: farl bags ls demos
    """
    table = Table(box=None, pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="right" if name in _NUMBERS else "left", no_wrap=True)
    rows = [overview(bag) for bag in _bags(folders)]
    for row in rows:
        table.add_row(*(escape(cell) for cell in _cells(row)))
    _print(table)
    counts = {state: sum(row.state == state for row in rows) for state in State}
    console.print(f"{len(rows)} bags: " + ", ".join(f"{count} {state}" for state, count in counts.items()))
    for row in rows:
        if row.problem:
            console.print(
                f"{row.state}: {row.path}: {row.problem}", highlight=False, soft_wrap=True, markup=False
            )


_COLUMNS = (
    "bag", "episode", "kind", "outcome", "steps", "failing", "seconds", "operator", "spec", "state",
)  # fmt: skip
_NUMBERS = ("episode", "steps", "failing", "seconds")


def _cells(row: Overview) -> tuple[str, ...]:
    if row.read is None:
        return (str(row.path), *[""] * 8, row.state)
    episode = row.read.episode
    said = json.loads(episode.metadata.get("label", "{}"))
    failing = row.failing_steps
    span = (
        "" if not failing else f"{len(failing)} from {failing[0]}" if len(failing) > 1 else f"at {failing[0]}"
    )
    star = {key: "*" if key in said else "" for key in ("kind", "outcome", "failing_steps")}
    return (
        str(row.path),
        str(episode.episode),
        episode.kind.name.lower() + star["kind"],
        outcome_of(episode) + star["outcome"],
        str(len(episode)),
        span + star["failing_steps"],
        f"{row.duration:.1f}",
        episode.metadata.get("operator", ""),
        episode.metadata.get("spec_sha256", "")[:8],
        row.state,
    )


@app.command()
def info(bag: BagArgument) -> None:
    """Tell all about one bag: its episode, topics, what it says of itself, labels.

    Example: farl bags info demos/task/episode_000000
    """
    row = overview(bag)
    for name, cell in zip(_COLUMNS, _cells(row), strict=True):
        console.print(f"{name:<10}{cell}", highlight=False, markup=False)
    if row.problem:
        console.print(f"{'problem':<10}{row.problem}", highlight=False, soft_wrap=True, markup=False)
    table = Table("topic", "type", box=None, pad_edge=False)
    for name in ("messages", "kB", "Hz", "longest gap"):
        table.add_column(name, justify="right")
    for topic, facts in sorted(topics_of(bag).items()):
        seconds = (facts.last - facts.first) * 1e-9
        rate = f"{(facts.count - 1) / seconds:.1f}" if seconds > 0.0 else ""
        gap = f"{facts.longest_gap * 1e-9:.3f} s" if facts.count > 1 else ""
        table.add_row(topic, facts.type_name, str(facts.count), f"{facts.size / 1e3:.1f}", rate, gap)
    console.print()
    _print(table)
    if row.read is not None:
        console.print()
        for key, value in sorted(row.read.episode.metadata.items()):
            shown = f"{len(value)} characters" if key == "spec" else value
            console.print(f"{key:<18}{shown}", highlight=False, soft_wrap=True, markup=False)
    for line in history(bag):
        console.print(f"labelled          {line}", highlight=False, soft_wrap=True, markup=False)


@app.command()
def check(folders: BagsArgument, task: TaskOption = None) -> None:
    """Look for dropped and late frames, gaps, another task, NaN and damage; exit code 1 if there is any.

    Example: farl bags check demos
    """
    spec = _task(task)
    bags, findings = _bags(folders), list[Finding]()
    for bag in bags:
        findings += check_bag(bag, spec)
    for finding in findings:
        console.print(str(finding), highlight=False, soft_wrap=True, markup=False)
    if findings:
        console.print(f"{len(findings)} findings in {len(bags)} bags")
        raise typer.Exit(1)
    console.print(f"{len(bags)} bags, nothing found")


@app.command()
def label(
    bag: BagArgument,
    kind: Annotated[Kind | None, typer.Option(help="What it was recorded for.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="How it ended.")] = None,
    failing: Annotated[
        str | None, typer.Option(help="All failing steps: 17, or 17-20,25, or none.", metavar="STEPS")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Believe the recording again.")] = False,
    note: Annotated[str, typer.Option(help="Why.")] = "",
    operator: Annotated[str | None, typer.Option(help="Who says so; by default who is logged in.")] = None,
) -> None:
    """Say afterwards what an episode was for, how it ended, in which steps it failed; the recording stays.

    Examples:
      farl bags label demos/task/episode_000007 --outcome failure --failing 41-43 --note "cup fell over"

      farl bags label demos/task/episode_000007 --undo
    """
    given = Label(
        None if kind is None else EpisodeKind[kind.name],
        outcome,
        None if failing is None else _steps(failing),
    )
    if undo == (given != Label()):
        raise UsageError("say what is to be changed (--kind, --outcome, --failing), or --undo")
    before = overview(bag)
    strays = set(given.failing_steps or ()) - _steps_of(before)
    if strays:
        raise UsageError(f"{bag}: there is no step {min(strays)}; {_span(before)}")
    by = getpass.getuser() if operator is None else operator
    add_label(bag, None if undo else given, by, datetime.now(UTC).isoformat(timespec="seconds"), note)
    after = _cells(overview(bag))
    for name, was, now in zip(_COLUMNS, _cells(before), after, strict=True):
        if was != now:
            console.print(f"{name}: {_told(was)} → {_told(now)}", highlight=False, markup=False)


@app.command()
def merge(sources: BagsArgument, out: OutOption, task: TaskOption = None) -> None:
    """Copy bags of several folders into one, numbered anew; the sources stay as they are.

    Example: farl bags merge monday/bags tuesday/bags --out demos/task
    """
    merged = merge_bags(
        sources, out, _task(task), lambda source, made: console.print(f"{source} → {made}", soft_wrap=True)
    )
    for path, reason in merged.refused:
        console.print(f"not merged: {path}: {reason}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"{len(merged.made)} bags in {out}, {len(merged.refused)} refused")
    if merged.refused:
        raise typer.Exit(1)


@app.command()
def split(bag: BagArgument, out: OutOption, task: TaskOption = None) -> None:
    """Cut a long recording up into one bag per episode; the recording stays as it is.

    Example: farl bags split afternoon --out demos/task
    """
    made = split_bag(
        bag, out, _task(task), lambda path, count: console.print(f"{path}: {count} messages", soft_wrap=True)
    )
    console.print(f"{len(made)} episodes in {out}")


def _told(cell: str) -> str:
    return f"none{cell}" if cell in ("", "*") else cell


def _print(table: Table) -> None:
    """Print a table as wide as it is: a bag's name that is cut off helps nobody."""
    width = Measurement.get(console, console.options.update(width=1000), table).maximum
    Console(width=max(width, console.width)).print(table)


def _bags(folders: list[Path]) -> list[Path]:
    return [bag for folder in folders for bag in ([folder] if folder.is_file() else bags_in(folder))]


def _task(name: str | None) -> TaskSpec | None:
    return None if name is None else load_task(name)


def _steps(text: str) -> tuple[int, ...]:
    """``17-20,25`` as numbers."""
    if text == "none":
        return ()
    try:
        ends = [[int(end) for end in part.split("-")] for part in text.split(",")]
        return tuple(
            sorted({step for first, *last in ends for step in range(first, (last or [first])[0] + 1)})
        )
    except ValueError as error:
        raise UsageError(f"--failing {text}: expected steps such as 17, 17-20,25, or none") from error


def _steps_of(row: Overview) -> set[int]:
    if row.read is None:
        raise BagError(f"{row.path}: cannot be labelled, no episode can be read from it: {row.problem}")
    return set(range(row.read.first_step, row.read.first_step + len(row.read.episode)))


def _span(row: Overview) -> str:
    steps = sorted(_steps_of(row))
    return f"its steps are {steps[0]} to {steps[-1]}"
