"""Each task with what comes with it: how to make it, its expert, its demonstrators and its recovery."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from failurebench import (
    demonstrators,
    disc_scripts,
    experts,
    recoveries,
    soccer_scripts,
    vase_scripts,
    wall_scripts,
)
from failurebench.controllers import Controller
from failurebench.env import FailureBenchEnv
from failurebench.franka import ball_scripts as franka_ball_scripts
from failurebench.franka import flower_scripts as franka_flower_scripts
from failurebench.franka import wall_scripts as franka_wall_scripts


@dataclass(frozen=True)
class TaskKit:
    """A task and its scripts.

    Attributes:
        name: Task name, for example ``BoundedPush``. environment_id: Gymnasium id. expert: Makes the scripted
        expert. demonstrator: Draws a medium expert for one task demonstration. recovery: Makes the recovery
        primitive used for the demonstrations. demonstration_noise: Standard deviation of the Gaussian action
        noise in task demonstrations. failure_noise: Range of the noise's standard deviation, drawn for each
        rollout that looks for failures. recovery_lookback: Fewest and most agent steps before a failure at
        which recoveries start. recovery_steps: Length of a recovery demonstration, agent steps.
        task_episodes, recovery_episodes, failure_episodes: How many demonstrations of each kind the task's
        models are made of; half of the last kind have no failure in them.
    """

    name: str
    environment_id: str
    expert: Callable[[], Controller]
    demonstrator: Callable[[np.random.Generator], Controller]
    recovery: Callable[[], Controller]
    demonstration_noise: float
    failure_noise: tuple[float, float]
    recovery_lookback: tuple[int, int]
    recovery_steps: int
    task_episodes: int = 20
    recovery_episodes: int = 120
    failure_episodes: int = 500

    def make(self, **environment_kwargs: object) -> FailureBenchEnv:
        """Make the environment, without Gymnasium's wrappers."""
        arguments: dict[str, Any] = dict(environment_kwargs)
        made = gymnasium.make(self.environment_id, disable_env_checker=True, **arguments).unwrapped
        if not isinstance(made, FailureBenchEnv):
            raise TypeError(f"{self.environment_id} is not a FailureBench task but a {type(made).__name__}")
        return made


_KITS = (
    TaskKit(
        name="BoundedPush",
        environment_id="FailureBench/BoundedPush-v0",
        expert=experts.PushExpert,
        demonstrator=demonstrators.hesitant_pusher,
        recovery=recoveries.Drag,
        demonstration_noise=0.2,
        failure_noise=(0.2, 0.5),
        recovery_lookback=(6, 30),
        recovery_steps=60,
    ),
    TaskKit(
        name="BoundedSoccer",
        environment_id="FailureBench/BoundedSoccer-v0",
        expert=experts.SoccerExpert,
        demonstrator=soccer_scripts.lingering_kicker,
        recovery=soccer_scripts.Catch,
        demonstration_noise=0.1,
        failure_noise=(0.2, 0.5),
        recovery_lookback=(35, 50),
        recovery_steps=60,
    ),
    TaskKit(
        name="FragilePushWall",
        environment_id="FailureBench/FragilePushWall-v0",
        expert=experts.PushWallExpert,
        demonstrator=wall_scripts.near_wall_pusher,
        recovery=wall_scripts.Withdraw,
        demonstration_noise=0.25,
        failure_noise=(0.2, 0.5),
        recovery_lookback=(2, 12),
        recovery_steps=40,
    ),
    TaskKit(
        name="ObstructedPush",
        environment_id="FailureBench/ObstructedPush-v0",
        expert=experts.PushExpert,
        demonstrator=vase_scripts.far_reaching_pusher,
        recovery=vase_scripts.Retreat,
        demonstration_noise=0.2,
        failure_noise=(0.2, 0.5),
        recovery_lookback=(2, 10),
        recovery_steps=30,
    ),
    TaskKit(
        name="DiscTable",
        environment_id="FailureBench/DiscTable-v0",
        expert=disc_scripts.DiscPusher,
        demonstrator=disc_scripts.hasty_pusher,
        recovery=disc_scripts.centre_pusher,
        demonstration_noise=0.3,
        failure_noise=(0.2, 0.6),
        recovery_lookback=(3, 12),
        recovery_steps=30,
    ),
    TaskKit(
        name="FrankaFragilePushWall",
        environment_id="FailureBench/FrankaFragilePushWall-v0",
        expert=franka_wall_scripts.WallPusher,
        demonstrator=franka_wall_scripts.near_wall_pusher,
        recovery=franka_wall_scripts.BackOff,
        demonstration_noise=0.1,
        failure_noise=(0.05, 0.2),
        recovery_lookback=(2, 8),
        recovery_steps=15,
        task_episodes=80,
        recovery_episodes=80,
        failure_episodes=160,
    ),
    TaskKit(
        name="FrankaDisturbedPush",
        environment_id="FailureBench/FrankaDisturbedPush-v0",
        expert=franka_flower_scripts.FlowerDodger,
        demonstrator=franka_flower_scripts.hasty_dodger,
        recovery=franka_flower_scripts.StepAside,
        demonstration_noise=0.1,
        failure_noise=(0.15, 0.35),
        recovery_lookback=(5, 15),
        recovery_steps=20,
        task_episodes=80,
        recovery_episodes=80,
        failure_episodes=160,
    ),
    TaskKit(
        name="FrankaBoundedSoccer",
        environment_id="FailureBench/FrankaBoundedSoccer-v0",
        expert=franka_ball_scripts.Dribbler,
        demonstrator=franka_ball_scripts.lingering_dribbler,
        recovery=franka_ball_scripts.Block,
        demonstration_noise=0.1,
        failure_noise=(0.15, 0.35),
        recovery_lookback=(5, 15),
        recovery_steps=25,
        task_episodes=80,
        recovery_episodes=80,
        failure_episodes=160,
    ),
)


def task_names() -> tuple[str, ...]:
    """Return the names of all tasks."""
    return tuple(kit.name for kit in _KITS)


def kit(name: str) -> TaskKit:
    """Return the kit of a task.

    Raises:
        ValueError: If there is no such task; the message names the nearest one.
    """
    for candidate in _KITS:
        if candidate.name == name:
            return candidate
    near = difflib.get_close_matches(name, task_names(), n=1, cutoff=0.0)[0]
    raise ValueError(f"no task is called {name!r}; did you mean {near!r}? Tasks: {', '.join(task_names())}")
