"""Episodes of real simulators, written as the recorders write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from failurebench.trajectory import Recorder
from farl.actor import Actor
from farl.policy import FastPolicy
from farl.presets import Preset, settings_for
from farl.rollout import run_episodes
from farl.shield import Shield
from farl.types import EpisodeKind
from farl_ros.bag_episodes import write_episode, write_trajectory
from farl_ros.bag_tools.start import Start, said
from farl_ros.environments import make_environment
from farl_ros.task_spec import load_task
from tests.farl_ros.nodes.bench import untrained_models


@pytest.fixture
def demonstrate(tmp_path: Path) -> Callable[..., Path]:
    """Random actions in a task's simulator as a demonstration; its first ``skipped`` steps are left out."""

    def write(task: str, steps: int = 20, skipped: int = 0, name: str = "bag") -> Path:
        spec, random = load_task(task), np.random.default_rng(3)
        environment = make_environment(spec)
        observation, info = environment.reset(seed=77)
        draw = lambda: random.uniform(-1, 1, spec.action_size).astype(np.float32)  # noqa: E731
        for _ in range(skipped):
            observation, *_, info = environment.step(draw())
        start = environment.snapshot() if skipped else None
        recorder = Recorder(environment, 77, observation, info["objects"], start)
        for _ in range(steps):
            recorder.step(draw())
        recorded = recorder.trajectory()
        metadata = said(Start(recorded.seed, recorded.start))
        write_trajectory(tmp_path / name, spec, EpisodeKind.TASK, 4, recorded, 0, metadata)
        return tmp_path / name

    return write


@pytest.fixture
def watched_bag(tmp_path: Path) -> tuple[Path, Path]:
    """An online episode of the disc table that an untrained shield watched; and the folder of its models."""
    from farl.models import load_models, save_models

    spec = load_task("DiscTable")
    save_models(untrained_models(3), tmp_path / "models")
    models = load_models(tmp_path / "models", "DiscTable")
    policy = FastPolicy.of(models.task_policy)
    shield = Shield(
        settings_for(Preset.PAPER, models).shield,
        policy,
        FastPolicy.of(models.recovery_policy),
        models.world_model,
        models.world_model_hash,
    )
    actor = Actor(policy.with_std(0.3), 0, spec.horizon)
    episode = next(run_episodes([make_environment(spec)], actor, shield, 0, 0, lambda running: True))
    write_episode(tmp_path / "bag", spec, EpisodeKind.ONLINE, episode.transitions, episode.decisions)
    return tmp_path / "bag", tmp_path / "models"
