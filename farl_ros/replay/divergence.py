"""How far two lives of the same episode are apart, in metres, for the hand and each object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farl.types import Array
from farl_ros.task_spec import TaskSpec

HAND = "hand"


@dataclass(frozen=True)
class Divergence:
    """Distances between the same things in the same states.

    Attributes:
        steps: Numbers of the states, shape ``(N,)``.
        distances: By name, of shape ``(N,)`` [m].
        same: Whether all observations agree bit for bit.
    """

    steps: NDArray[np.int64]
    distances: dict[str, NDArray[np.float64]]
    same: bool

    @property
    def greatest(self) -> float:
        """The largest distance of anything at any time [m]."""
        return max(float(values.max()) for values in self.distances.values())

    @property
    def mean(self) -> float:
        """The mean over all states and things [m]."""
        return float(np.mean([values.mean() for values in self.distances.values()]))

    def table(self) -> list[dict[str, float | str]]:
        """For each thing its mean, largest, first and last distance [m]."""
        return [
            {
                "what": name,
                "mean_m": float(values.mean()),
                "max_m": float(values.max()),
                "max_at_step": int(self.steps[values.argmax()]),
                "first_m": float(values[0]),
                "last_m": float(values[-1]),
            }
            for name, values in self.distances.items()
        ]


def divergence(spec: TaskSpec, then: Array, now: Array, first_step: int) -> Divergence:
    """Compare two sequences of states.

    Args:
        spec: Their task.
        then: Observations, shape ``(N, O)``.
        now: Observations, shape ``(N, O)``.
        first_step: Number of the first state.
    """
    things = {HAND: spec.hand} | {thing.name: thing.name for thing in spec.objects}
    return Divergence(
        steps=np.arange(first_step, first_step + len(then)),
        distances={
            name: np.linalg.norm(
                spec.position(field, now).astype(np.float64) - spec.position(field, then), axis=-1
            )
            for name, field in things.items()
        },
        same=bool(np.array_equal(then, now)),
    )
