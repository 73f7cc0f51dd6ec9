"""Small models and made-up demonstrations for the tests of the method."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from farl.datasets import Episode
from farl.models import ModelBundle
from farl.policy import GaussianPolicy, ValueFunction
from farl.types import ActionSource, EpisodeKind, Proposal, Transition
from farl.world_model import WorldModel, WorldModelSize

torch.set_num_threads(1)
OBSERVATION, ACTION = 6, 2


def make_episode(
    seed: int, steps: int = 30, kind: EpisodeKind = EpisodeKind.FAILURE, failure_at: int | None = None
) -> Episode:
    generator = np.random.default_rng(seed)
    costs = np.zeros(steps, np.float32)
    if failure_at is not None:
        costs[failure_at:] = 1.0
    return Episode(
        kind=kind,
        observations=generator.standard_normal((steps + 1, OBSERVATION)).astype(np.float32),
        actions=generator.uniform(-1, 1, (steps, ACTION)).astype(np.float32),
        rewards=generator.uniform(0, 10, steps).astype(np.float32),
        costs=costs,
        terminated=False,
        truncated=True,
        success=False,
        episode=seed,
    )


def make_transitions(
    policy: GaussianPolicy,
    seed: int,
    steps: int,
    swapped: frozenset[int] = frozenset(),
    truncated: bool = True,
) -> list[Transition]:
    """An episode that the policy could have made: its own log-probabilities, swapped steps where asked."""
    generator = np.random.default_rng(seed)
    observations = generator.standard_normal((steps + 1, OBSERVATION)).astype(np.float32)
    result = []
    for t in range(steps):
        proposed = generator.uniform(-1, 1, ACTION).astype(np.float32)
        executed = generator.uniform(-1, 1, ACTION).astype(np.float32) if t in swapped else proposed
        with torch.no_grad():
            log_prob = policy.log_prob(torch.from_numpy(observations[t]), torch.from_numpy(proposed))
        result.append(
            Transition(
                episode=seed,
                step=t,
                observation=observations[t],
                proposed=Proposal(proposed, float(log_prob), 0),
                executed=executed,
                source=ActionSource.RECOVERY if t in swapped else ActionSource.TASK,
                reward=float(np.float32(generator.uniform(0, 10))),
                cost=0.0,
                next_observation=observations[t + 1],
                terminated=t == steps - 1 and not truncated,
                truncated=t == steps - 1 and truncated,
                success=False,
                risk=0.1,
            )
        )
    return result


@pytest.fixture
def bundle() -> ModelBundle:
    torch.manual_seed(3)
    policy = GaussianPolicy(OBSERVATION, ACTION, hidden=32)
    recovery = GaussianPolicy(OBSERVATION, ACTION, hidden=32)
    model = WorldModel(OBSERVATION, ACTION, WorldModelSize(latent=16, hidden=32, bins=11)).eval()
    with torch.no_grad():
        for module in (policy, recovery):
            for parameter in module.body.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        model.normalizer.fit(np.random.default_rng(0).standard_normal((100, OBSERVATION)).astype(np.float32))
    return ModelBundle(
        policy, ValueFunction(OBSERVATION, 32), recovery, model, 5, 1.0, 0.3, 0.05, {"task": "Test"}
    )
