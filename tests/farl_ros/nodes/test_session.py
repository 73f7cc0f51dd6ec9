"""A whole recording session in simulation, led through the keys of a pseudo terminal."""

import json
import os
import time
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from farl_interfaces.action import RecordEpisode
from farl_interfaces.msg import Action, ShieldDecision
from rclpy.action import ActionClient
from std_msgs.msg import String
from std_srvs.srv import Trigger

from farl.noise import episode_seed
from farl.types import ActionSource, EpisodeKind, Reason
from farl_ros.bags import read_bag, read_episode, read_folder
from farl_ros.composed import Composed
from farl_ros.messages import Event, Topic
from farl_ros.record_graph import record_graph
from farl_ros.task_spec import load_task

from .bench import HORIZON, Bench

LONG = 2000  # agent steps: an episode that only a person ends


class Desk(Bench):
    def __init__(self, graph: Composed, typing: int) -> None:
        super().__init__(graph)
        self.typing = typing
        self.statuses, self.diagnostics = self.listen(String, "session/status"), []
        self.probe.create_subscription(DiagnosticArray, "diagnostics", self.diagnostics.append, 10)
        self.decisions = self.listen(ShieldDecision, "decision")
        self.commands = self.listen(Action, "arm_command")
        self.spin(lambda: not self.nodes["session"]._control.not_ready())

    @property
    def status(self) -> dict:
        return json.loads(self.statuses[-1].data) if self.statuses else {"phase": "?", "said": ""}

    def press(self, keys: bytes) -> None:
        os.write(self.typing, keys)

    def until(self, phase: str) -> None:
        self.spin(lambda: self.status["phase"] == phase)

    def until_said(self, text: str) -> None:
        self.spin(lambda: text in self.status["said"])

    def run_steps(self, steps: int) -> None:
        self.spin(lambda: self.nodes["session"]._attempt.steps >= steps)

    def record_one(self, key: bytes = b"y", steps: int = 2) -> None:
        self.press(b"\n")
        self.until("running")
        self.run_steps(steps)
        self.press(key)
        self.until("idle")


@pytest.fixture(scope="session")
def long_task(task, tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "disc_table.yaml"
    with open(task, encoding="utf-8") as file:
        path.write_text(file.read().replace(f"horizon: {HORIZON}", f"horizon: {LONG}"), encoding="utf-8")
    return str(path)


@pytest.fixture
def desk(long_task, tmp_path):
    opened = []

    def make(**arguments) -> Desk:
        master, slave = os.openpty()
        given = {"task": long_task, "out": str(tmp_path / "demos"), "operator": "AB", **arguments}
        specs = record_graph(**given, terminal=os.ttyname(slave))
        graph = Composed(specs, isolated=True).__enter__()
        opened.append((graph, master, slave))
        return Desk(graph, master)

    yield make
    for graph, *terminal in opened:
        graph.__exit__(None, None, None)
        for fd in terminal:
            with suppress(OSError):  # closed by the test
                os.close(fd)


def test_a_session(desk, tmp_path, long_task):
    d, spec = desk(target=3, seed=7), load_task(long_task)
    folder = tmp_path / "demos" / "task"
    d.record_one(b"y")
    d.record_one(b".")
    d.press(b"\n")
    d.until("running")
    for _ in range(5):  # a key that is held
        d.press(b"w")
        d.settle(0.08)
    d.press(b"n")
    d.until("idle")
    assert d.status["counts"]["task"] == 3
    bags = read_folder(folder, spec)
    assert (bags.rejected, bags.recovered) == ((), 0)
    success, stopped, failed = bags.demos.episodes
    assert [e.episode for e in (success, stopped, failed)] == [0, 1, 2]
    assert (success.success, success.terminated, success.costs.any()) == (True, True, False)
    assert (stopped.success, stopped.truncated, stopped.costs.any()) == (False, True, False)
    assert (failed.success, failed.truncated, failed.costs.sum()) == (False, True, 1.0)
    assert failed.actions.any() and not stopped.actions.any()  # nothing moves unless held
    metadata = read_bag(folder / "episode_000000").metadata
    assert metadata["operator"] == "AB"
    assert metadata["dropped_messages"] == "0"
    assert metadata["spec_sha256"] == spec.sha256
    assert metadata["git_revision"]
    assert metadata["reset_seed"] == str(episode_seed(7, 0))
    assert metadata["success"] == "true"
    recorded = read_bag(folder / "episode_000002")
    sources = {message.executed.source for _, message in recorded.messages(Topic.DECISION)}
    assert sources == {ActionSource.HOLD, ActionSource.TELEOP}
    for topic in (Topic.STATE, Topic.ACTION, Topic.DECISION, Topic.TRANSITION, Topic.ARM_STATE):
        assert len(recorded.recorded[topic].messages) >= len(failed) - 1, topic
    events = [Event(message.event) for _, message in recorded.messages(Topic.EPISODE_EVENT)]
    assert events == [Event.STARTED, Event.FAILED, Event.TIMED_OUT]


def test_failed_just_now_is_back_dated_and_the_episode_goes_on(desk, tmp_path):
    d = desk(kind="failure", reaction_time=0.4)
    d.press(b"\n")
    d.until("running")
    d.run_steps(20)
    d.press(b"m")
    pressed = time.time_ns()
    d.until_said("failure marked")
    assert d.status["failed"]
    more = d.nodes["session"]._attempt.steps + 5
    d.run_steps(more)
    d.press(b".")
    d.until("idle")
    bag = tmp_path / "demos" / "failure" / "episode_000000"
    episode = read_episode(bag)
    assert episode.kind == EpisodeKind.FAILURE
    (step,) = np.flatnonzero(episode.costs)
    stamps = [
        message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        for _, message in read_bag(bag).messages(Topic.TRANSITION)
    ]
    assert (pressed - stamps[step]) * 1e-9 == pytest.approx(0.4, abs=0.15)
    assert read_bag(bag).metadata["marked_failures"] == "1"


def test_discard_and_again(desk, tmp_path):
    d = desk()
    folder = tmp_path / "demos" / "task"
    d.record_one()
    d.press(b"\x7f")  # the last one, afterwards
    d.until_said("was discarded")
    assert d.status["counts"]["task"] == 0
    d.record_one(b"\x7f")  # while it runs
    assert "was discarded" in d.status["said"]
    d.record_one()
    d.press(b"t")  # once more
    d.until("running")
    d.run_steps(2)
    d.press(b"t")  # and again, while it runs
    d.spin(lambda: len(list((folder / "discarded").iterdir())) == 4)
    d.until("running")
    d.run_steps(2)
    d.press(b"y")
    d.until("idle")
    assert sorted(path.name for path in folder.iterdir()) == ["discarded", "episode_000000"]
    assert len(read_folder(folder).demos.episodes) == 1  # the discarded ones are no bags
    d.press(b"\x7f\x7f")
    d.until_said("nothing was recorded")


def test_services_say_what_cannot_be_done(desk):
    d = desk()
    for command in ("stop", "success", "failure", "failed_just_now", "discard"):
        answer = d.call(Trigger, f"session/{command}")
        assert not answer.success and "recorded" in answer.message, command
    assert d.call(Trigger, "session/next").success
    d.until("running")
    refused = d.call(Trigger, "session/start")
    assert not refused.success and "already" in refused.message
    assert d.call(Trigger, "session/next").success
    d.until("idle")
    assert d.status["counts"]["task"] == 1


def test_nothing_is_started_on_a_disk_that_is_nearly_full(desk, monkeypatch):
    d = desk()
    monkeypatch.setattr(
        "farl_ros.nodes.session.shutil.disk_usage", lambda _: type("Usage", (), {"free": 10**6})
    )
    answer = d.call(Trigger, "session/start")
    assert not answer.success and "has 1 MB free, expected 500: make room first" in answer.message


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_program_records_one_episode(desk, tmp_path, cancelled):
    d = desk()
    client = ActionClient(d.probe, RecordEpisode, "session/record_episode")
    d.spin(client.server_is_ready)
    heard = []
    goal = RecordEpisode.Goal(kind=EpisodeKind.RECOVERY, out=str(tmp_path / "mine"), operator_note="a try")
    sent = client.send_goal_async(goal, feedback_callback=heard.append)
    d.spin(sent.done)
    result = sent.result().get_result_async()
    d.spin(lambda: len(heard) >= 3)
    if cancelled:
        sent.result().cancel_goal_async()
    else:
        d.call(Trigger, "session/success")
    d.spin(result.done)
    answer = result.result().result
    if cancelled:
        assert not answer.ok and "was discarded" in answer.message
        return
    assert answer.ok and answer.success and not answer.failed
    assert heard[2].feedback.steps == 3
    episode = read_episode(tmp_path / "mine" / "episode_000000")
    assert (episode.kind, len(episode)) == (EpisodeKind.RECOVERY, answer.steps)
    assert read_bag(tmp_path / "mine" / "episode_000000").metadata["note"] == "a try"


def test_a_goal_of_no_kind_is_refused_with_a_reason(desk):
    d = desk()
    client = ActionClient(d.probe, RecordEpisode, "session/record_episode")
    d.spin(client.server_is_ready)
    sent = client.send_goal_async(RecordEpisode.Goal(kind=EpisodeKind.ONLINE))
    d.spin(sent.done)
    result = sent.result().get_result_async()
    d.spin(result.done)
    assert "expected one of TASK (0)" in result.result().result.message


def test_a_terminal_that_goes_away_holds_the_arm_and_the_recording_goes_on(desk, tmp_path):
    d = desk()
    d.press(b"\n")
    d.until("running")
    d.press(b"w" * 3)
    d.spin(lambda: any(c.source == ActionSource.TELEOP for c in d.commands))
    os.close(d.typing)
    d.spin(lambda: any(s.level == DiagnosticStatus.ERROR for m in d.diagnostics for s in m.status))
    d.spin(lambda: d.commands[-1].source == ActionSource.HOLD)
    assert not np.any(d.commands[-1].values)
    steps = d.nodes["session"]._attempt.steps
    d.run_steps(steps + 5)
    assert d.call(Trigger, "session/stop").success
    d.until("idle")
    assert len(read_episode(tmp_path / "demos" / "task" / "episode_000000")) >= steps + 5


@pytest.mark.parametrize("role", ["adviser", "on"])
def test_the_shield_advises_or_swaps(desk, models, role, tmp_path):
    d = desk(shield=role, models=str(models))
    d.nodes["safety_shield"]._shield.settings = replace(
        d.nodes["safety_shield"]._shield.settings, threshold=-1.0
    )
    d.press(b"\n")
    d.until("running")
    d.press(b"w" * 3)
    d.spin(lambda: any(x.reason == Reason.RISK_ABOVE_THRESHOLD for x in d.decisions))
    d.press(b".")
    d.until("idle")
    said = [x for x in d.decisions if x.reason == Reason.RISK_ABOVE_THRESHOLD]
    assert all(x.risk > x.threshold and x.proposed.source == ActionSource.TELEOP for x in said)
    expected = ActionSource.TELEOP if role == "adviser" else ActionSource.RECOVERY
    assert {x.executed.source for x in said} == {expected}
    held = [x for x in d.decisions if x.proposed.source == ActionSource.HOLD]
    assert held and all(x.executed.source == ActionSource.HOLD for x in held)  # not even the shield moves


def test_a_session_that_stops_at_its_target(desk):
    d = desk(target=1, stop_at_target=True)
    d.press(b"\n")
    d.until("running")
    d.press(b"y")
    d.spin(lambda: d.nodes["session"].exit_code == 0)
    answer = d.call(Trigger, "session/start")
    assert not answer.success and "the session is over" in answer.message
