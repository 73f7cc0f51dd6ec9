"""Recorded actions once more in the simulator, from the same start: does the same come of them?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from failurebench.env import FailureBenchEnv
from farl.types import Array
from farl_ros.bag_tools.start import Start
from farl_ros.bag_writer import BagError
from farl_ros.environments import kit_of
from farl_ros.replay.divergence import Divergence, divergence
from farl_ros.replay.pace import Pace
from farl_ros.replay.recorded import Recorded
from farl_ros.task_spec import TaskSpec

OnStep = Callable[[int, Array], None]
"""Called with the index of a state and its observation ``(O,)``; may raise to stop."""


@dataclass(frozen=True)
class SimReplay:
    """What came of it.

    Attributes:
        divergence: How far the states are from the recorded ones.
        observations: States of the simulator, shape ``(N + 1, O)``.
        failing_then: How many steps violated the failure set when it was recorded.
        failing_now: How many do now.
    """

    divergence: Divergence
    observations: Array
    failing_then: int
    failing_now: int


def endless_environment(spec: TaskSpec, steps: int) -> FailureBenchEnv:
    """The task's simulator without ends: a recording says itself how long it is."""
    kit, arguments = kit_of(spec), spec.environment_kwargs()
    ends = {"horizon": max(spec.horizon, steps) + 1, "end_on_success": False}
    environment = kit.make(**{**arguments, **ends})
    environment.end_on_failure = False
    return environment


def replay_into_sim(
    recorded: Recorded, window: range, pace: Pace, on_step: OnStep, seed: int | None = None
) -> SimReplay:
    """Execute the recorded actions from the recorded start.

    What lies before the window is executed too, without waiting: its states follow from it.

    Args:
        recorded: The episode.
        window: Which steps are shown and compared.
        pace: How fast.
        on_step: Called with each state in the window.
        seed: Of the reset, instead of what the bag says.

    Raises:
        BagError: Nothing says where it started.
        TaskError: There is no such simulator.
    """
    start = recorded.start if seed is None else Start(seed)
    if start is None:
        raise BagError(
            f"{recorded.path}: nothing says from which state it started, neither the bag (reset_seed in its "
            "metadata) nor a run folder around it; give the reset with --seed"
        )
    before = 0 if start.snapshot is None else start.snapshot.steps
    environment = endless_environment(recorded.spec, before + len(recorded))
    seen, costs = [start.apply(environment)], np.zeros(window.stop)
    if seen[0].shape != recorded.observations[0].shape:
        raise BagError(
            f"{recorded.path}: observations of {recorded.observations.shape[1]} entries do not fit"
        )
    for index in range(window.stop):
        if index >= window.start:
            pace.wait(float(recorded.times[index]))
            on_step(index, seen[-1])
        observation, _, _, _, info = environment.step(recorded.actions[index])
        seen.append(observation)
        costs[index] = info["cost"]
    on_step(window.stop, seen[-1])
    now, shown = np.stack(seen), slice(window.start, window.stop + 1)
    return SimReplay(
        divergence(
            recorded.spec, recorded.observations[shown], now[shown], recorded.first_step + window.start
        ),
        now[shown],
        int(recorded.costs[window.start : window.stop].sum()),
        int(costs[window.start :].sum()),
    )
