"""Offline training as an action: progress, result, cancel, wrong input; not the training itself."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from action_msgs.msg import GoalStatus
from farl_interfaces.action import TrainOffline
from rclpy.action import ActionClient

from farl.models import load_models, save_models
from farl_ros.composed import Composed
from farl_ros.graph import offline_graph

from .bench import untrained_models


@pytest.fixture
def training(monkeypatch):
    """Stands for the training: two reports, then models; waits in the middle until it may go on."""
    control = SimpleNamespace(go_on=threading.Event(), calls=[])

    def train(spec, bags, seed, progress, tell):
        control.calls.append((spec.name, bags, seed))
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


def test_a_training_can_be_cancelled(training, trainer, tmp_path):
    handle, feedback = goal(trainer, task="DiscTable", bags="demos", out=str(tmp_path), seed=3)
    trainer.spin(lambda: len(feedback) == 1)
    cancelled = handle.cancel_goal_async()
    trainer.spin(cancelled.done)
    trainer.settle(0.1)
    training.go_on.set()
    status, answer = result(trainer, handle)
    assert (status, answer.ok, answer.message) == (GoalStatus.STATUS_CANCELED, False, "cancelled")
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("task", "message"), [("DiskTable", "did you mean 'DiscTable'"), ("DiscTable", "no such folder")]
)
def test_wrong_input_aborts_with_the_reason(trainer, tmp_path, task, message):
    handle, _ = goal(trainer, task=task, bags=str(tmp_path / "nothing"), out=str(tmp_path))
    status, answer = result(trainer, handle)
    assert (status, answer.ok) == (GoalStatus.STATUS_ABORTED, False)
    assert message in answer.message


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
