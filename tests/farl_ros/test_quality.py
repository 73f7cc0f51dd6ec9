"""Quality of models on bags: only on what they were not trained on, and a page that says how sure it is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from farl.calibration import foretell
from farl.datasets import DatasetError, DemoSet, Episode, digests
from farl.models import ModelBundle, ModelError
from farl.policy import FastPolicy, GaussianPolicy, ValueFunction
from farl.quality import ModelQuality
from farl.selection import CARD_KEY, choose
from farl.types import EpisodeKind
from farl.world_model import WorldModel, WorldModelSize
from farl_ros.quality import TRAINED_ON, fields_of, held_out, quality_on, write_quality
from farl_ros.quality_report import notes_on, write_quality_report
from farl_ros.task_spec import load_task

SPEC = load_task("DiscTable")


def episode(seed: int, failure_at: int | None = None, steps: int = 30) -> Episode:
    generator = np.random.default_rng(seed)
    costs = np.zeros(steps, np.float32)
    if failure_at is not None:
        costs[failure_at:] = 1.0
    observations = generator.standard_normal((steps + 1, SPEC.observation_size)).astype(np.float32)
    actions = generator.uniform(-1, 1, (steps, SPEC.action_size)).astype(np.float32)
    rewards = np.zeros(steps, np.float32)
    kind = EpisodeKind.FAILURE
    return Episode(kind, observations, actions, rewards, costs, False, True, False, seed)


TRAINED = [episode(i, failure_at=20) for i in range(3)]
KEPT = [*(episode(10 + i, failure_at=25) for i in range(3)), *(episode(20 + i) for i in range(3))]


@pytest.fixture
def bundle() -> ModelBundle:
    torch.manual_seed(0)
    sizes = SPEC.observation_size, SPEC.action_size
    policy, model = GaussianPolicy(*sizes, hidden=16), WorldModel(*sizes, WorldModelSize(8, 16, 5)).eval()
    foretold = foretell(model, FastPolicy.of(policy), KEPT, SPEC.shield.horizon)
    choice = choose(foretold, SPEC.shield.lead, 0.05)
    card = {
        CARD_KEY: choice.to_json(),
        TRAINED_ON: " ".join(digests(TRAINED)),
        "episodes": {"failure": 9},
        "transitions": {"failure": 270},
        "failing_episodes": 6,
        "recoveries_kept_from_world_model": 0,
        "seed": 0,
    }
    value = ValueFunction(SPEC.observation_size, 16)
    return ModelBundle(
        policy, value, policy, model, choice.horizon, choice.gamma, choice.threshold, 0.05, card, "abc123"
    )


def test_only_episodes_that_were_not_trained_on_count(bundle: ModelBundle) -> None:
    task = replace(episode(99), kind=EpisodeKind.TASK)
    mixed = DemoSet((*TRAINED[:2], *KEPT, task, TRAINED[2]))
    assert [e.episode for e in held_out(bundle, mixed)] == [e.episode for e in KEPT]
    with pytest.raises(DatasetError, match="of 3 failure demonstrations 0 were not trained on"):
        held_out(bundle, DemoSet(tuple(TRAINED)))


def test_models_that_do_not_say_what_they_are_made_from_are_refused(bundle: ModelBundle) -> None:
    with pytest.raises(ModelError, match="which episodes were trained on"):
        held_out(replace(bundle, card={}), DemoSet(tuple(KEPT)))
    card = {k: v for k, v in bundle.card.items() if k != CARD_KEY}
    with pytest.raises(ModelError, match="how H, discount and threshold were chosen"):
        quality_on(SPEC, replace(bundle, card=card), KEPT)


def test_the_fields_cover_the_observation() -> None:
    covered = [i for f in fields_of(SPEC) for i in range(f.place.start, f.place.stop)]
    assert covered == list(range(SPEC.observation_size))


def test_what_is_written_can_be_read_and_looked_at(bundle: ModelBundle, tmp_path: Path) -> None:
    result = quality_on(SPEC, bundle, KEPT)
    written = json.loads(write_quality(result, tmp_path).read_text())
    assert ModelQuality.of_json(written["quality"]) == result.quality
    assert written["world_model"] == "abc123" and "curves" not in written["choice"]
    page = write_quality_report(SPEC, bundle.card, result, ["farl", "quality"], tmp_path).read_text()
    assert page.count("data:image/svg+xml") == 4 and "<script" not in page
    assert "Only 3 held-out episodes fail" in page and "farl quality" in page
    assert "6 episodes, 3 failing" in page


def test_doubts_stand_above_the_figures(bundle: ModelBundle) -> None:
    result = quality_on(SPEC, bundle, KEPT)
    hopeless = replace(result, choice=replace(result.choice, fits=False))
    assert "will hardly help" in " ".join(notes_on(hopeless))
    figures = replace(result.choice.figures, caught_by_chance=1.0)
    by_chance = replace(result, choice=replace(result.choice, fits=True, figures=figures))
    assert "flags say little" in " ".join(notes_on(by_chance))
    reliability = replace(result.quality.reliability, brier=0.2, brier_of_rate=0.1)
    unreliable = replace(result, quality=replace(result.quality, reliability=reliability))
    assert "do not read it as a probability" in " ".join(notes_on(unreliable))
    sound = replace(result.quality, failing=100, reliability=replace(reliability, brier=0.05))
    figures = replace(figures, caught_by_chance=0.0)
    assert not list(
        notes_on(replace(by_chance, quality=sound, choice=replace(by_chance.choice, figures=figures)))
    )
