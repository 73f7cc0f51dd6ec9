"""The whole method on the disc table: demonstrations, offline phase, fine-tuning with and without the shield.

A CI-speed proof that the method works: three seeds, about a minute of one core.
"""

from collections.abc import Iterable

import numpy as np
import pytest
import torch

from failurebench.demonstrations import (
    RecoveryStatistics,
    Trajectory,
    failure_demonstrations,
    recovery_demonstrations,
    task_demonstrations,
)
from failurebench.kit import kit
from farl.actor import Actor
from farl.datasets import DemoSet, Episode
from farl.finetuning import Limit, finetune
from farl.learner import Learner
from farl.models import ModelBundle
from farl.offline import OfflineSettings, train_offline, train_task_policy
from farl.policy import FastPolicy
from farl.presets import Preset, settings_for
from farl.rollout import FinishedEpisode
from farl.shield import Shield
from farl.types import EpisodeKind
from farl.uni_o4.behaviour_ppo import BehaviourPpoSettings
from farl.uni_o4.dynamics import DynamicsSettings
from farl.uni_o4.ensemble import EnsembleSettings
from farl.uni_o4.iql import IqlSettings
from farl.uni_o4.train import UniO4Settings
from farl.value_fitting import ValueSettings
from farl.world_model import WorldModelSize
from farl.world_model_training import WorldModelSettings

KIT = kit("DiscTable")
POLICY = UniO4Settings(
    ensemble=EnsembleSettings(members=2, updates=800),
    critic=IqlSettings(warm_updates=300, updates=500, hidden=128),
    dynamics=DynamicsSettings(members=3, elites=2, hidden=96, updates=400),
    improvement=BehaviourPpoSettings(updates=100),
)
OFFLINE = OfflineSettings(
    policy=POLICY,
    recovery=POLICY,
    value=ValueSettings(updates=400),
    world_model=WorldModelSettings(size=WorldModelSize(64, 96, 31), horizon=10, updates=700, batch=96),
    horizon=10,
    lead=4,
)
STEPS, SEEDS = 20_000, (0, 1, 2)


def episodes(trajectories: Iterable[Trajectory], kind: EpisodeKind) -> list[Episode]:
    return [
        Episode(kind, t.observations, t.actions, t.rewards, t.costs, t.terminated, t.truncated, t.success, i)
        for i, t in enumerate(trajectories)
    ]


def nothing(*_: object) -> None:
    pass


@pytest.fixture(scope="module")
def recovery_statistics() -> RecoveryStatistics:
    return RecoveryStatistics()


@pytest.fixture(scope="module")
def models(recovery_statistics: RecoveryStatistics) -> ModelBundle:
    torch.set_num_threads(1)
    task = episodes(task_demonstrations(KIT, 30, 0, {}), EpisodeKind.TASK)
    policy = FastPolicy.of(train_task_policy(task, OFFLINE, 0, nothing).policy).mean
    failures = episodes(failure_demonstrations(KIT, policy, 500, 1, {}), EpisodeKind.FAILURE)
    recoveries = episodes(
        recovery_demonstrations(KIT, policy, 100, 2, {}, recovery_statistics), EpisodeKind.RECOVERY
    )
    return train_offline(DemoSet((*task, *failures, *recoveries)), OFFLINE, 0, nothing)


def run(models: ModelBundle, preset: Preset, seed: int) -> list[FinishedEpisode]:
    settings = settings_for(preset, models)
    learner = Learner(models, settings.ppo, seed)
    policy = learner.fast_policy()
    shield = Shield(settings.shield, policy, FastPolicy.of(models.recovery_policy), models.world_model, "")
    environments = [KIT.make() for _ in range(8)]
    finished: list[FinishedEpisode] = []
    actor = Actor(policy, seed, environments[0].horizon)
    finetune(environments, learner, actor, shield, seed, Limit(steps=STEPS), finished.append, nothing)
    return finished


def test_the_scripted_recovery_stays_safe(
    models: ModelBundle, recovery_statistics: RecoveryStatistics
) -> None:
    """A recovery that does not recover makes every shield useless: check it first."""
    assert sum(recovery_statistics.tried.values()) >= 100
    assert recovery_statistics.safe_share >= 0.8


def test_the_shield_prevents_failures_at_no_loss_of_success(models: ModelBundle) -> None:
    failures, success = {}, {}
    for preset in Preset:
        runs = [run(models, preset, seed) for seed in SEEDS]
        failures[preset] = [sum(e.failed for e in r) for r in runs]
        success[preset] = float(np.mean([e.success for r in runs for e in r]))
    assert sum(failures[Preset.UNI_O4]) > 30, "the offline policy must reach the risk, or nothing is shown"
    assert sum(failures[Preset.PAPER]) < 0.8 * sum(failures[Preset.UNI_O4])
    assert success[Preset.PAPER] > success[Preset.UNI_O4] - 0.05
