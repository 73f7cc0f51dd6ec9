"""Quality of a world model: figures counted by hand, and models whose errors are known."""

import json

import numpy as np
import pytest
import torch
from torch import Tensor

from farl.calibration import NEVER, StepRisks, foretell
from farl.datasets import Episode
from farl.models import ModelBundle
from farl.policy import FastPolicy
from farl.prediction_errors import Field, prediction_errors
from farl.quality import ModelQuality, ShieldChoice, foresight, lead_times, measure, reliability
from farl.types import EpisodeKind
from tests.farl.conftest import OBSERVATION, make_episode

SHIELD = ShieldChoice(horizon=1, gamma=1.0, threshold=0.5, lead=2, window=3)

# Episode 0 fails in its fourth step, episode 1 does not.
FORETOLD = StepRisks(
    step_risk=np.array(
        [[0.0, 0.0], [0.0, 0.8], [0.0, 0.2], [0.95, 0.0], [0.0, 0.7], [0.0, 0.0], [0.0, 0.9]], np.float32
    ),
    steps_to_failure=np.array([3, 2, 1, 0, NEVER, NEVER, NEVER]),
    steps_seen=np.array([3, 2, 1, 0, 2, 1, 0]),
    episode=np.array([0, 0, 0, 0, 1, 1, 1]),
)


def integrator(seed: int, steps: int, failure_at: int | None = None) -> Episode:
    """Position and velocity; the action is the change of velocity."""
    generator = np.random.default_rng(seed)
    actions = generator.uniform(-1, 1, (steps, 1)).astype(np.float32)
    velocity = np.concatenate([[0.0], np.cumsum(actions[:, 0])])
    position = np.concatenate([[0.0], np.cumsum(velocity[:-1])])
    costs = np.zeros(steps, np.float32)
    if failure_at is not None:
        costs[failure_at:] = 1.0
    observations = np.stack([position, velocity, np.full(steps + 1, 7.0)], -1).astype(np.float32)
    rewards = np.zeros(steps, np.float32)
    return Episode(EpisodeKind.FAILURE, observations, actions, rewards, costs, False, True, False, seed)


class Exact:
    """The integrator itself; ``drift`` metres of error per step."""

    def __init__(self, drift: float = 0.0) -> None:
        self.drift = drift

    def encode(self, observations: Tensor) -> Tensor:
        return observations

    def next(self, latent: Tensor, action: Tensor) -> Tensor:
        x, v, c = latent.unbind(-1)
        return torch.stack([x + v + self.drift, v + action[..., 0], c], -1)

    def decode(self, latent: Tensor) -> Tensor:
        return latent


FIELDS = (
    Field("position", "m", slice(0, 1)),
    Field("velocity", "m/s", slice(1, 2)),
    Field("goal", "m", slice(2, 3)),
)


def test_a_perfect_model_has_no_error() -> None:
    episodes = [integrator(0, 30), integrator(1, 25, failure_at=12)]
    latent, position, velocity = prediction_errors(Exact(), episodes, 8, FIELDS)
    assert (latent.name, position.name, velocity.name) == ("latent", "position", "velocity")  # goal: constant
    for curve in (latent, position, velocity):
        assert len(curve.median) == 9
        assert max(curve.p90) == pytest.approx(0.0, abs=1e-5)
    assert position.unmoved[0] == 0.0 and position.unmoved[8] > 0.1


def test_a_drift_of_a_centimetre_a_step_is_measured_in_metres() -> None:
    position = prediction_errors(Exact(drift=0.01), [integrator(0, 30)], 5, FIELDS)[1]
    assert position.median == pytest.approx([0.01 * k for k in range(6)], abs=1e-5)
    assert position.unit == "m"


def test_nothing_is_compared_beyond_the_violation() -> None:
    """After its violation the puck lies on the floor: no model is asked about that."""
    episode = integrator(0, 30, failure_at=9)
    episode.observations[12:] = 1e3
    curve = prediction_errors(Exact(), [episode], 20, FIELDS)[1]
    assert len(curve.median) == 11  # roll-outs of 0 to 10 steps from the start to the violation's outcome
    assert max(curve.p90) == pytest.approx(0.0, abs=1e-5)


def test_precision_and_recall_by_hand() -> None:
    (one,) = foresight(FORETOLD, SHIELD)
    # Within one step: known for all of episode 0 and the first two of episode 1.
    # Predicted (probability > .5): second and fourth step of episode 0, first of episode 1.
    # Came: third and fourth.
    assert (one.steps, one.predicted, one.came) == (1, 3, 2)
    assert one.precision == pytest.approx(1 / 3) and one.recall == pytest.approx(1 / 2)
    # exactly one step before the violation the risk is .2: not flagged
    assert (one.flagged, one.states) == (0.0, 1)


def test_reliability_by_hand() -> None:
    result = reliability(FORETOLD, 1)
    # known: predictions 0, .8, .2, .95, .7, 0; came: third and fourth
    assert [(b.predicted, b.observed, b.count) for b in result.bins] == [
        (0.0, 0.0, 2),
        (pytest.approx(0.2), 1.0, 1),
        (pytest.approx(0.7), 0.0, 1),
        (pytest.approx(0.8), 0.0, 1),
        (pytest.approx(0.95), 1.0, 1),
    ]
    assert result.brier == pytest.approx((0.8**2 + 0.8**2 + 0.05**2 + 0.7**2) / 6)
    assert result.brier_of_rate == pytest.approx(1 / 3 * 2 / 3)
    assert result.expected_error == pytest.approx((0.8 + 0.7 + 0.8 + 0.05) / 6)


def test_a_calibrated_forecast_is_reliable() -> None:
    generator = np.random.default_rng(0)
    p = generator.uniform(0, 1, 40_000).astype(np.float32)
    ahead = np.where(generator.uniform(0, 1, len(p)) < p, 0, NEVER)
    foretold = StepRisks(p[:, None], ahead, np.full(len(p), 5), np.arange(len(p)))
    result = reliability(foretold, 0)
    assert result.expected_error < 0.02 and sum(b.count for b in result.bins) == len(p)
    assert result.brier == pytest.approx(1 / 6, abs=0.01)  # ∫ p (1 − p) dp
    assert result.brier_of_rate == pytest.approx(1 / 4, abs=0.01)


def test_lead_times_by_hand() -> None:
    assert lead_times(FORETOLD, SHIELD).leads == (2,)
    strict = ShieldChoice(horizon=1, gamma=1.0, threshold=0.85, lead=2, window=3)
    times = lead_times(FORETOLD, strict)  # only in the step of the violation itself
    assert (times.leads, times.late, times.missed) == ((0,), 1, 0)
    never = lead_times(FORETOLD, ShieldChoice(1, 1.0, 2.0, 2, 3))
    assert (never.leads, never.late, never.missed) == ((), 0, 1)


def test_everything_survives_json(bundle: ModelBundle) -> None:
    episodes = [make_episode(0, failure_at=20), make_episode(1)]
    foretold = foretell(bundle.world_model, FastPolicy.of(bundle.task_policy), episodes, 6)
    fields = (Field("all", "1", slice(0, OBSERVATION)),)
    result = measure(bundle.world_model, foretold, episodes, ShieldChoice(4, 0.9, 0.4, 2, 6), fields)
    assert (result.episodes, result.failing, result.steps) == (2, 1, 51)
    assert [f.steps for f in result.foresight] == [1, 2, 3, 4, 5, 6]
    written = json.dumps(result.to_json(), allow_nan=False)
    assert ModelQuality.of_json(json.loads(written)) == result
