"""The same comes out where it must, and what differs is told in metres and decisions."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from farl.presets import Preset
from farl_ros.bag_tools.copying import numbered_name
from farl_ros.bag_tools.merge import merge_bags
from farl_ros.bag_writer import BagError
from farl_ros.replay.divergence import divergence
from farl_ros.replay.offline_replay import Asked, shield_replay, sim_replay
from farl_ros.replay.pace import Pace, PaceError
from farl_ros.replay.recorded import load_recorded
from farl_ros.task_spec import load_task


def nothing(index: int, value: object) -> None:
    """Nobody watches."""


@pytest.mark.parametrize("task", ["DiscTable", "BoundedPush", "FrankaDisturbedPush"])
@pytest.mark.parametrize("skipped", [0, 5])
def test_the_same_simulator_repeats_a_bag_bit_for_bit(demonstrate, tmp_path, task, skipped):
    recorded = load_recorded(demonstrate(task, steps=15, skipped=skipped))
    result = sim_replay(recorded, Asked(tmp_path / "out"), nothing)
    np.testing.assert_array_equal(result.observations, recorded.observations)
    assert result.divergence.same
    assert result.divergence.greatest == 0.0
    assert result.failing_now == result.failing_then


def test_a_copy_under_another_number_still_starts_where_it_did(demonstrate, tmp_path):
    merge_bags([demonstrate("DiscTable", skipped=5)], tmp_path / "all", None, lambda *_: None)
    recorded = load_recorded(tmp_path / "all" / numbered_name(0))
    assert recorded.episode == 0
    assert sim_replay(recorded, Asked(tmp_path / "out"), nothing).divergence.same


def test_an_online_bag_starts_from_the_seed_of_its_run(watched_bag, tmp_path):
    bag, _ = watched_bag
    run = tmp_path / "run"
    (run / "bags").mkdir(parents=True)
    bag.rename(run / "bags" / numbered_name(0))
    recorded = load_recorded(run / "bags" / numbered_name(0))
    with pytest.raises(BagError, match=r"nothing says from which state it started.*--seed"):
        sim_replay(recorded, Asked(tmp_path / "out"), nothing)
    (run / "settings.json").write_text('{"seed": 0}')
    recorded = load_recorded(run / "bags" / numbered_name(0))
    assert sim_replay(recorded, Asked(tmp_path / "out"), nothing).divergence.same
    other = sim_replay(recorded, Asked(tmp_path / "other"), nothing, seed=1)
    assert not other.divergence.same
    assert other.divergence.greatest > 0.001


def test_a_part_is_replayed_as_it_was_in_the_whole(demonstrate, tmp_path):
    recorded = load_recorded(demonstrate("DiscTable", steps=20))
    seen: list[int] = []
    result = sim_replay(recorded, Asked(tmp_path / "out", 7, 11), lambda n, o: seen.append(n))
    np.testing.assert_array_equal(result.observations, recorded.observations[7:13])
    assert seen == [7, 8, 9, 10, 11, 12]
    assert result.divergence.steps.tolist() == seen
    with pytest.raises(BagError, match="steps 7 to 20 were asked for, but it has 0 to 19"):
        sim_replay(recorded, Asked(tmp_path / "out", 7, 20), nothing)


def test_divergence_is_in_metres_for_hand_and_object():
    spec = load_task("DiscTable")
    then = np.zeros((3, spec.observation_size), np.float32)
    now = then.copy()
    now[1, spec.slice_of(spec.hand)] = (0.03, 0.04)  # 5 cm
    now[2, spec.slice_of(spec.objects[0].position)] = (0.0, 0.02)
    result = divergence(spec, then, now, first_step=10)
    puck = spec.objects[0].name
    np.testing.assert_allclose(result.distances["hand"], [0, 0.05, 0], atol=1e-7)
    np.testing.assert_allclose(result.distances[puck], [0, 0, 0.02], atol=1e-7)
    assert result.greatest == pytest.approx(0.05)
    assert result.mean == pytest.approx((0.05 / 3 + 0.02 / 3) / 2)
    row = next(row for row in result.table() if row["what"] == "hand")
    assert (row["max_at_step"], row["last_m"]) == (11, 0.0)
    assert not result.same


def test_what_is_left_can_be_read_by_others(demonstrate, tmp_path):
    recorded = load_recorded(demonstrate("DiscTable", steps=6))
    sim_replay(recorded, Asked(tmp_path / "out"), nothing, seed=5)
    rows = list(csv.DictReader((tmp_path / "out" / "divergence.csv").open()))
    assert [int(row["step"]) for row in rows] == list(range(7))
    figures = json.loads((tmp_path / "out" / "replay.json").read_text())
    assert figures["bit_exact"] is False
    assert figures["divergence_max_m"] == max(
        float(row[name]) for row in rows for name in rows[0] if name != "step"
    )
    page = (tmp_path / "out" / "replay.html").read_text()
    assert "<svg" in page and "distance [m]" in page


class TestShield:
    def test_the_same_models_decide_the_same_bit_for_bit(self, watched_bag, tmp_path):
        bag, models = watched_bag
        recorded = load_recorded(bag)
        result = shield_replay(recorded, Asked(tmp_path / "out"), models, Preset.PAPER, nothing)
        np.testing.assert_array_equal(result.risk_now, result.risk_then)
        np.testing.assert_array_equal(result.swapped_now, recorded.intervened)
        assert result.threshold_now == pytest.approx(result.threshold_then)
        assert not result.changed.any()
        assert np.isfinite(result.risk_now).all()

    def test_another_threshold_changes_what_is_told_apart(self, watched_bag, tmp_path, monkeypatch):
        from farl.models import load_models, save_models

        bag, models = watched_bag
        bundle = load_models(models, "DiscTable")
        recorded = load_recorded(bag)
        threshold = float(np.median(recorded.risks))
        from dataclasses import replace

        save_models(replace(bundle, threshold=threshold), tmp_path / "other")
        result = shield_replay(recorded, Asked(tmp_path / "out"), tmp_path / "other", Preset.PAPER, nothing)
        expected = recorded.risks > np.float32(threshold)
        np.testing.assert_array_equal(result.swapped_now, expected)
        np.testing.assert_array_equal(result.changed, expected != recorded.intervened)
        assert result.changed.any()
        rows = list(csv.DictReader((tmp_path / "out" / "decisions.csv").open()))
        assert [bool(int(row["changed"])) for row in rows] == result.changed.tolist()
        counted = {row["what"]: row["value"] for row in result.table()}
        assert counted["swapped now"] == int(expected.sum())
        assert json.loads((tmp_path / "out" / "replay.json").read_text())["decisions_changed"] == sum(
            result.changed
        )

    def test_a_demonstration_without_a_shield_gets_one(self, demonstrate, watched_bag, tmp_path):
        recorded = load_recorded(demonstrate("DiscTable", steps=5, name="demo"))
        result = shield_replay(recorded, Asked(tmp_path / "out"), watched_bag[1], Preset.PAPER, nothing)
        assert np.isnan(result.risk_then).all()
        assert np.isfinite(result.risk_now).all()
        assert json.loads((tmp_path / "out" / "replay.json").read_text())["table"][-2]["value"] is None


class TestPace:
    def test_as_recorded_half_as_fast_and_without_waiting(self):
        for speed, slept in ((1.0, 0.5), (0.5, 1.0), (4.0, 0.125)):
            now, waits = [100.0], []
            pace = Pace(
                speed, lambda n=now: n[0], lambda s, n=now, w=waits: (w.append(s), n.__setitem__(0, n[0] + s))
            )
            pace.wait(3.0)
            pace.wait(3.5)
            assert waits == [pytest.approx(slept)]
        Pace(0.0, sleep=lambda s: pytest.fail("waited")).wait(1e9)

    @pytest.mark.parametrize("speed", [-1.0, float("nan"), float("inf")])
    def test_no_other_speed(self, speed):
        with pytest.raises(PaceError, match="expected 0"):
            Pace(speed)


def test_farl_replay(farl, capsys, demonstrate, tmp_path):
    bag = demonstrate("DiscTable", steps=8)
    assert farl("replay", bag, "--into", "sim", "--out", "r", "--speed", "0") == 0
    said = capsys.readouterr().out
    assert "bit for bit the same states" in said and "max_m" in said
    assert (Path("r") / "sim" / bag.name / "replay.html").is_file()
    assert farl("replay", bag, "--from-step", "5", "--to-step", "9") == 2
    assert "it has 0 to 7" in capsys.readouterr().out
