"""The run folder: what is written is there at once, counts are right, and a resumed run is the same run."""

import json
import math
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from farl.types import EpisodeKind
from farl_ros import run_traces
from farl_ros.bags import write_trajectory
from farl_ros.run import RunError, RunFolder, run_path
from farl_ros.run_metrics import read_rows
from farl_ros.run_records import LatencyHistogram, episode_record
from farl_ros.run_traces import read_trace
from farl_ros.task_spec import load_task

SETTINGS = {"preset": "paper", "seed": 3, "ppo": {"clip": 0.2}}
COMMAND = ["farl", "finetune", "DiscTable", "--out", "my run"]


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def run(tmp_path, spec, clock) -> RunFolder:
    return RunFolder.create(tmp_path / "run", spec, SETTINGS, COMMAND, clock)


def contents(folder: Path) -> dict[str, str]:
    files = [path for name in ("metrics", "traces") for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_text() for path in files}


class TestFolder:
    def test_its_name_says_when_what_and_how(self):
        path = run_path(Path("runs"), "DiscTable", "paper", 7, datetime(2026, 11, 21, 9, 5, 3))
        assert path == Path("runs/2026-11-21-090503-DiscTable-paper-s7")

    def test_it_says_how_it_was_made(self, run, spec):
        assert load_task(run.path / "task.yaml") == spec
        assert json.loads((run.path / "settings.json").read_text()) == SETTINGS
        versions = json.loads((run.path / "versions.json").read_text())
        assert versions["numpy"] == np.__version__
        assert {"python", "torch", "mujoco", "metaworld", "farl_ros", "git_revision"} <= set(versions)
        assert (run.path / "command.txt").read_text() == "farl finetune DiscTable --out 'my run'\n"

    def test_an_empty_folder_can_become_a_run(self, tmp_path, spec):
        (tmp_path / "new").mkdir()
        assert RunFolder.create(tmp_path / "new", spec, SETTINGS, COMMAND).steps == 0

    def test_a_run_is_not_overwritten(self, run, spec):
        with pytest.raises(RunError, match="run holds a run already; resume it, or choose another folder"):
            RunFolder.create(run.path, spec, SETTINGS, COMMAND)

    def test_a_folder_with_something_else_is_not_touched(self, tmp_path, spec):
        (tmp_path / "thesis").mkdir()
        (tmp_path / "thesis" / "chapter.tex").write_text("x")
        with pytest.raises(RunError, match="thesis is there already, and it is not a run"):
            RunFolder.create(tmp_path / "thesis", spec, SETTINGS, COMMAND)
        assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]
        with pytest.raises(RunError, match=r"chapter\.tex is there already"):
            RunFolder.create(tmp_path / "thesis" / "chapter.tex", spec, SETTINGS, COMMAND)

    def test_only_a_run_can_be_opened(self, tmp_path, run):
        with pytest.raises(RunError, match=r"not a run folder, task\.yaml is missing"):
            RunFolder.open(tmp_path / "nowhere")
        (run.path / "settings.json").write_text("{")
        with pytest.raises(RunError, match=r"settings\.json: not JSON"):
            RunFolder.open(run.path)

    def test_metrics_of_another_version_are_refused(self, run, record, watch):
        run.add_episode(*watch(record(4)))
        file = run.path / "metrics" / "episodes.csv"
        file.write_text(file.read_text().replace("policy_version", "version"))
        with pytest.raises(RunError, match=r"run: its metrics cannot be read: .*'policy_version' is missing"):
            RunFolder.open(run.path)


class TestEpisodes:
    def test_the_figures_of_an_episode(self, record, watch):
        recorded = record(5, failure_at=3)
        recorded.rewards[:] = [1.0, 2.0, 3.0, 4.0, 0.5]
        transitions, _ = watch(recorded, episode=9, swapped=(1, 2))
        row = episode_record(transitions, [0.1, 0.2, 0.3, 0.4, 0.9], steps_before=100, wall_s=12.5)
        assert (row.episode, row.steps, row.length) == (9, 105, 5)
        assert row.episode_return == 10.5
        assert (row.failed, row.success) == (True, False)
        assert (row.interventions, row.recovery_steps) == (2, 2)
        assert row.mean_risk == pytest.approx((3 * 0.125 + 2 * 0.9) / 5)
        assert row.max_risk == pytest.approx(0.9)
        assert (row.shield_ms_p50, row.shield_ms_max) == (0.3, 0.9)
        assert (row.policy_version, row.wall_s) == (3, 12.5)

    def test_without_a_shield_risk_and_latency_are_unknown(self, run, record, watch):
        transitions, decisions = watch(record(4))
        plain = [replace(t, risk=math.nan) for t in transitions]
        off = [replace(d, risk=math.nan, model_hash="") for d in decisions]
        row = run.add_episode(plain, off)
        assert all(math.isnan(v) for v in (row.mean_risk, row.max_risk, row.shield_ms_p50, row.shield_ms_max))
        assert run.summary()["shield_ms_p50"] is None
        assert run.summary()["recovery_share"] == 0.0

    def test_a_row_is_on_disk_as_soon_as_it_was_added(self, run, record, watch):
        for episode in range(3):
            run.add_episode(*watch(record(4), episode))
            assert [row["episode"] for row in read_rows(run.path / "metrics" / "episodes.csv")] == [
                str(e) for e in range(episode + 1)
            ]

    def test_decisions_must_be_one_per_step(self, run, record, watch):
        transitions, decisions = watch(record(4))
        with pytest.raises(ValueError, match="3 decisions for 4 steps"):
            run.add_episode(transitions, decisions[:3])

    def test_opened_again_it_counts_the_same(self, run, record, watch, clock):
        for episode in range(6):
            clock.now += 2.0
            run.add_episode(*watch(record(10, episode, 5 if episode == 2 else None), episode, (1,)))
        run.add_update({"policy_loss": 0.5})
        run.close()
        again = RunFolder.open(run.path)
        assert again.metrics.records == run.metrics.records
        assert again.summary() == run.summary()
        assert (again.metrics.updates, again.steps) == (1, 60)


def test_the_summary_is_what_one_counts_by_hand(run, record, watch, clock):
    lengths, returns = (10, 20, 30), (1.0, 2.0, 6.0)
    for episode, (length, total) in enumerate(zip(lengths, returns, strict=True)):
        recorded = record(length, failure_at=4 if episode == 1 else None, success=episode != 1)
        recorded.rewards[:] = total / length
        clock.now += 1.5
        run.add_episode(*watch(recorded, episode, (2, 5, 6) if episode == 2 else ()))
    figures = run.summary()
    assert set(figures) == {
        "steps", "episodes", "failures", "failures_per_1e6_steps", "failure_rate", "success_rate",
        "mean_return", "interventions", "recovery_share", "steps_per_second",
        "shield_ms_p50", "shield_ms_p99",
    }  # fmt: skip
    assert (figures["steps"], figures["episodes"], figures["failures"]) == (60, 3, 1)
    assert figures["failures_per_1e6_steps"] == pytest.approx(1e6 / 60)
    assert figures["failure_rate"] == pytest.approx(1 / 3)
    assert figures["success_rate"] == pytest.approx(2 / 3)
    assert figures["mean_return"] == pytest.approx(3.0, rel=1e-6)
    assert figures["interventions"] == 3
    assert figures["recovery_share"] == pytest.approx(0.05)
    assert figures["steps_per_second"] == pytest.approx(60 / 4.5)
    assert figures["shield_ms_p50"] == pytest.approx(0.25, rel=0.011)
    json.dumps(figures, allow_nan=False)


def test_a_run_without_episodes_has_no_rates(run):
    figures = run.summary()
    assert (figures["steps"], figures["episodes"], figures["failures"], figures["interventions"]) == (
        0,
        0,
        0,
        0,
    )
    rest = set(figures) - {"steps", "episodes", "failures", "interventions"}
    assert all(figures[name] is None for name in rest)


class TestLatencies:
    @given(st.lists(st.floats(2e-3, 1e4), min_size=1, max_size=200), st.sampled_from([50.0, 90.0, 99.0]))
    def test_percentiles_are_right_to_one_percent(self, latencies, percent):
        exact = np.percentile(latencies, percent, method="inverted_cdf")
        assert LatencyHistogram.of(latencies).percentile(percent) == pytest.approx(exact, rel=0.0101)

    @given(st.lists(st.floats(0.0, 1e4), max_size=50))
    def test_the_text_form_loses_nothing(self, latencies):
        histogram = LatencyHistogram.of(latencies)
        assert LatencyHistogram.from_text(histogram.text()).counts == histogram.counts

    def test_its_size_does_not_grow_with_the_run(self):
        latencies = np.random.default_rng(0).lognormal(-1.4, 0.3, 200_000).tolist()
        histogram = LatencyHistogram.of(latencies)
        assert len(histogram.counts) < 200
        assert histogram.percentile(99.0) == pytest.approx(np.percentile(latencies, 99), rel=0.011)


class TestResume:
    EPISODES, KEPT, UPDATE_EVERY = 12, 7, 3

    def play(self, run, record, watch, clock, first, last):
        for episode in range(first, last):
            clock.now = 1000.0 + episode  # as if no time was lost
            failure_at = 6 if episode % 4 == 2 else None
            run.add_episode(
                *watch(record(10 + episode, episode, failure_at), episode, (3,) if episode % 3 else ())
            )
            if episode % self.UPDATE_EVERY == 2:
                run.add_update({"policy_loss": 0.1 * episode, "value_loss": 2.0})

    def test_a_resumed_run_is_the_run_that_was_never_stopped(self, tmp_path, spec, record, watch):
        clock = Clock()
        whole = RunFolder.create(tmp_path / "whole", spec, SETTINGS, COMMAND, clock)
        self.play(whole, record, watch, clock, 0, self.EPISODES)
        whole.close()

        clock = Clock()
        killed = RunFolder.create(tmp_path / "killed", spec, SETTINGS, COMMAND, clock)
        self.play(killed, record, watch, clock, 0, 10)  # no close, and the power goes in the middle of a row:
        with (killed.path / "metrics" / "latencies.csv").open("a") as file:
            file.write("10,270:4\n")
        with (killed.path / "metrics" / "episodes.csv").open("a") as file:
            file.write("10,123,4")
        clock.now = 1000.0 + self.KEPT - 1
        resumed = RunFolder.open(killed.path, clock)
        resumed.resume(self.KEPT, self.KEPT // self.UPDATE_EVERY, ["farl", "finetune", "--resume"])
        assert (len(resumed.metrics.records), resumed.metrics.updates) == (self.KEPT, 2)
        self.play(resumed, record, watch, clock, self.KEPT, self.EPISODES)
        resumed.close()

        assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
        assert resumed.summary() == whole.summary()
        assert (resumed.path / "command.txt").read_text().splitlines()[1:] == ["farl finetune --resume"]

    def test_running_time_goes_on(self, run, record, watch, clock):
        clock.now += 10.0
        run.add_episode(*watch(record(10), 0))
        clock.now += 9999.0  # a night
        again = RunFolder.open(run.path, clock)
        clock.now += 10.0
        again.add_episode(*watch(record(10), 1))
        assert again.summary()["steps_per_second"] == pytest.approx(1.0)

    def test_back_to_the_start(self, run, record, watch, clock):
        self.play(run, record, watch, clock, 0, 5)
        run.truncate_after(0, 0)
        assert contents(run.path) == {}
        assert run.summary()["episodes"] == 0

    def test_a_checkpoint_that_saw_more_than_the_metrics_is_refused(self, run, record, watch, clock):
        self.play(run, record, watch, clock, 0, 5)
        before = contents(run.path)
        with pytest.raises(RunError, match=r"has seen 6 episodes, metrics/episodes\.csv only 5"):
            run.truncate_after(6, 1)
        with pytest.raises(RunError, match=r"has seen 2 updates, metrics/updates\.csv only 1"):
            run.truncate_after(5, 2)
        assert contents(run.path) == before

    def test_bags_that_came_later_are_put_aside_not_deleted(self, run, spec, record, watch, clock):
        self.play(run, record, watch, clock, 0, 4)
        for episode in range(5):  # the recorder was one ahead
            write_trajectory(run.bag_path(episode), spec, EpisodeKind.ONLINE, episode, record(3), seed=0)
        run.truncate_after(3, 1)
        bags = run.path / "bags"
        assert sorted(p.name for p in bags.glob("episode_*")) == [
            "episode_000000",
            "episode_000001",
            "episode_000002",
        ]
        assert sorted(p.name for p in (bags / "dropped-1").iterdir()) == ["episode_000003", "episode_000004"]
        write_trajectory(run.bag_path(3), spec, EpisodeKind.ONLINE, 3, record(3), seed=0)
        run.truncate_after(3, 1)
        assert [p.name for p in (bags / "dropped-2").iterdir()] == ["episode_000003"]


class TestTraces:
    def test_first_failing_saved_and_last_are_traced_up_to_a_limit(self, run, record, watch, monkeypatch):
        monkeypatch.setattr(run_traces, "TRACES_PER_KIND", 2)
        plots = ["plain", "plain", "failed", "saved", "failed", "failed", "saved", "saved", "plain"]
        for episode, plot in enumerate(plots):
            recorded = record(4, episode, 2 if plot == "failed" else None)
            run.add_episode(*watch(recorded, episode, (1,) if plot == "saved" else ()))
        run.close()
        names = sorted(path.name for path in run.traces.iterdir())
        assert names == [f"episode_{n:06d}.csv" for n in (0, 2, 3, 4, 6)] + ["last.csv"]

    def test_a_trace_tells_what_happened_and_where(self, run, record, watch):
        recorded = record(6, failure_at=4)
        run.add_episode(*watch(recorded, 0, (1, 2)))
        trace = read_trace(run.traces / "episode_000000.csv")
        assert trace.risk.tolist() == pytest.approx([0.125, 0.9, 0.9, 0.125, 0.125, 0.125])
        assert trace.threshold.tolist() == [0.5] * 6
        assert trace.intervened.tolist() == [False, True, True, False, False, False]
        assert trace.cost.tolist() == [0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
        np.testing.assert_allclose(trace.hand[:, :2], recorded.observations[:, 0:2], rtol=1e-5)
        np.testing.assert_allclose(trace.object[:, :2], recorded.observations[:, 2:4], rtol=1e-5)
        np.testing.assert_allclose(trace.goal[:2], recorded.observations[0, 6:8], rtol=1e-5)
        rows = read_rows(run.traces / "episode_000000.csv")
        assert [row["reason"] for row in rows] == ["SAFE", *["RISK_ABOVE_THRESHOLD"] * 2, *["SAFE"] * 3, ""]
        assert [row["source"] for row in rows[:3]] == ["TASK", "RECOVERY", "RECOVERY"]

    def test_a_trace_that_was_cut_off_is_refused(self, run, record, watch):
        run.add_episode(*watch(record(6)))
        path = run.traces / "episode_000000.csv"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:4]))
        with pytest.raises(ValueError, match=r"episode_000000\.csv: not a whole trace"):
            read_trace(path)


def test_tensorboard_names_are_stable_and_a_resumed_run_hides_what_it_repeats(run, record, watch):
    for episode in range(4):
        run.add_episode(*watch(record(10, episode, 5 if episode == 1 else None), episode))
    run.add_update({"policy_loss": 0.5, "approx_kl": 0.01})
    run.truncate_after(2, 0)
    run.add_episode(*watch(record(10, 99), 2))
    run.close()
    board = EventAccumulator(str(run.path / "tensorboard"))
    board.Reload()
    assert set(board.Tags()["scalars"]) == {
        "charts/episodic_return", "charts/episodic_length", "charts/success", "charts/failure",
        "charts/failures", "losses/policy_loss", "losses/approx_kl",
        "shield/interventions", "shield/mean_risk", "shield/max_risk", "shield/latency_ms",
    }  # fmt: skip
    assert [event.step for event in board.Scalars("charts/episodic_return")] == [10, 20, 30]
    assert [event.value for event in board.Scalars("charts/failures")] == [0.0, 1.0, 1.0]
    assert board.Scalars("shield/latency_ms")[0].value == 0.25
