"""``farl demos``: scripted demonstrations as bags, the same bags that the robot writes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from failurebench.demonstrations import (
    RecoveryStatistics,
    Trajectory,
    failure_demonstrations,
    recovery_demonstrations,
    task_demonstrations,
)
from farl.policy import FastPolicy
from farl.types import Array, EpisodeKind
from farl_ros.bag_episodes import write_trajectory
from farl_ros.bag_tools.start import Start, said
from farl_ros.commands.common import (
    INTERRUPTED,
    JsonOption,
    SeedOption,
    TaskArgument,
    UsageError,
    console,
    load,
    progress_bar,
    stage_progress,
    write_figures,
)
from farl_ros.environments import kit_of
from farl_ros.offline import task_policy_from_bags
from farl_ros.task_models import load_models_for
from farl_ros.task_spec import TaskSpec


class Kind(StrEnum):
    """Kinds of demonstrations."""

    TASK = "task"
    RECOVERY = "recovery"
    FAILURE = "failure"


_ROLLOUTS_PER_EPISODE = (
    60  # a policy that fails in fewer episodes than one in this many is no source of failures
)


def demos(
    task: TaskArgument,
    kind: Annotated[Kind, typer.Option(help="What to demonstrate.")],
    out: Annotated[Path, typer.Option(help="Folder for the bags; they go into OUT/KIND.")],
    episodes: Annotated[
        int | None, typer.Option(min=1, help="How many; by default as many as the task's models are made of.")
    ] = None,
    seed: SeedOption = 0,
    models: Annotated[
        Path | None,
        typer.Option(
            help="Policy for recovery and failure; by default made from the bags in OUT/task and kept in OUT."
        ),
    ] = None,
    json: JsonOption = None,
) -> None:
    """Write demonstrations of one kind as MCAP bags, one per episode.

    Examples:
      farl demos BoundedPush --kind task --out demos

      farl demos BoundedPush --kind failure --episodes 400 --out demos
    """
    spec = load(task)
    wanted = _usual(spec, kind) if episodes is None else episodes
    folder = out / kind.value
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; choose another --out, or remove it")
    statistics = RecoveryStatistics()
    source = _source(spec, kind, wanted, seed, lambda: _policy(spec, out, models, seed), statistics)
    written: list[Trajectory] = []
    try:
        with progress_bar() as bar:
            row = bar.add_task(f"{kind.value} episodes", total=wanted, note="")
            for index, trajectory in enumerate(islice(source, wanted)):
                path = folder / f"episode_{index:06d}"
                start = said(Start(trajectory.seed, trajectory.start))
                write_trajectory(path, spec, EpisodeKind[kind.name], index, trajectory, seed, start)
                written.append(trajectory)
                failed = sum(t.failed for t in written)
                bar.update(row, advance=1, note=f"{failed} with a failure")
    except KeyboardInterrupt:
        console.print(f"stopped; {len(written)} {kind.value} episodes are kept in {folder}")
        sys.exit(INTERRUPTED)
    figures = _figures(written)
    if kind == Kind.RECOVERY:
        figures |= {"tried": sum(statistics.tried.values()), "safe_share": statistics.safe_share}
    console.print(
        f"{len(written)} {kind.value} episodes in {folder}: "
        + ", ".join(f"{k} {v:g}" for k, v in figures.items())
    )
    write_figures(json, figures)
    if len(written) < wanted:
        raise UsageError(
            f"only {len(written)} of {wanted} {kind.value} episodes came about, the policy rarely fails; "
            "they are kept, use fewer or another policy (--models)"
        )


def _usual(spec: TaskSpec, kind: Kind) -> int:
    """How many demonstrations of a kind the task's models are made of."""
    kit = kit_of(spec)
    counts = {
        Kind.TASK: kit.task_episodes,
        Kind.RECOVERY: kit.recovery_episodes,
        Kind.FAILURE: kit.failure_episodes,
    }
    return counts[kind]


def _source(
    spec: TaskSpec,
    kind: Kind,
    wanted: int,
    seed: int,
    policy: Callable[[], Callable[[Array], Array]],
    statistics: RecoveryStatistics,
) -> Iterator[Trajectory]:
    kit, arguments = kit_of(spec), spec.environment_kwargs()
    if kind == Kind.TASK:
        return task_demonstrations(kit, wanted, seed, arguments)
    rollouts = _ROLLOUTS_PER_EPISODE * wanted
    if kind == Kind.FAILURE:
        return failure_demonstrations(kit, policy(), rollouts, seed, arguments)
    return recovery_demonstrations(kit, policy(), wanted, seed, arguments, statistics, rollouts)


def _policy(spec: TaskSpec, out: Path, models: Path | None, seed: int) -> Callable[[Array], Array]:
    """The offline policy that failures and near-failures come from."""
    if models is not None:
        return FastPolicy.of(load_models_for(spec, models).task_policy).mean
    if not (out / Kind.TASK.value).is_dir():
        raise UsageError(
            f"no policy to roll out: {out / Kind.TASK.value} does not exist; "
            f"first run: farl demos {spec.name} --kind task --out {out}   (or give --models DIR)"
        )
    with stage_progress() as progress:
        policy = task_policy_from_bags(spec, out, Kind.TASK.value, seed, progress, console.print)
    return FastPolicy.of(policy).mean


def _figures(written: list[Trajectory]) -> dict[str, float]:
    lengths = [len(t.actions) for t in written]
    return {
        "episodes": len(written),
        "transitions": sum(lengths),
        "failing": sum(t.failed for t in written),
        "mean_return": round(float(np.mean([t.rewards.sum() for t in written])), 3) if written else 0.0,
    }
