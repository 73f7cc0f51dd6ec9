"""The world model: shapes, two-hot, masking after the first violation, and that it learns."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from farl.datasets import Episode
from farl.types import EpisodeKind
from farl.windows import WindowSampler
from farl.world_model import WorldModel, WorldModelSize, symexp, symlog, two_hot
from farl.world_model_training import WorldModelSettings, loss_terms, train_world_model
from tests.farl.conftest import ACTION, OBSERVATION, make_episode

SMALL = WorldModelSize(latent=16, hidden=32, bins=11)


def sliding_episode(seed: int, steps: int = 40) -> Episode:
    """A point slides along x with a constant speed; violation beyond 1; the action pushes it a little."""
    generator = np.random.default_rng(seed)
    x, v = generator.uniform(-0.5, 0.5), generator.uniform(-0.04, 0.08)
    actions = generator.uniform(-1, 1, (steps, 1)).astype(np.float32)
    observations = [(x, v)]
    for action in actions[:, 0]:
        x, v = x + v, v + 0.002 * float(action)
        observations.append((x, v))
    array = np.array(observations, np.float32)
    costs = (array[1:, 0] > 1.0).astype(np.float32)
    rewards = array[1:, 0].astype(np.float32)
    return Episode(EpisodeKind.FAILURE, array, actions, rewards, costs, False, True, False, seed)


@given(st.floats(-100, 100, width=32))
def test_symlog_and_two_hot_undo(value: float) -> None:
    x = torch.tensor([value])
    centres = torch.linspace(-5, 5, 51)
    assert float(symexp(symlog(x))) == pytest.approx(value, rel=1e-4, abs=1e-4)
    weights = two_hot(x, centres)
    assert float(weights.sum()) == pytest.approx(1.0, abs=1e-5)
    assert int((weights > 0).sum()) <= 2
    assert float(symexp((weights * centres).sum(-1))) == pytest.approx(value, rel=1e-3, abs=1e-3)


def test_windows_hold_what_the_episode_held_and_stop_at_the_first_violation() -> None:
    episode = make_episode(0, steps=12, failure_at=7)
    sampler = WindowSampler([episode], 4, 0.5, 0.5, np.random.default_rng(0))
    batch = sampler.sample(200)
    assert batch.observations.shape == (6, 200, OBSERVATION) and batch.actions.shape == (5, 200, ACTION)
    for b in range(200):
        start = next(
            t for t in range(13) if np.array_equal(episode.observations[t], batch.observations[0, b].numpy())
        )
        assert start <= 7
        for i in range(5):
            inside = start + i <= 7
            assert float(batch.mask[i, b]) == float(inside)
            if inside:
                assert np.array_equal(batch.actions[i, b].numpy(), episode.actions[start + i])
                assert float(batch.rewards[i, b]) == pytest.approx(0.5 * episode.rewards[start + i])
                assert float(batch.costs[i, b]) == float(start + i == 7)
    sees_it = (batch.costs * batch.mask).sum(0) > 0
    assert 0.45 < float(sees_it.float().mean()) <= 0.55


def test_nothing_after_the_first_violation_reaches_the_loss() -> None:
    torch.manual_seed(0)
    model = WorldModel(OBSERVATION, ACTION, SMALL)
    losses = []
    for garbage in (0.0, 100.0):
        episode = make_episode(0, steps=12, failure_at=3)
        episode.rewards[4:] = garbage
        episode.actions[4:] = np.clip(garbage, -1, 1)
        sampler = WindowSampler([episode], 5, 1.0, 0.5, np.random.default_rng(0))
        losses.append(
            {
                k: float(v.detach())
                for k, v in loss_terms(model, model, sampler.sample(64), WorldModelSettings(SMALL)).items()
            }
        )
    assert losses[0] == losses[1]


def test_masked_steps_are_left_out_of_a_weighted_mean() -> None:
    """Eq. 4 written out over all steps, with the masked ones weighted 0."""
    torch.manual_seed(0)
    model = WorldModel(OBSERVATION, ACTION, SMALL)
    sampler = WindowSampler([make_episode(0, 40, failure_at=20)], 6, 1.0, 0.5, np.random.default_rng(0))
    batch, settings = sampler.sample(32), WorldModelSettings(SMALL, step_weight=0.7)
    assert 0.0 < float(batch.mask.mean()) < 1.0
    latent, latents = model.encode(batch.observations[0]), []
    for action in batch.actions:
        latents.append(latent)
        latent = model.next(latent, action)
    z = torch.stack(latents)
    probability = model.constraint(z, batch.actions)
    terms = {
        "constraint": -(batch.costs * probability.log() + (1 - batch.costs) * (1 - probability).log()),
        "decoder": (model.decode_normalized(z) - model.normalizer(batch.observations[:-1])).square().mean(-1),
        "reward": (model.reward(z, batch.actions) - batch.rewards).square(),
    }
    weight = torch.tensor([0.7**i for i in range(7)])[:, None] * batch.mask
    found = loss_terms(model, model, batch, settings)
    for name, term in terms.items():
        mean = float(((term * weight).sum() / weight.sum()).detach())
        assert float(found[name].detach()) == pytest.approx(mean, rel=1e-5)


def test_parts_have_the_shapes_of_equation_10() -> None:
    model = WorldModel(OBSERVATION, ACTION, SMALL)
    observations, actions = torch.randn(7, OBSERVATION), torch.rand(7, ACTION) * 2 - 1
    latent = model.encode(observations)
    assert latent.shape == model.next(latent, actions).shape == (7, 16)
    assert model.reward(latent, actions).shape == model.Q(latent, actions).shape == (7,)
    assert model.pi(latent).shape == (7, ACTION) and model.pi(latent).abs().max() < 1
    constraint = model.constraint(latent, actions)
    assert constraint.shape == (7,) and constraint.min() > 0 and constraint.max() < 1
    assert model.decode(latent).shape == (7, OBSERVATION)


def test_it_foretells_where_a_sliding_point_leaves_its_bounds() -> None:
    settings = WorldModelSettings(size=WorldModelSize(32, 64, 11), horizon=8, updates=500, batch=64)
    model = train_world_model(
        [sliding_episode(s) for s in range(60)], settings, 0, lambda fraction, loss: None
    )
    latest = {True: [], False: []}
    with torch.no_grad():
        for seed in range(100, 140):
            episode = sliding_episode(seed)
            first = int(np.argmax(episode.costs > 0)) if episode.failed else None
            start = 5 if first is None else max(0, first - 5)
            latent = model.encode(torch.from_numpy(episode.observations[start]))
            safe = torch.ones(())
            for k in range(8):
                action = torch.from_numpy(episode.actions[min(start + k, 39)])
                safe = safe * (1 - model.constraint(latent, action))
                latent = model.next(latent, action)
            soon = episode.observations[start + 8, 0] > 1.0 if first is None else True
            latest[bool(soon)].append(1 - float(safe))
    assert len(latest[True]) > 5 and len(latest[False]) > 5
    assert np.mean(latest[True]) > 0.6 > 0.2 > np.mean(latest[False])


def test_the_same_seed_trains_the_same_model() -> None:
    settings = WorldModelSettings(size=SMALL, horizon=3, updates=5, batch=8)
    episodes = [make_episode(s, failure_at=10 if s % 2 else None) for s in range(4)]
    first, second = (train_world_model(episodes, settings, 1, lambda *_: None) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
