"""The graph on a robot, with an arm in memory, a world that a camera could see, and a person who is quick."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from farl_interfaces.msg import EpisodeEvent, ObjectState, State, Transition
from farl_interfaces.srv import RearmRobot
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_srvs.srv import Trigger

from farl.models import save_models
from farl.types import ActionSource
from farl_ros import qos
from farl_ros.arm.backend import ArmError, FaultKind
from farl_ros.bags import read_bag, read_folder
from farl_ros.composed import Composed
from farl_ros.conversions import array_of, floats, stamp_ns
from farl_ros.graph import finetune_graph
from farl_ros.messages import Event, Topic
from farl_ros.paths import share_folder
from farl_ros.referee import Referee
from farl_ros.run import RunFolder
from farl_ros.task_spec import load_task

from .bench import untrained_models

RATE, LENGTH = 10.0, 10
START = (0.31, 0.0, 0.06)


class World(Node):
    """What a camera sees of a table on which nothing moves but the hand; three frames in each period."""

    def __init__(self, graph: Composed) -> None:
        super().__init__("world", context=graph.context, use_global_arguments=False)
        self.arm, self.visible, self._frozen_until = None, True, 0.0
        self.puck = (0.37, 0.0)
        self._estimates = self.create_publisher(State, "estimate", qos.STREAM)
        self.create_timer(1 / (3 * RATE), self._on_frame, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def freeze(self, seconds: float) -> None:
        self._frozen_until = time.monotonic() + seconds

    def _on_frame(self) -> None:
        if time.monotonic() < self._frozen_until:
            return
        hand = self.arm.state().end_effector_pose.position
        seen = (hand.x, hand.y, hand.z, *self.puck, 0.02, 0.0, 0.0, 0.0, 0.65, 0.0, 0.02)
        message = State(observation=floats(np.array(seen)))
        message.objects = [ObjectState(object_class="puck", visible=self.visible)]
        message.header.stamp = self.get_clock().now().to_msg()
        self._estimates.publish(message)


class Person(Node):
    """Puts the objects back (which costs no time here) and says so; re-arms a latched robot, if told to."""

    def __init__(self, graph: Composed) -> None:
        super().__init__("person", context=graph.context, use_global_arguments=False)
        self.there, self.rearms, self.heard = True, False, []
        self._ready = self.create_client(Trigger, "scene/ready")
        self._rearm = self.create_client(RearmRobot, "franka_controller/rearm")
        self.create_timer(0.03, self._on_look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _on_look(self) -> None:
        if not (self.there and self._ready.service_is_ready()):
            return
        self._ready.call_async(Trigger.Request()).add_done_callback(self._on_answer)
        if self.rearms:
            self._rearm.call_async(RearmRobot.Request(operator_note="AB looked"))

    def _on_answer(self, future: Any) -> None:
        if future.result().message not in self.heard:
            self.heard.append(future.result().message)


class Rig:
    def __init__(self, graph: Composed, run: Path, spec) -> None:
        self.graph, self.run, self.spec, self.nodes = graph, run, spec, graph.nodes
        self.controller = graph.nodes["franka_controller"]
        self.arm = getattr(self.controller.backend, "arm", self.controller.backend)
        self.world, self.person, self.events, self.plans = World(graph), Person(graph), [], {}
        self.person.create_subscription(Transition, "transition", self._on_transition, qos.STREAM)
        self.world.arm, self.arm.step = self.arm, 0.03
        at = self.arm.state().end_effector_pose.position
        at.x, at.y, at.z = 0.35, 0.02, 0.10  # not at the start
        self.person.create_subscription(EpisodeEvent, "episode_event", self.events.append, qos.EVENTS)
        for node in (self.world, self.person):
            graph.executor.add_node(node)

    @property
    def finetuner(self) -> Any:
        return self.nodes["finetuner"]

    def spin(self, until: Callable[[], bool], timeout: float = 30.0) -> None:
        assert self.graph.spin_until(until, timeout), self.finetuner.message

    def at(self, episode: int, step: int, act: Callable[[], None]) -> None:
        """Have something happen as soon as a step is over, however seldom the test itself gets to look."""
        self.plans[episode, step] = act

    def _on_transition(self, transition: Transition) -> None:
        self.plans.pop((transition.episode, transition.step), lambda: None)()

    def end(self) -> tuple[int, str]:
        self.spin(lambda: self.finetuner.exit_code is not None)
        return self.finetuner.exit_code, self.finetuner.message

    def happened(self) -> list[tuple[Event, int]]:
        return [(Event(event.event), event.episode) for event in self.events]


@pytest.fixture
def rig(tmp_path, monkeypatch) -> Callable[..., Any]:
    file = share_folder() / "config" / "tasks" / "franka_fragile_push_wall.yaml"
    text = file.read_text(encoding="utf-8")
    for before, after in (
        ("control_rate_hz: 5.0", f"control_rate_hz: {RATE}"),
        ("horizon: 60", f"horizon: {LENGTH}"),
    ):
        assert before in text
        text = text.replace(before, after)
    task, models, run = tmp_path / "task.yaml", tmp_path / "models", tmp_path / "run"
    task.write_text(text, encoding="utf-8")
    save_models(untrained_models(3, 12, action=3, task_name="FrankaFragilePushWall"), models)

    @contextmanager
    def make(extra: dict[str, dict[str, Any]] | None = None, **arguments: Any) -> Iterator[Rig]:
        asked = {
            "models": str(models),
            "run": str(run),
            "sim": False,
            "backend": "fake",
            "source": "topic",
        } | arguments
        given = {
            "finetuner": {"report": False},
            "scene": {"speed_share": 1.0},
            **(extra or {}),
        }
        specs = [
            replace(spec, parameters={**spec.parameters, **given.get(spec.name, {})})
            for spec in finetune_graph(str(task), **asked)
        ]
        with Composed(specs, isolated=True) as graph:
            yield Rig(graph, run, load_task(task))

    return make


def by_episode(rig, episode: int) -> list[Any]:
    messages = read_bag(rig.run / "bags" / f"episode_{episode:06d}").messages(Topic.TRANSITION)
    return [message for _, message in messages]


def test_two_episodes_with_a_blind_moment_and_a_fault(rig):
    fault = ArmError(FaultKind.USER_STOP, "the button is pressed")
    with rig(episodes=2) as r:
        r.at(0, 2, lambda: r.world.freeze(4 / RATE))
        r.at(0, 6, lambda: r.arm.pending.append(fault))
        r.spin(lambda: (Event.TIMED_OUT, 0) in r.happened())
        r.spin(lambda: any("latched" in answer for answer in r.person.heard))
        moved = len(r.arm.commands)
        r.graph.spin_until(lambda: False, 0.3)
        assert all(not command.values.any() for command in r.arm.commands[moved:])  # nobody cleared it
        r.person.rearms = True
        assert r.end() == (0, "the limit is reached")
        assert r.happened() == [
            (Event.STARTED, 0),
            (Event.FAILED, 0),
            (Event.TIMED_OUT, 0),
            (Event.STARTED, 1),
            (Event.TIMED_OUT, 1),
        ]
        assert "arm: user_stop" in r.events[1].operator_note
        assert r.arm.commands[-1].source == ActionSource.HOLD  # at the end it stands still

    records = RunFolder.open(r.run).metrics.records
    assert [(record.length, record.failed) for record in records] == [(LENGTH, True), (LENGTH, False)]
    bags = read_folder(r.run / "bags", r.spec)
    assert (bags.rejected, [len(e) for e in bags.demos.episodes]) == ((), [LENGTH, LENGTH])

    first, second = by_episode(r, 0), by_episode(r, 1)
    assert [t.step for t in first] == [t.step for t in second] == list(range(LENGTH))
    sources = [t.executed.source for t in first]
    gaps = np.diff([stamp_ns(t.header.stamp) for t in first]) * 1e-9
    blind = int(np.argmax(gaps))  # what it had seen was too old: it stood still, and the step went on
    assert gaps[blind] > 3 / RATE
    assert sources[blind] == ActionSource.HOLD
    (failed,) = (t.step for t in first if t.cost > 0.0)
    assert 6 <= failed < LENGTH  # as soon as the graph has got round to it
    assert set(sources[failed + 1 :]) == {ActionSource.HOLD}  # latched
    chosen = (ActionSource.TASK, ActionSource.RECOVERY)
    assert any(t.executed.source in chosen for t in second)
    hand = array_of(second[0].observation)[:3]
    assert np.linalg.norm(hand - START) < 0.006  # the arm had gone back
    assert array_of(second[-1].next_observation)[:3].tolist() != hand.tolist()
    assert_judged(r, second)
    assert min(np.diff([stamp_ns(t.header.stamp) for t in second])) > 0.6e9 / RATE


def assert_judged(r, transitions) -> None:
    """Reward and success of the transitions are those of the observations in them."""
    referee = Referee(r.spec)
    referee.start(array_of(transitions[0].observation))
    for t in transitions:
        ruling = referee.step(array_of(t.next_observation))
        assert (t.reward, t.cost, t.success) == (np.float32(ruling.reward), ruling.cost, ruling.success)
        assert (t.terminated, t.truncated) == (ruling.terminated, ruling.truncated)


def test_nobody_at_the_robot_is_an_aborted_episode_and_a_clear_end(rig):
    with rig({"scene": {"speed_share": 1.0, "reset_limit": 1.5}}, episodes=1) as r:
        r.person.there = False
        code, message = r.end()
    assert code == 1
    assert "the scene was not reset: nobody called scene/ready within 1.5 s" in message
    assert r.happened() == [(Event.ABORTED, 0)]


def test_an_episode_of_which_nothing_is_seen_is_aborted(rig):
    with rig({"episode": {"blind_limit": 0.6}}, episodes=1) as r:
        r.at(0, 2, lambda: setattr(r.world, "visible", False))
        code, message = r.end()
        moving = [command for command in r.arm.commands[-5:] if command.values.any()]
    assert (code, moving) == (1, [])
    assert "no valid state for 0.6 s: is the camera there" in message
    assert r.happened()[-1] == (Event.ABORTED, 0)
    assert r.finetuner.loop.learner.steps == 0


def test_an_episode_that_failed_and_is_out_of_sight_ends_and_counts_and_the_run_goes_on(rig):
    in_the_wall = (0.48, -0.05)
    with rig({"episode": {"blind_limit": 0.6}}, episodes=2) as r:
        r.at(0, 2, lambda: setattr(r.world, "puck", in_the_wall))
        r.at(0, 5, lambda: setattr(r.world, "visible", False))  # it has rolled away
        r.person.there = False
        r.spin(lambda: r.nodes["scene"]._said.startswith("put the puck"))
        r.person.there = True
        r.spin(lambda: (Event.TIMED_OUT, 0) in r.happened())
        r.world.puck, r.world.visible = (0.37, 0.0), True  # the person has found it
        assert r.end() == (0, "the limit is reached")
        ends = [(Event.STARTED, 1), (Event.TIMED_OUT, 1)]
        assert r.happened() == [(Event.STARTED, 0), (Event.FAILED, 0), (Event.TIMED_OUT, 0), *ends]
    first = by_episode(r, 0)
    assert 6 < len(first) < LENGTH
    assert [t.cost for t in first[-3:]] == [1.0] * 3
    assert (first[-1].terminated, first[-1].truncated) == (False, True)
    assert first[-1].executed.source == ActionSource.HOLD  # it stood still meanwhile
    assert list(first[-1].next_observation) == list(first[-1].observation)
    bags = read_folder(r.run / "bags", r.spec)
    assert (bags.rejected, [e.failed for e in bags.demos.episodes]) == ((), [True, False])
    records = RunFolder.open(r.run).metrics.records
    assert [(record.length, record.failed) for record in records] == [(len(first), True), (LENGTH, False)]


def test_nothing_moves_the_arm_between_episodes_but_the_way_to_its_start(rig):
    with rig(episodes=1) as r:
        r.person.there = False
        r.spin(lambda: "stand back" in r.nodes["scene"]._said or r.nodes["scene"]._said.startswith("put"))
        r.spin(lambda: r.nodes["scene"]._said.startswith("put the puck at x = 0.370, y = 0.000 m"))
        r.spin(lambda: r.arm.commands[-1].source == ActionSource.HOLD)  # the watchdog
        count = len(r.arm.commands)
        assert {c.source for c in r.arm.commands} <= {ActionSource.REPLAY, ActionSource.HOLD}
        at = r.arm.state().end_effector_pose.position
        assert np.linalg.norm(np.array((at.x, at.y, at.z)) - START) <= 0.005
        r.graph.spin_until(lambda: False, 0.3)
        assert len(r.arm.commands) == count  # it waits for the person
        r.person.there = True
        assert r.end()[0] == 0


def test_in_shadow_the_arm_never_moves_and_nothing_is_learnt(rig):
    with rig(episodes=2, shadow=True) as r:
        before = r.arm.state().end_effector_pose.position
        before = (before.x, before.y, before.z)
        assert r.end() == (0, "the limit is reached")
        after = r.arm.state().end_effector_pose.position
        assert (after.x, after.y, after.z) == before
        assert len(r.arm.commands) >= 2 * LENGTH
        assert all(c.source == ActionSource.HOLD and not c.values.any() for c in r.arm.commands)
        assert "command" not in r.arm.calls
    transitions = by_episode(r, 0) + by_episode(r, 1)
    assert {t.executed.source for t in transitions} == {ActionSource.HOLD}
    proposed = np.array([array_of(t.proposed.values) for t in transitions])
    assert np.abs(proposed).max() > 0.0
    run = RunFolder.open(r.run)
    assert run.summary()["shadow"] is True
    assert run.summary()["would_swap_steps"] == sum(t.risk > 0.3 for t in transitions)
