"""Step-by-step traces of a few episodes: predicted risk, what was executed, where object and hand were."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from farl.types import ActionSource, Decision, Reason, Transition
from farl_ros.run_metrics import read_rows
from farl_ros.run_records import EpisodeRecord
from farl_ros.task_spec import TaskSpec

TRACES_PER_KIND = 40
LAST = "last.csv"
_POINTS = ("object", "hand", "goal")
_COLUMNS = ("step", "risk", "threshold", "reason", "source", "reward", "cost", "intervened")
_HEADER = (*_COLUMNS, *(f"{point}_{axis}" for point in _POINTS for axis in "xyz"))


@dataclass(frozen=True)
class Trace:
    """One episode of T steps, read back.

    Attributes:
        risk: Predicted risk in each step, shape ``(T,)``; NaN without a shield.
        threshold: ε_safe that it was held against, shape ``(T,)``; NaN without a shield.
        cost: Shape ``(T,)``.
        intervened: Whether something else than the proposal was executed, shape ``(T,)``.
        object: Position of the object that can fail [m], shape ``(T + 1, 3)``.
        hand: Position of the hand [m], shape ``(T + 1, 3)``.
        goal: Position of the goal [m], shape ``(3,)``.
    """

    risk: NDArray[np.float64]
    threshold: NDArray[np.float64]
    cost: NDArray[np.float64]
    intervened: NDArray[np.bool_]
    object: NDArray[np.float64]
    hand: NDArray[np.float64]
    goal: NDArray[np.float64]


def trace_name(episode: int) -> str:
    """File name of an episode's trace."""
    return f"episode_{episode:06d}.csv"


def is_traced(record: EpisodeRecord, episodes: int, failures: int, saves: int) -> bool:
    """Whether an episode gets a trace: the first, the first 40 that fail, the first 40 saved ones.

    Args:
        record: The episode.
        episodes: How many there were before.
        failures: How many of them failed.
        saves: How many of them were saved.
    """
    if record.failed and failures < TRACES_PER_KIND:
        return True
    return episodes == 0 or (record.saved and saves < TRACES_PER_KIND)


def write_trace(
    path: Path, spec: TaskSpec, transitions: Sequence[Transition], decisions: Sequence[Decision]
) -> None:
    """Write one row per step, and one with only positions for the final state.

    Args:
        path: The file; replaced if it is there.
        spec: The task: which entries of the observation are positions.
        transitions: All steps of the episode.
        decisions: The shield's, one per step, or none.
    """
    states = np.stack([*(t.observation for t in transitions), transitions[-1].next_observation])
    names = (spec.traced_object, spec.hand, spec.goal)
    positions = np.concatenate([spec.position(name, states) for name in names], axis=1)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADER)
        for index, transition in enumerate(transitions):
            decision = decisions[index] if decisions else None
            threshold = float("nan") if decision is None else decision.threshold
            reason = Reason.SHIELD_OFF if decision is None else decision.reason
            writer.writerow(
                (
                    transition.step,
                    f"{transition.risk:.6g}",
                    f"{threshold:.6g}",
                    reason.name,
                    ActionSource(transition.source).name,
                    transition.reward,
                    transition.cost,
                    int(transition.intervened),
                    *(f"{value:.6g}" for value in positions[index]),
                )
            )
        nothing = [""] * (len(_COLUMNS) - 1)
        writer.writerow((len(transitions), *nothing, *(f"{value:.6g}" for value in positions[-1])))


def read_trace(path: Path) -> Trace:
    """Read what ``write_trace`` wrote.

    Raises:
        ValueError: It is not a whole trace; the message names the file.
    """
    rows = read_rows(path)
    if len(rows) < 2 or set(rows[0]) != set(_HEADER) or rows[-1]["reason"]:
        raise ValueError(f"{path}: not a whole trace; expected the columns {', '.join(_HEADER)}")
    steps = rows[:-1]

    def column(name: str) -> NDArray[np.float64]:
        return np.array([float(row[name]) for row in steps])

    def points(name: str) -> NDArray[np.float64]:
        return np.array([[float(row[f"{name}_{axis}"]) for axis in "xyz"] for row in rows])

    return Trace(
        risk=column("risk"),
        threshold=column("threshold"),
        cost=column("cost"),
        intervened=column("intervened") > 0.0,
        object=points("object"),
        hand=points("hand"),
        goal=points("goal")[0],
    )
