"""An offline phase that was cut off goes on after its last finished stage, to the same models bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from farl.datasets import DemoSet
from farl.files import read_json, write_json
from farl.kept_stages import KeptStages
from farl.models import ModelBundle, arrays_of
from farl.offline import OfflineSettings, made_from, train_offline
from farl.types import EpisodeKind
from farl.uni_o4.behaviour_ppo import BehaviourPpoSettings
from farl.uni_o4.dynamics import DynamicsSettings
from farl.uni_o4.ensemble import EnsembleSettings
from farl.uni_o4.iql import IqlSettings
from farl.uni_o4.train import UniO4Settings
from farl.value_fitting import ValueSettings
from farl.world_model import WorldModelSize
from farl.world_model_training import WorldModelSettings
from tests.farl.conftest import make_episode

POLICY = UniO4Settings(
    ensemble=EnsembleSettings(members=2, updates=6, hidden=16),
    critic=IqlSettings(warm_updates=4, updates=4, hidden=16),
    dynamics=DynamicsSettings(members=2, elites=1, hidden=16, updates=4),
    improvement=BehaviourPpoSettings(updates=2),
)
SETTINGS = OfflineSettings(
    policy=POLICY,
    recovery=POLICY,
    value=ValueSettings(updates=10, hidden=16),
    world_model=WorldModelSettings(size=WorldModelSize(8, 16, 5), horizon=5, updates=6, batch=8),
    horizon=6,
)
STAGES = ["task policy", "recovery policy", "value", "world model"]


@pytest.fixture(scope="module")
def demos() -> DemoSet:
    failures = [make_episode(20 + i, failure_at=22 if i % 2 else None) for i in range(10)]
    others = [make_episode(i, kind=EpisodeKind(i % 2)) for i in range(6)]
    return DemoSet((*others, *failures))


@pytest.fixture(scope="module")
def whole(demos: DemoSet) -> ModelBundle:
    return train_offline(demos, SETTINGS, 4, lambda *_: None)


def kept(folder: Path, demos: DemoSet, said: list[str], settings: OfflineSettings = SETTINGS) -> KeptStages:
    return KeptStages(folder, made_from(demos, settings, 4), said.append)


def cut_off(folder: Path, demos: DemoSet, at: str) -> None:
    """Train up to the first report of a stage."""

    def stop(stage: str, *_: float) -> None:
        if stage == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_offline(demos, SETTINGS, 4, stop, kept(folder, demos, []))


def assert_same(mine: ModelBundle, other: ModelBundle) -> None:
    for name in ("task_policy", "recovery_policy", "value", "world_model"):
        ours, theirs = arrays_of(getattr(mine, name)), arrays_of(getattr(other, name))
        assert ours.keys() == theirs.keys()
        assert all(ours[k].tobytes() == theirs[k].tobytes() for k in ours), name
    assert mine.card == other.card
    assert (mine.horizon, mine.risk_gamma, mine.threshold) == (
        other.horizon,
        other.risk_gamma,
        other.threshold,
    )


@pytest.mark.parametrize("at", STAGES[1:])
def test_it_goes_on_to_the_same_models(tmp_path: Path, demos: DemoSet, whole: ModelBundle, at: str) -> None:
    cut_off(tmp_path, demos, at)
    torch.manual_seed(99)  # what another process has left in the generator must not matter
    said: list[str] = []
    told: list[str] = []
    resumed = train_offline(
        demos, SETTINGS, 4, lambda stage, *_: told.append(stage), kept(tmp_path, demos, said)
    )
    assert_same(resumed, whole)
    done = STAGES.index(at)
    assert [line.split(":")[0] for line in said] == STAGES[:done]
    assert [told.count(stage) for stage in STAGES[:done]] == [1] * done


def test_keeping_changes_nothing(tmp_path: Path, demos: DemoSet, whole: ModelBundle) -> None:
    assert_same(train_offline(demos, SETTINGS, 4, lambda *_: None, kept(tmp_path, demos, [])), whole)


def test_what_is_made_from_anything_else_is_not_taken_up(tmp_path: Path, demos: DemoSet) -> None:
    cut_off(tmp_path, demos, "value")
    load = lambda stages: stages.load("task policy", lambda: None)  # noqa: E731
    for other in (
        kept(tmp_path, demos, said := [], replace(SETTINGS, lead=6)),
        kept(tmp_path, DemoSet(demos.episodes[:-1]), said),
        replace(kept(tmp_path, demos, said), made_from=made_from(demos, SETTINGS, 5)),
    ):
        assert load(other) is None
    assert len(said) == 3 and all("made from other demonstrations" in line for line in said)


@pytest.mark.parametrize("damage", ["cut", "gone", "card"])
def test_a_damaged_stage_is_made_again(
    tmp_path: Path, demos: DemoSet, whole: ModelBundle, damage: str
) -> None:
    cut_off(tmp_path, demos, "recovery policy")
    weights, card = tmp_path / "task_policy.safetensors", tmp_path / "task_policy.json"
    match damage:
        case "cut":
            weights.write_bytes(weights.read_bytes()[:100])
        case "gone":
            weights.unlink()
        case "card":
            write_json(card, {k: v for k, v in read_json(card).items() if k != "sha256"})
    said: list[str] = []
    resumed = train_offline(demos, SETTINGS, 4, lambda *_: None, kept(tmp_path, demos, said))
    assert len(said) == 1 and "cannot be used" in said[0] and "made again" in said[0]
    assert_same(resumed, whole)
