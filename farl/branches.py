"""What would have happened: roll-outs from one moment of an episode, each with another first action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from farl.rollout import Environment
from farl.types import Array


class ResumableEnvironment(Environment, Protocol):
    """A simulator that can go back to a moment, bit for bit."""

    def snapshot(self) -> Any:  # noqa: ANN401 - opaque: only handed back
        """Return the present moment of the episode."""

    def restore(self, snapshot: Any) -> Array:  # noqa: ANN401
        """Go on from that moment, also in another instance of the task; returns its observation ``(O,)``."""


Behaviour = Callable[[Array, int], tuple[Array, bool]]
"""Observation and steps since the moment → action, and whether the shield intervened."""


@dataclass(frozen=True)
class Branch:
    """One roll-out.

    Attributes:
        value: Σ γ^k r_k, in task rewards.
        violation: Step of the first violation, counted from the moment; None without one.
        interventions: Per step: whether the shield intervened; the first step is the caller's and False.
    """

    value: float
    violation: int | None
    interventions: tuple[bool, ...]

    def violates_within(self, horizon: int) -> bool:
        """Whether one of the steps 0 … H violates: what C_H asks for (Eq. 1)."""
        return self.violation is not None and self.violation <= horizon


def branch(
    environment: ResumableEnvironment,
    moment: Any,  # noqa: ANN401
    first: Array,
    behaviour: Behaviour,
    steps: int,
    gamma: float,
) -> Branch:
    """Execute ``first`` at a moment, then follow a behaviour.

    Args:
        environment: Any instance of the task; where the branch leaves it is of no matter.
        moment: A snapshot.
        first: First action, shape ``(A,)``.
        behaviour: Everything after it; asked with 1, 2, … steps since the moment.
        steps: Longest branch [agent steps]; an end of the episode cuts it, and nothing is earned after that.
        gamma: Discount per agent step.
    """
    environment.restore(moment)
    value, discount, violation, action = 0.0, 1.0, None, first
    interventions = [False]
    for step in range(steps):
        observation, reward, terminated, truncated, info = environment.step(action)
        value += discount * float(np.float32(reward))
        discount *= gamma
        if violation is None and info["cost"] > 0.0:
            violation = step
        if terminated or truncated or step == steps - 1:
            break
        action, intervened = behaviour(observation, step + 1)
        interventions.append(intervened)
    return Branch(value, violation, tuple(interventions))
