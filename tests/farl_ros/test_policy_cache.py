"""The policy that is kept beside its demonstrations: used again only where it is the very same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from farl.datasets import Episode
from farl.files import read_json, write_json
from farl.offline import OfflineSettings
from farl.policy import GaussianPolicy
from farl.types import EpisodeKind
from farl.uni_o4.ensemble import EnsembleSettings
from farl.uni_o4.train import OfflinePolicy, UniO4Settings
from farl_ros.policy_cache import PolicyCache
from tests.farl.conftest import make_episode

SETTINGS = OfflineSettings()


@pytest.fixture
def episodes() -> list[Episode]:
    return [make_episode(seed, kind=EpisodeKind.TASK) for seed in range(3)]


@pytest.fixture
def kept(tmp_path: Path, episodes: list[Episode]) -> GaussianPolicy:
    torch.manual_seed(0)
    policy = GaussianPolicy(6, 2, 16, log_std=-0.7)
    policy.normalizer.fit(episodes[0].observations)
    PolicyCache.of(tmp_path, episodes, SETTINGS, 3).save(OfflinePolicy(policy, {"chosen": 1}))
    return policy


def load(folder: Path, *made_from: object) -> tuple[GaussianPolicy | None, list[str]]:
    said: list[str] = []
    return PolicyCache.of(folder, *made_from).load(said.append), said


def test_made_from_the_same_it_is_used_again(tmp_path: Path, episodes, kept: GaussianPolicy) -> None:
    policy, said = load(tmp_path, episodes, SETTINGS, 3)
    assert policy is not None and said == []
    assert all(torch.equal(v, policy.state_dict()[k]) for k, v in kept.state_dict().items())


def test_there_is_none_in_an_empty_folder(tmp_path: Path, episodes) -> None:
    assert load(tmp_path, episodes, SETTINGS, 3) == (None, [])


@pytest.mark.parametrize("what", ["rewards", "number", "success", "settings", "seed"])
def test_made_from_anything_else_it_is_not_used(tmp_path: Path, episodes, kept, what: str) -> None:
    settings, seed = SETTINGS, 3
    match what:
        case "rewards":
            changed = episodes[1].rewards.copy()
            changed[7] = np.nextafter(changed[7], np.float32(99))
            episodes[1] = replace(episodes[1], rewards=changed)
        case "number":
            episodes.pop()
        case "success":
            episodes[2] = replace(episodes[2], success=True)
        case "settings":
            settings = replace(SETTINGS, policy=UniO4Settings(EnsembleSettings(updates=7)))
        case "seed":
            seed = 4
    policy, (said,) = load(tmp_path, episodes, settings, seed)
    assert policy is None and "made from other demonstrations, settings or seed" in said


@pytest.mark.parametrize("damage", ["changed", "cut", "gone", "card"])
def test_a_damaged_one_is_not_used(tmp_path: Path, episodes, kept, damage: str) -> None:
    weights, card = tmp_path / "task_policy.safetensors", tmp_path / "task_policy.json"
    data = weights.read_bytes()
    match damage:
        case "changed":
            weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        case "cut":
            weights.write_bytes(data[:100])
        case "gone":
            weights.unlink()
        case "card":
            write_json(card, {k: v for k, v in read_json(card).items() if k != "sha256"})
    policy, (said,) = load(tmp_path, episodes, SETTINGS, 3)
    assert policy is None and "cannot be used" in said and "made again" in said
