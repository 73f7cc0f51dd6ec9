"""The command line as a user meets it: the whole chain, bad input, and being stopped at any moment."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from farl.offline import OfflineSettings
from farl.types import EpisodeKind
from farl.uni_o4.behaviour_ppo import BehaviourPpoSettings
from farl.uni_o4.dynamics import DynamicsSettings
from farl.uni_o4.ensemble import EnsembleSettings
from farl.uni_o4.evaluation import EvaluationSettings
from farl.uni_o4.iql import IqlSettings
from farl.uni_o4.train import UniO4Settings
from farl.value_fitting import ValueSettings
from farl.world_model import WorldModelSize
from farl.world_model_training import WorldModelSettings
from farl_ros import cli
from farl_ros.bags import read_folder
from farl_ros.graph import perceive_graph
from farl_ros.run import RunFolder
from farl_ros.task_spec import TaskSpec, load_task

FIGURES = {
    "steps",
    "episodes",
    "failures",
    "failures_per_1e6_steps",
    "failure_rate",
    "success_rate",
    "mean_return",
    "interventions",
    "recovery_share",
    "steps_per_second",
    "shield_ms_p50",
    "shield_ms_p99",
}


def small(spec: TaskSpec) -> OfflineSettings:
    """An offline phase of seconds."""
    policy = UniO4Settings(
        EnsembleSettings(members=2, updates=60, batch=64, hidden=64),
        IqlSettings(warm_updates=20, updates=20, batch=64, hidden=32),
        DynamicsSettings(members=3, elites=2, hidden=32, updates=20, batch=32),
        EvaluationSettings(starts=20, steps=3),
        BehaviourPpoSettings(updates=20, batch=32, gate=10),
    )
    value = ValueSettings(updates=20, rounds=2, hidden=64)
    size = WorldModelSize(16, 32, 11)
    world_model = WorldModelSettings(size, horizon=spec.shield.horizon, updates=30, batch=16)
    base = OfflineSettings(policy=policy, recovery=policy, value=value, world_model=world_model)
    return replace(base, horizon=spec.shield.horizon, lead=spec.shield.lead)


def output(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_the_chain_from_nothing_to_a_report(farl, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farl_ros.offline.offline_settings", small)
    demos = ("demos", "DiscTable", "--out", "demos", "--kind")
    assert farl(*demos, "task", "--episodes", 12) == 0
    assert farl(*demos, "failure", "--episodes", 30) == 0
    assert farl(*demos, "recovery", "--episodes", 6, "--json", "r.json") == 0
    assert json.loads(Path("r.json").read_text())["safe_share"] >= 0.8
    recorded = read_folder(Path("demos"), load_task("DiscTable")).demos
    assert [len(recorded.of(kind)) for kind in EpisodeKind if kind != EpisodeKind.ONLINE] == [12, 6, 30]
    damaged = next(Path("demos/recovery/episode_000003").glob("*.mcap"))
    damaged.write_bytes(b"no bag any more")
    offline = ("offline", "DiscTable", "--bags", "demos", "--out", "off", "--json", "o.json")
    assert farl(*offline) == 2
    assert "1 bags cannot be used" in (said := output(capsys)) and "episode_000003" in said
    assert farl(*offline, "--force") == 0
    assert "not used" in (said := output(capsys)) and "episode_000003" in said
    assert json.loads(Path("o.json").read_text())["rejected_bags"] == 1
    made_with, trained = Path("demos/task_policy.safetensors"), Path("off/models/task_policy.safetensors")
    assert made_with.read_bytes() == trained.read_bytes(), "failures come from the policy that is trained"
    card = json.loads(Path("off/models/card.json").read_text())
    assert all(len(card[name]["members"]) == 2 for name in ("task_policy", "recovery_policy"))
    assert "<html" in Path("off/report.html").read_text()
    models = ("--models", "off/models")
    assert farl("quality", "DiscTable", *models, "--bags", "demos", "--out", "again") == 0
    assert Path("again/quality.json").read_bytes() == Path("off/models/quality.json").read_bytes()
    assert farl("evaluate", "DiscTable", *models, "--episodes", 2, "--json", "e.json") == 0
    assert json.loads(Path("e.json").read_text())["policy_alone"]["episodes"] == 2
    finetune = ("finetune", "DiscTable", *models, "--direct", "--steps", 300, "--out", "run")
    assert farl(*finetune, "--json", "f.json") == 0
    figures = json.loads(Path("f.json").read_text())
    assert set(figures) == FIGURES and figures["steps"] >= 300
    assert farl("report", "run", "--json", "again.json") == 0
    assert json.loads(Path("again.json").read_text()) == figures
    assert "<html" in Path("run/report.html").read_text()


def test_without_a_shield_there_are_no_interventions(farl) -> None:
    arguments = ("--preset", "uni_o4", "--direct", "--envs", 3, "--episodes", 4)
    assert farl("finetune", "DiscTable", *arguments, "--out", "run", "--json", "f.json") == 0
    figures = json.loads(Path("f.json").read_text())
    assert figures["episodes"] == 4 and figures["interventions"] == 0 and figures["shield_ms_p50"] is None


def test_tasks_are_listed(farl, capsys) -> None:
    assert farl("tasks", "--json", "t.json") == 0
    assert "BoundedPush" in output(capsys)
    assert set(json.loads(Path("t.json").read_text())) >= {"BoundedPush", "DiscTable"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("finetune", "BoundedPsh"), "did you mean 'BoundedPush'"),
        (("finetune", "DiscTable", "--models", "nowhere"), "no models in nowhere; check --models"),
        (("finetune", "DiscTable", "--envs", 8), "--envs needs --direct"),
        (("finetune", "DiscTable", "--resume"), "--resume needs --out"),
        (("finetune", "DiscTable", "--direct", "--robot", "panda"), "--direct has no ROS graph"),
        (("finetune", "DiscTable", "--direct", "--shadow"), "--direct has no ROS graph"),
        (("finetune", "DiscTable", "--direct", "--source", "camera"), "--direct has no ROS graph"),
        (("perceive", "DiscTable", "--topics", "--recording", "a.db3"), "frames come from one of them"),
        (("perception", "train", "--task", "FrankaPush"), "did you mean"),
        (("perception", "calibrate", "--camera", "d453"), "no camera 'd453': expected one of d435"),
        (("finetune", "DiscTable", "--host", "172.16.0.2"), "--camera and --frames need --robot"),
        (("finetune", "DiscTable", "--resume", "--direct", "--out", "nowhere"), "not a run folder"),
        (("offline", "DiscTable", "--bags", "nowhere", "--out", "x"), "no such folder"),
        (("demos", "DiscTable", "--kind", "failure", "--out", "empty"), "first run: farl demos DiscTable"),
        (("report", "nowhere"), "not a run folder"),
    ],
)
def test_bad_input_ends_with_2_and_one_clear_sentence(farl, capsys, arguments, says) -> None:
    assert farl(*arguments) == 2
    said = output(capsys)
    assert said.startswith("error: ") and says in said
    assert "Traceback" not in said


def test_training_without_ultralytics_names_the_command_before_anything_is_drawn(
    farl, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "ultralytics" else real(name, *more)
    )
    assert farl("perception", "train", "--task", "FrankaFragilePushWall") == 2
    assert "pip install -r requirements/perception-train.txt" in output(capsys)


def test_perceive_runs_the_graph_that_the_launch_file_starts(farl, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    monkeypatch.setattr("farl_ros.commands.perceive.run_processes", lambda specs: ran.append(specs) or 0)
    assert farl("perceive", "FrankaDisturbedPush", "--recording", "a.db3", "--debug-rate", 2) == 0
    assert farl("perceive", "FrankaFragilePushWall") == 0
    assert ran == [
        perceive_graph("FrankaDisturbedPush", "d435", "recording", "a.db3", 2.0),
        perceive_graph("FrankaFragilePushWall"),
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--host", "h"), "no robot plays it"),
        ((), "sim=false without host"),
        (("--host", "h", "--lock-step"), "does not wait"),
    ],
)
def test_what_cannot_run_on_a_robot_is_refused_before_anything_is_written(
    farl, capsys, tmp_path, options, says
) -> None:
    assert farl("finetune", "DiscTable", "--robot", "fr3", *options, "--out", "run") == 2
    assert says in output(capsys).partition("error: ")[2]
    assert not (tmp_path / "run").exists()


def test_models_of_another_task_are_refused(farl, capsys) -> None:
    from farl_ros.paths import share_folder

    other = share_folder() / "models" / "BoundedPush"
    assert farl("finetune", "DiscTable", "--direct", "--models", other) == 2
    assert "models for task 'BoundedPush', expected 'DiscTable'" in output(capsys)


def test_a_taken_folder_and_another_seed_are_refused(farl, capsys) -> None:
    job = ("finetune", "DiscTable", "--direct", "--episodes", 2, "--out", "run")
    assert farl(*job) == 0
    output(capsys)
    assert farl(*job) == 2
    assert "holds a run already" in output(capsys)
    assert farl(*job, "--resume", "--seed", 5) == 2
    assert "begun with seed 0, now asked with 5" in output(capsys)


def test_another_number_of_environments_is_refused_when_resuming(farl, capsys) -> None:
    job = ("finetune", "DiscTable", "--direct", "--episodes", 2, "--out", "run")
    assert farl(*job, "--envs", 2) == 0
    output(capsys)
    assert farl(*job, "--resume") == 2
    assert "begun with environments 2, now asked with 1" in output(capsys)


def test_models_made_for_another_failure_set_are_refused(farl, capsys, tmp_path: Path) -> None:
    text = load_task("DiscTable").resolved_yaml()
    assert "limit: 0.45" in text
    (tmp_path / "tight.yaml").write_text(text.replace("limit: 0.45", "limit: 0.1"))
    for command in ("finetune", "evaluate"):
        assert farl(command, "tight.yaml") == 2
        assert "with failure" in (said := output(capsys)) and "train again" in said


def start(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "farl_ros.cli", "finetune", "DiscTable", "--seed", "3"]
    command += map(str, arguments)
    root = Path(cli.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200"}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


def rows(run: Path) -> list[tuple[int, int, float, bool, int]]:
    records = RunFolder.open(run).metrics.records
    return [(r.episode, r.length, r.episode_return, r.failed, r.interventions) for r in records]


def wait_for_steps(run: Path, steps: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if (run / "metrics" / "episodes.csv").is_file() and sum(row[1] for row in rows(run)) > steps:
            return
        time.sleep(0.02)
    pytest.fail(f"{run} did not get to {steps} steps")


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_stopped_at_any_moment_a_run_goes_on_bit_for_bit(tmp_path: Path, stop: signal.Signals) -> None:
    arguments = ("--direct", "--envs", 4, "--steps", 9000)
    assert start(tmp_path, *arguments, "--out", "straight").wait(120) == 0
    halted = start(tmp_path, *arguments, "--out", "halted")
    wait_for_steps(tmp_path / "halted", 5000, halted)
    halted.send_signal(stop)
    said, _ = halted.communicate(timeout=60)
    if stop == signal.SIGINT:
        assert halted.returncode == 130
        assert "saved in halted" in said and "--out halted --resume" in said
    assert start(tmp_path, *arguments, "--out", "halted", "--resume").wait(120) == 0
    straight = rows(tmp_path / "straight")
    assert rows(tmp_path / "halted") == straight
    assert len({r.policy_version for r in RunFolder.open(tmp_path / "halted").metrics.records}) >= 3


def test_stopped_demonstrations_are_kept(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "farl_ros.cli", "demos", "DiscTable", "--kind", "task", "--out", "demos"]
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1]), "COLUMNS": "200"}
    process = subprocess.Popen(
        [*command, "--episodes", "5000"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    )
    folder = tmp_path / "demos" / "task"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(list(folder.glob("episode_*"))) < 10:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    whole = [bag for bag in folder.iterdir() if bag.suffix != ".partial"]
    assert f"{len(whole)} task episodes are kept" in said and len(whole) >= 9
    read = read_folder(folder, load_task("DiscTable"))
    assert len(read.demos.episodes) >= len(whole)
