"""Offline training as an action: progress, result, cancel, wrong input; not the training itself."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from action_msgs.msg import GoalStatus
from farl_interfaces.action import TrainOffline
from rclpy.action import ActionClient

from farl.models import load_models, save_models
from farl.types import EpisodeKind
from farl_ros.bag_episodes import write_trajectory
from farl_ros.composed import Composed
from farl_ros.graph import offline_graph
from farl_ros.task_spec import load_task
from tests.farl.test_kept_stages import SETTINGS
from tests.farl_ros.conftest import Recorded

from .bench import untrained_models


@pytest.fixture
def training(monkeypatch):
    """Stands for the training: two reports, then models; waits in the middle until it may go on."""
    control = SimpleNamespace(go_on=threading.Event(), calls=[])

    def train(spec, bags, seed, progress, tell, force, keep):
        control.calls.append((spec.name, bags, seed))
        control.threads = torch.get_num_threads()
        tell("not used: a bag")
        progress("world model", 0.5, 2.0)
        control.go_on.wait(10.0)
        progress("world model", 1.0, 1.0)
        bundle = untrained_models(seed)
        bundle.card["episodes"] = {"task": 2, "failure": 3}
        return bundle, SimpleNamespace(demos=None)

    def save(spec, bundle, demos, command, out):
        save_models(bundle, out / "models")

    monkeypatch.setattr("farl_ros.nodes.offline_trainer.offline_from_bags", train)
    monkeypatch.setattr("farl_ros.quality_report.save_offline", save)
    return control


@pytest.fixture
def trainer(bench):
    torch.set_num_threads(2)
    b = bench(("offline_trainer", {}))
    b.client = ActionClient(b.probe, TrainOffline, "offline_trainer/train_offline")
    b.spin(b.client.server_is_ready)
    return b


def goal(b, **fields):
    feedback = []
    accepted = b.client.send_goal_async(
        TrainOffline.Goal(**fields), feedback_callback=lambda message: feedback.append(message.feedback)
    )
    b.spin(accepted.done)
    return accepted.result(), feedback


def result(b, handle):
    future = handle.get_result_async()
    b.spin(future.done)
    return future.result().status, future.result().result


def test_bags_become_models(training, trainer, tmp_path):
    handle, feedback = goal(trainer, task="DiscTable", bags="demos", out=str(tmp_path), seed=3)
    trainer.spin(lambda: len(feedback) == 1)
    rejected, _ = goal(trainer, task="DiscTable")
    assert not rejected.accepted
    training.go_on.set()
    status, answer = result(trainer, handle)
    assert (status, answer.ok) == (GoalStatus.STATUS_SUCCEEDED, True)
    assert answer.message == "trained on 5 episodes; threshold 0.3"
    assert load_models(Path(answer.models), "DiscTable").threshold == 0.3
    assert [(f.stage, f.progress, f.loss) for f in feedback] == [
        ("world model", 0.5, 2.0),
        ("world model", 1.0, 1.0),
    ]
    assert training.calls == [("DiscTable", Path("demos"), 3)]
    assert training.threads == 1


def test_a_training_can_be_cancelled(training, trainer, tmp_path):
    handle, feedback = goal(trainer, task="DiscTable", bags="demos", out=str(tmp_path), seed=3)
    trainer.spin(lambda: len(feedback) == 1)
    cancelled = handle.cancel_goal_async()
    trainer.spin(cancelled.done)
    trainer.settle(0.1)
    training.go_on.set()
    status, answer = result(trainer, handle)
    assert (status, answer.ok) == (GoalStatus.STATUS_CANCELED, False)
    assert answer.message.startswith("cancelled; finished stages are kept")
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("task", "message"), [("DiskTable", "did you mean 'DiscTable'"), ("DiscTable", "no such folder")]
)
def test_wrong_input_aborts_with_the_reason(trainer, tmp_path, task, message):
    handle, _ = goal(trainer, task=task, bags=str(tmp_path / "nothing"), out=str(tmp_path))
    status, answer = result(trainer, handle)
    assert (status, answer.ok) == (GoalStatus.STATUS_ABORTED, False)
    assert message in answer.message


def test_a_goal_without_folders_is_none(trainer):
    handle, _ = goal(trainer, task="DiscTable", bags="demos")
    status, answer = result(trainer, handle)
    assert (
        status == GoalStatus.STATUS_ABORTED
        and "expected a folder of bags, and a run folder" in answer.message
    )


@pytest.fixture
def demos(tmp_path, monkeypatch):
    """Bags of all kinds, and settings that train for seconds."""
    spec, folder = load_task("DiscTable"), tmp_path / "demos"
    for kind in (EpisodeKind.TASK, EpisodeKind.RECOVERY, EpisodeKind.FAILURE):
        for index in range(8 if kind == EpisodeKind.FAILURE else 3):
            fails = kind == EpisodeKind.FAILURE and index % 2
            recorded = Recorded(30, 10 * kind + index, failure_at=20 if fails else None)
            path = folder / kind.name.lower() / f"episode_{index:06d}"
            write_trajectory(path, spec, kind, index, recorded, seed=0)
    monkeypatch.setattr("farl_ros.offline.offline_settings", lambda spec: SETTINGS)
    return folder


def models_in(run):
    return {path.name: path.read_bytes() for path in (run / "models").iterdir()}


def test_the_action_and_the_command_make_the_same_models(farl, bench, demos, tmp_path):
    """Bit for bit, also when the goal is cancelled in the middle and given again."""
    b = bench(("offline_trainer", {}))
    b.client = ActionClient(b.probe, TrainOffline, "offline_trainer/train_offline")
    b.spin(b.client.server_is_ready)
    asked = {"task": "DiscTable", "bags": str(demos), "out": str(tmp_path / "action"), "seed": 3}

    handle, feedback = goal(b, **asked)
    b.spin(lambda: any(f.stage == "recovery policy" for f in feedback), 60.0)
    b.spin(handle.cancel_goal_async().done)
    assert result(b, handle)[0] == GoalStatus.STATUS_CANCELED
    assert (tmp_path / "action" / "stages" / "task_policy.json").is_file()
    assert not (tmp_path / "action" / "models").exists()

    handle, feedback = goal(b, **asked)
    future = handle.get_result_async()
    b.spin(future.done, 60.0)
    assert future.result().status == GoalStatus.STATUS_SUCCEEDED
    assert [f.progress for f in feedback if f.stage == "task policy"] == [1.0], "taken up, not made again"
    assert {f.stage for f in feedback} >= {"recovery policy", "value", "world model", "shield"}
    assert not (tmp_path / "action" / "stages").exists()

    assert farl("offline", "DiscTable", "--bags", demos, "--out", "command", "--seed", 3) == 0
    made, ordered = models_in(tmp_path / "action"), models_in(tmp_path / "command")
    assert made.keys() == ordered.keys() and len(made) == 6
    assert all(made[name] == ordered[name] for name in made)


@pytest.mark.parametrize(("task", "code"), [("DiscTable", 0), ("DiskTable", 2)])
def test_the_offline_graph_ends_with_the_training(training, tmp_path, task, code):
    training.go_on.set()
    with Composed(offline_graph(task, "demos", str(tmp_path)), isolated=True) as graph:
        assert graph.run() == code


def test_leaving_the_graph_stops_a_training(training, tmp_path):
    with Composed(offline_graph("DiscTable", "demos", str(tmp_path)), isolated=True) as graph:
        assert graph.spin_until(lambda: bool(training.calls), 5.0)
        training.go_on.set()
    assert not (tmp_path / "models").exists()
