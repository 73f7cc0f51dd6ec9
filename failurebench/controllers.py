"""What scripted controllers have in common."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from failurebench.env import Action, Observation


class Controller(Protocol):
    """Something that chooses actions from observations and may remember things within an episode."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (A,) in [-1, 1] for an observation (O,)."""
        ...

    def reset(self) -> None:
        """Forget the last episode."""
        ...


def clipped(values: list[float]) -> NDArray[np.float32]:
    """Return an action of these values, clipped to [-1, 1]."""
    return np.array([min(max(value, -1.0), 1.0) for value in values], dtype=np.float32)
