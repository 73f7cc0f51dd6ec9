"""``farl replay``: live a recording through again, in the simulator, in a shield, on the arm."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from farl.presets import Preset
from farl_ros.commands.common import (
    INTERRUPTED,
    UsageError,
    console,
    models_folder,
    one_thread,
    progress_bar,
)
from farl_ros.replay.offline_replay import Asked, shield_replay, sim_replay
from farl_ros.replay.recorded import Recorded, load_recorded
from farl_ros.replay.results import PAGE
from farl_ros.replay_graph import DEFAULT_ARM_SPEED, replay_graph

CONFIRMATION = "move the arm"


class Into(StrEnum):
    """Where a recording is replayed."""

    SIM = "sim"
    SHIELD = "shield"
    ARM = "arm"


def replay(
    bag: Annotated[Path, typer.Argument(help="A bag: its folder, or its .mcap file.")],
    into: Annotated[Into, typer.Option(help="The simulator, a shield alone, or the arm.")] = Into.SIM,
    out: Annotated[
        Path, typer.Option(help="Folder for CSV, figures and plot; a folder in it per bag.")
    ] = Path("replays"),
    speed: Annotated[
        float | None,
        typer.Option(min=0.0, help="1 as recorded, 0 as fast as possible (default; on the arm 0.25)."),
    ] = None,
    from_step: Annotated[int | None, typer.Option(min=0, help="First step of the replay.")] = None,
    to_step: Annotated[int | None, typer.Option(min=0, help="Last step of the replay.")] = None,
    task: Annotated[str | None, typer.Option(help="Task name or YAML file; by default the bag's.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Reset of the simulator, for a bag that does not say it.")
    ] = None,
    models: Annotated[
        Path | None, typer.Option(help="Models of the shield; the shipped ones by default.")
    ] = None,
    preset: Annotated[Preset, typer.Option(help="Method of the shield.")] = Preset.PAPER,
    robot: Annotated[str, typer.Option(help="For the arm: panda, fr3, or a robot YAML file.")] = "panda",
    host: Annotated[str, typer.Option(help="For the arm: name or address of the robot.")] = "",
    backend: Annotated[
        str, typer.Option(help="For the arm: franky, fake, sim, or a package's own.")
    ] = "franky",
    confirmed: Annotated[
        bool, typer.Option("--yes-move-the-arm", help="For the arm: do not ask before it moves.")
    ] = False,
) -> None:
    """Replay one recorded episode.

    Examples:
      farl replay demos/task/episode_000000 --into sim

      farl replay runs/old/bags/episode_000012 --into shield --models runs/new/models

      farl replay demos/task/episode_000000 --into arm --host 172.16.0.2
    """
    one_thread()
    recorded = load_recorded(bag, task)
    window = recorded.window(from_step, to_step)
    if into == Into.ARM:
        pace = DEFAULT_ARM_SPEED if speed is None else speed
        chosen = task or recorded.spec.name
        _on_arm(recorded, chosen, window, pace, robot, host, backend, out, confirmed)
        return
    asked = Asked(out / into / bag.name, from_step, to_step, 0.0 if speed is None else speed)
    with progress_bar() as bar:
        if into == Into.SIM:
            result = sim_replay(recorded, asked, _shown(bar, window), seed)
            table, said = result.divergence.table(), _sim_summary(result.divergence.same)
        else:
            folder = models_folder(recorded.spec, models)
            what_if = shield_replay(recorded, asked, folder, preset, _shown(bar, window))
            table = what_if.table()
            said = f"{int(what_if.changed.sum())} of {len(what_if.steps)} decisions differ"
    _print(table)
    console.print(f"{said}; plot in {asked.out / PAGE}", soft_wrap=True, highlight=False)


def _sim_summary(same: bool) -> str:
    return "bit for bit the same states" if same else "the states differ"


def _shown(bar: Progress, window: range) -> Callable[[int, object], None]:
    """A callback that moves a progress bar."""
    row = bar.add_task("replay", total=len(window), note="")
    return lambda index, value: bar.update(row, completed=min(index + 1 - window.start, len(window)))


def _print(rows: list[dict[str, float | str]]) -> None:
    table = Table(*rows[0], box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
    console.print(table)


def _on_arm(
    recorded: Recorded,
    task: str,
    window: range,
    speed: float,
    robot: str,
    host: str,
    backend: str,
    out: Path,
    confirmed: bool,
) -> None:
    """Ask, then run controller and replay as processes of their own.

    Raises:
        UsageError: Nobody wants the arm to move, or the replay ended early.
        GraphError: Something is missing.
    """
    from farl_ros.processes import run_processes  # needs ROS; the other replays do not

    first, last = (recorded.first_step + index for index in (window[0], window[-1]))
    specs = replay_graph(
        str(recorded.path),
        "arm",
        task,
        str(speed),
        first,
        last,
        str(out),
        move_the_arm=True,
        robot=robot,
        host=host,
        backend=backend,
    )
    seconds = len(window) / recorded.spec.control_rate_hz / speed
    console.print(
        f"The arm ({backend}{f' at {host}' if host else ''}) goes to the start of {recorded.path}, then "
        f"through steps {first} to {last} at {speed:g} of the recorded speed, {seconds:.0f} s. Objects are "
        "not reset. Stand outside of its reach, the user stop in your hand.",
        soft_wrap=True,
        highlight=False,
    )
    if not confirmed and typer.prompt(f"Type {CONFIRMATION!r} to go on") != CONFIRMATION:
        raise UsageError("not confirmed; nothing has moved")
    code = run_processes(specs)
    if code in (INTERRUPTED, 143):
        raise typer.Exit(code)
    if code != 0:
        raise UsageError("the replay ended early; the node replay says why above")
