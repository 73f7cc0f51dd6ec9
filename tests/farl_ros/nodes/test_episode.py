"""The life of an episode: numbers, resets, transitions, events, labels."""

import math

import numpy as np
import pytest
from farl_interfaces.msg import ArmState, EpisodeEvent, ShieldDecision, SimState, Transition
from farl_interfaces.srv import LabelEpisode, ResetScene
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from farl.noise import episode_seed
from farl.types import ActionSource, Decision, EpisodeKind, Proposal, Reason
from farl_ros.conversions import action_message, decision_message, floats, time_of

LENGTH = 4


class FakeSimulator:
    """Answers resets; steps when it is told to."""

    def __init__(self, b) -> None:
        self.resets, self.answer, self.message, self.clock = [], True, "", 0
        self.states = b.publisher(SimState, "sim_state")
        self.decisions = b.publisher(ShieldDecision, "decision")
        b.probe.create_service(ResetScene, "reset_scene", self._on_reset)

    def _on_reset(self, request, response):
        self.resets.append((request.episode, request.seed))
        response.ok, response.message = self.answer, self.message
        if self.answer:
            self.episode, self.count = request.episode, 0
            self.publish()
        return response

    def publish(self, **fields) -> None:
        self.clock += 40
        message = SimState(
            episode=self.episode, step=self.count, observation=floats(np.full(10, self.count)), **fields
        )
        message.header.stamp = time_of(self.clock)
        self.states.publish(message)
        self.stamp = message.header.stamp

    def step(self, **fields) -> None:
        proposed = Proposal(np.zeros(2, np.float32), -1.0, 0)
        value = Decision(
            0.5,
            0.3,
            np.zeros(0, np.float32),
            proposed,
            proposed.values,
            ActionSource.TASK,
            Reason.SAFE,
            0.1,
            "",
        )
        self.decisions.publish(decision_message(value, self.stamp))
        self.count += 1
        executed = action_message(np.zeros(2), ActionSource.TASK, -1.0, 0, self.stamp)
        self.publish(executed=executed, **fields)


@pytest.fixture
def episodes(bench, task):
    b = bench(("episode", {"task": task, "seed": 11}))
    b.events, b.transitions = b.listen(EpisodeEvent, "episode_event"), b.listen(Transition, "transition")
    return b


@pytest.fixture
def world(episodes):
    return FakeSimulator(episodes)


def start(b) -> str:
    events = len(b.events)
    answer = b.call(Trigger, "episode/start")
    assert answer.success
    b.spin(lambda: len(b.events) > events)
    return answer.message


def names(b) -> list[str]:
    known = {
        v: k for k, v in vars(type(EpisodeEvent))["_Metaclass_EpisodeEvent__constants"].items() if k in EVENTS
    }
    return [known[event.event] for event in b.events]


EVENTS = ("STARTED", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "LABELLED")


def test_episodes_are_numbered_and_reset_by_their_seed(episodes, world):
    assert [start(episodes), start(episodes)] == ["episode 0", "episode 1"]
    assert world.resets == [(k, episode_seed(11, k)) for k in range(2)]
    parameter = Parameter("first_episode", value=40).to_parameter_msg()
    assert (
        episodes.call(SetParameters, "episode/set_parameters", parameters=[parameter]).results[0].successful
    )
    assert start(episodes) == "episode 40"
    assert world.resets[-1] == (40, episode_seed(11, 40))


@pytest.mark.parametrize(
    ("last", "event"),
    [
        ({"terminated": True, "success": True}, "SUCCEEDED"),
        ({"truncated": True}, "TIMED_OUT"),
        ({"truncated": True, "success": True}, "SUCCEEDED"),
        ({"terminated": True}, "ABORTED"),
    ],
)
def test_an_episode_ends_with_one_event(episodes, world, last, event):
    start(episodes)
    for _ in range(LENGTH - 1):
        world.step(reward=0.5)
    world.step(reward=1.5, **last)
    episodes.spin(lambda: len(episodes.events) == 2)
    assert names(episodes) == ["STARTED", event]
    assert {(e.episode, e.kind) for e in episodes.events} == {(0, EpisodeKind.ONLINE)}
    assert episodes.events[0].header.stamp == time_of(40)
    assert episodes.events[1].header.stamp == world.stamp
    assert [t.step for t in episodes.transitions] == list(range(LENGTH))
    assert [t.reward for t in episodes.transitions] == [0.5, 0.5, 0.5, 1.5]
    world.step()  # after the end
    episodes.settle()
    assert len(episodes.transitions) == LENGTH


def test_the_first_failure_is_an_event_and_the_episode_goes_on(episodes, world):
    start(episodes)
    for cost in (0.0, 1.0, 1.0):
        world.step(cost=cost, failed=cost > 0)
    world.step(truncated=True, failed=True)
    episodes.spin(lambda: len(episodes.events) == 3)
    assert names(episodes) == ["STARTED", "FAILED", "TIMED_OUT"]
    assert episodes.events[1].header.stamp == episodes.transitions[1].header.stamp


def test_a_fault_of_the_arm_is_a_failure_of_the_step_that_it_falls_into(episodes, world):
    arm = episodes.publisher(ArmState, "arm_state")
    start(episodes)
    world.step()
    episodes.spin(lambda: len(episodes.transitions) == 1)
    for mode in (ArmState.MOVING, ArmState.LATCHED, ArmState.LATCHED, ArmState.HOLDING):
        arm.publish(ArmState(mode=mode, fault="reflex: bang" if mode == ArmState.LATCHED else ""))
    episodes.spin(lambda: len(episodes.events) == 2)
    world.step()
    world.step(truncated=True)
    episodes.spin(lambda: len(episodes.events) == 3)
    assert names(episodes) == ["STARTED", "FAILED", "TIMED_OUT"]
    assert episodes.events[1].operator_note == "arm: reflex: bang"
    assert [transition.cost for transition in episodes.transitions] == [0.0, 1.0, 0.0]


def test_an_end_by_failure_is_said_once(episodes, world):
    start(episodes)
    world.step(cost=1.0, failed=True, terminated=True)
    episodes.spin(lambda: len(episodes.transitions) == 1)
    episodes.settle()
    assert names(episodes) == ["STARTED", "FAILED"]


def test_starting_anew_aborts_what_runs(episodes, world):
    start(episodes)
    world.step()
    start(episodes)
    episodes.spin(lambda: len(episodes.events) == 3)
    assert names(episodes) == ["STARTED", "ABORTED", "STARTED"]
    assert [event.episode for event in episodes.events] == [0, 0, 1]


def test_without_a_simulator_the_answer_says_so(episodes):
    answer = episodes.call(Trigger, "episode/start")
    assert not answer.success
    assert "reset_scene" in answer.message


def test_a_reset_that_fails_is_an_aborted_episode(episodes, world):
    world.answer, world.message = False, "the table is on fire"
    start(episodes)
    assert names(episodes) == ["ABORTED"]
    assert "the table is on fire" in episodes.events[0].operator_note


def test_labels_are_events(episodes, world):
    start(episodes)
    answer = episodes.call(
        LabelEpisode, "episode/label", episode=0, label=EpisodeEvent.FAILED, operator_note="touched the wall"
    )
    assert answer.ok
    episodes.spin(lambda: len(episodes.events) == 2)
    event = episodes.events[1]
    assert (event.event, event.episode) == (EpisodeEvent.LABELLED, 0)
    assert event.operator_note == "failed: touched the wall"


@pytest.mark.parametrize(
    ("episode", "label", "message"),
    [
        (0, EpisodeEvent.STARTED, "expected one of SUCCEEDED"),
        (0, EpisodeEvent.LABELLED, "expected one of SUCCEEDED"),
        (0, 99, "label 99"),
        (1, EpisodeEvent.FAILED, "has not been started"),
    ],
)
def test_labels_that_mean_nothing_are_refused(episodes, world, episode, label, message):
    start(episodes)
    answer = episodes.call(LabelEpisode, "episode/label", episode=episode, label=label)
    assert not answer.ok
    assert message in answer.message
    episodes.settle()
    assert names(episodes) == ["STARTED"]


def test_in_real_time_an_episode_ends_without_its_last_decision(bench, task):
    b = bench(("episode", {"task": task, "real_time": True}))
    b.events, b.transitions = b.listen(EpisodeEvent, "episode_event"), b.listen(Transition, "transition")
    world = FakeSimulator(b)
    start(b)
    world.count += 1
    world.publish(truncated=True)
    b.spin(lambda: len(b.events) == 2)
    assert names(b) == ["STARTED", "TIMED_OUT"]
    (transition,) = b.transitions
    assert math.isnan(transition.risk)
