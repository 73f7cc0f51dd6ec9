"""A calibration beside the models is used if it matches, refused if not; without any, nothing goes online."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from farl.datasets import DatasetError, DemoSet
from farl.finetuning import Limit
from farl.models import ModelBundle, ModelError
from farl.presets import Preset
from farl.selection import CARD_KEY
from farl_ros.calibrate import calibrate
from farl_ros.calibration_file import (
    CALIBRATION,
    Calibration,
    read_calibration,
    require_calibrated,
    write_calibration,
)
from farl_ros.job import Job
from farl_ros.paths import share_folder
from farl_ros.task_models import load_models_for
from farl_ros.task_spec import TaskSpec, load_task, parse_task
from tests.farl_ros.test_quality import episode

SHIPPED = share_folder() / "models"
FAILING = [episode(100 + i, failure_at=15 + i % 10) for i in range(20)]
DEMOS = DemoSet((*FAILING, *(episode(200 + i) for i in range(3))))


def made(spec: TaskSpec, folder: Path, demos: DemoSet = DEMOS, fresh: bool = False) -> Calibration:
    bundle = load_models_for(spec, folder, calibrated=False)
    return calibrate(spec, bundle, demos, 0.1, fresh, ["farl", "calibrate"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the disc table's models, which hold no calibration file."""
    shutil.copytree(SHIPPED / "DiscTable", tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def calibrated(spec: TaskSpec, folder: Path) -> Path:
    write_calibration(made(spec, folder), folder)
    return folder


def change_card(folder: Path, change: Callable[[dict], object]) -> None:
    card = json.loads((folder / "card.json").read_text())
    change(card)
    (folder / "card.json").write_text(json.dumps(card))


def job(spec: TaskSpec, folder: Path, preset: Preset = Preset.PAPER, **asked: bool) -> Job:
    return Job.of(spec, folder, preset, 0, Limit(episodes=1), Path("run"), False, **asked)


def test_what_is_written_comes_back(spec: TaskSpec, folder: Path) -> None:
    calibration = made(spec, folder)
    assert read_calibration(write_calibration(calibration, folder)) == calibration
    assert calibration.conformal.failures == 20 and calibration.clean == 3
    assert calibration.conformal.miss_rate == pytest.approx(2 / 21)  # k = floor(0.1 · 21)
    assert "at most 9.52% are missed" in calibration.guarantee
    assert calibration.models_sha256 == json.loads((folder / "card.json").read_text())["sha256"]


def test_the_data_are_told_by_what_happened_in_them(spec: TaskSpec, folder: Path) -> None:
    usual = made(spec, folder)
    assert made(spec, folder, DemoSet(DEMOS.episodes[::-1])).data_sha256 == usual.data_sha256
    changed = FAILING[0].observations.copy()
    changed[3, 1] = np.nextafter(changed[3, 1], np.float32(9))
    other = DemoSet((replace(FAILING[0], observations=changed), *DEMOS.episodes[1:]))
    assert made(spec, folder, other).data_sha256 != usual.data_sha256


def test_it_takes_precedence_over_the_card(spec: TaskSpec, calibrated: Path) -> None:
    bundle = load_models_for(spec, calibrated)
    assert bundle.threshold == read_calibration(calibrated / CALIBRATION).threshold
    card = load_models_for(spec, calibrated, calibrated=False)
    assert bundle.threshold != card.threshold and not card.calibration_hash
    run = job(spec, calibrated).recorded()
    assert run["shield"]["threshold"] == bundle.threshold
    assert run["calibration_sha256"] == bundle.calibration_hash and "uncalibrated" not in run


def test_a_damaged_one_is_refused(spec: TaskSpec, calibrated: Path) -> None:
    path = calibrated / CALIBRATION
    text = path.read_text()
    content = json.loads(text)
    damages = {
        text[:200]: "not JSON",
        text.replace('"clean": 3', '"clean": 30'): "another SHA-256 than it says",
        json.dumps({k: v for k, v in content.items() if k != "content_sha256"}): "another SHA-256",
        json.dumps(content | {"format": 7}): "format 7, this version reads format 1",
        "[]": "format list",
    }
    for damaged, message in damages.items():
        path.write_text(damaged)
        with pytest.raises(ModelError, match=message) as refused:
            load_models_for(spec, calibrated)
        assert "farl calibrate" in str(refused.value)
    path.write_text(text)
    load_models_for(spec, calibrated)


def test_one_of_other_models_is_refused(spec: TaskSpec, calibrated: Path) -> None:
    calibration = read_calibration(calibrated / CALIBRATION)
    other = replace(calibration, models_sha256={**calibration.models_sha256, "world_model": "0" * 64})
    write_calibration(other, calibrated)
    with pytest.raises(ModelError, match=r"made for other models \(world_model differ\)"):
        job(spec, calibrated, uncalibrated=True)  # what does not match is not overridden, but removed


def test_one_of_another_task_is_refused(spec: TaskSpec, calibrated: Path) -> None:
    calibration = read_calibration(calibrated / CALIBRATION)
    write_calibration(replace(calibration, task="BoundedPush"), calibrated)
    with pytest.raises(ModelError, match="made for task 'BoundedPush', expected 'DiscTable'"):
        load_models_for(spec, calibrated)
    write_calibration(calibration, calibrated)
    failure = {"kind": "object_beyond", "object": "puck", "limit": 0.4}
    changed = parse_task(spec.resolved() | {"failure": failure}, "changed.yaml")
    change_card(calibrated, lambda card: card.pop("task_spec"))  # else the card is the first to refuse
    with pytest.raises(ModelError, match="made when failure of DiscTable was"):
        load_models_for(changed, calibrated)


@pytest.mark.parametrize("name", sorted(path.name for path in SHIPPED.iterdir()))
def test_shipped_models_are_calibrated_by_their_cards(name: str) -> None:
    bundle = load_models_for(load_task(name), SHIPPED / name)
    require_calibrated(bundle, SHIPPED / name)
    assert bundle.calibration_hash == "", "a file would change the published numbers"


def test_without_any_calibration_nothing_goes_online(spec: TaskSpec, folder: Path) -> None:
    assert "uncalibrated" not in job(spec, folder).recorded()
    assert "uncalibrated" not in job(spec, folder, uncalibrated=True).recorded(), (
        "there is nothing to insist on"
    )
    change_card(folder, lambda card: card.pop(CARD_KEY))
    with pytest.raises(ModelError, match=r"no calibration.*farl calibrate.*--uncalibrated"):
        job(spec, folder)
    insisted = job(spec, folder, uncalibrated=True)
    assert insisted.recorded()["uncalibrated"] is True
    for harmless in (job(spec, folder, Preset.UNI_O4), job(spec, folder, shadow=True)):
        assert not harmless.uncalibrated


def test_a_threshold_changed_by_hand_is_none_that_was_chosen(spec: TaskSpec, folder: Path) -> None:
    change_card(folder, lambda card: card["shield"].update(threshold=0.9))
    with pytest.raises(ModelError, match=r"0\.9\).* but .*0\.05\) were chosen.*changed by hand"):
        job(spec, folder)


def test_the_run_of_an_uncalibrated_job_says_so(
    farl: Callable[..., int], capsys: pytest.CaptureFixture[str], spec: TaskSpec, folder: Path
) -> None:
    change_card(folder, lambda card: card.pop(CARD_KEY))
    run = ("finetune", "DiscTable", "--models", folder, "--direct", "--steps", 20, "--out", "run")
    assert farl(*run) == 2
    assert "no calibration" in " ".join(capsys.readouterr().out.split()) and not Path("run").exists()
    assert farl(*run, "--uncalibrated") == 0
    assert "UNCALIBRATED" in capsys.readouterr().out
    assert json.loads(Path("run/settings.json").read_text())["uncalibrated"] is True
    assert "Uncalibrated: nothing says" in Path("run/report.html").read_text()


def test_fresh_leaves_out_what_served_for_the_choice(spec: TaskSpec, folder: Path) -> None:
    from farl.datasets import digests

    with pytest.raises(ModelError, match="does not say which episodes"):
        made(spec, folder, fresh=True)
    assert made(spec, folder).fresh is None
    change_card(folder, lambda card: card.update(chosen_on_failures=" ".join(digests(FAILING[:5]))))
    assert made(spec, folder).fresh is False
    only = made(spec, folder, fresh=True)
    assert only.fresh is True and only.conformal.failures == 15
    change_card(folder, lambda card: card.update(chosen_on_failures=" ".join(digests(FAILING))))
    with pytest.raises(DatasetError, match="needs others"):
        made(spec, folder, fresh=True)


def bundle_of(spec: TaskSpec) -> ModelBundle:
    return load_models_for(spec, SHIPPED / spec.name)


@pytest.mark.slow
def test_the_promise_holds_for_a_real_model_over_many_splits(spec: TaskSpec) -> None:
    """The disc table's models on failures of new seeds: every split is a drawing from the same episodes."""
    from failurebench.demonstrations import failure_demonstrations
    from failurebench.kit import kit
    from farl.conformal import conformal_threshold, missed, scores
    from farl.datasets import Episode
    from farl.policy import FastPolicy
    from farl.types import EpisodeKind
    from farl_ros.calibrate import foreseen, lead_and_window

    bundle = bundle_of(spec)
    rolled = failure_demonstrations(kit("DiscTable"), FastPolicy.of(bundle.task_policy).mean, 2000, 4242, {})
    failing = [
        Episode(
            EpisodeKind.FAILURE, t.observations, t.actions, t.rewards, t.costs, t.terminated, t.truncated,
            t.success, i,
        )
        for i, t in enumerate(rolled)
        if t.failed
    ]  # fmt: skip
    assert len(failing) >= 150
    lead, window = lead_and_window(spec, bundle)
    found = scores(foreseen(bundle, failing, window), lead, window)
    random, splits, n = np.random.default_rng(0), 2000, 40
    for rate in (0.05, 0.1, 0.2):
        rates = np.empty(splits)
        for i in range(splits):
            order = random.permutation(len(found))
            made_here = conformal_threshold(found[order[:n]], rate)
            rates[i] = missed(found[order[n:]], made_here.threshold)
        assert rates.mean() <= made_here.miss_rate + 4 * rates.std() / np.sqrt(splits), rate
        assert rates.mean() > 0.2 * rate, "a threshold that flags everything promises nothing"
