"""State estimator and task policy: what they say about a state, and what they refuse to load."""

import hashlib
import re

import numpy as np
import pytest
from farl_interfaces.msg import Action, EpisodeEvent, ObjectState, SimState, State
from farl_interfaces.srv import LoadModels

from farl.actor import Actor
from farl.models import load_models, save_policy
from farl.policy import FastPolicy
from farl_ros.conversions import array_of, floats, proposal_of, time_of
from farl_ros.nodes.common import NodeError

from .bench import HORIZON, untrained_models


def sim_state(observation, stamp: int = 40_000_000, visible: bool = True) -> SimState:
    message = SimState(episode=4, step=9, observation=floats(np.array(observation, np.float32)))
    message.objects = [ObjectState(object_class="puck", visible=visible)]
    message.header.stamp = time_of(stamp)
    return message


@pytest.mark.parametrize(
    ("first", "visible", "validity"),
    [
        (0.1, True, State.VALID),
        (float("nan"), True, State.NOT_FINITE),
        (float("inf"), True, State.NOT_FINITE),
        (0.1, False, State.OBJECT_LOST),
        (float("nan"), False, State.NOT_FINITE | State.OBJECT_LOST),
    ],
)
def test_estimates_say_what_is_wrong_with_them(bench, task, first, visible, validity):
    b = bench(("state_estimator", {"task": task}))
    states = b.listen(State, "state")
    b.publisher(SimState, "sim_state").publish(sim_state([first, *np.arange(9)], visible=visible))
    b.spin(lambda: len(states) == 1)
    state = states[0]
    assert state.validity == validity
    assert (state.task, state.episode, state.step) == ("DiscTable", 4, 9)
    assert state.header.stamp == time_of(40_000_000)
    np.testing.assert_array_equal(array_of(state.observation), np.float32([first, *np.arange(9)]))


def test_an_observation_of_another_task_is_named(bench, task):
    b = bench(("state_estimator", {"task": task}))
    b.publisher(SimState, "sim_state").publish(sim_state(np.zeros(39)))
    with pytest.raises(NodeError, match="39 entries came, but DiscTable has 10"):
        b.settle(5.0)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("camera", "how to see DiscTable; there are those of Franka"),
        ("lidar", "'lidar'; expected one of privileged, topic, camera"),
    ],
)
def test_a_source_that_is_not_there_is_named(bench, task, source, message):
    with pytest.raises(NodeError, match=message):
        bench(("state_estimator", {"task": task, "source": source}))


def event(kind: int, episode: int, stamp: int) -> EpisodeEvent:
    message = EpisodeEvent(event=kind, episode=episode)
    message.header.stamp = time_of(stamp)
    return message


def test_what_is_seen_on_a_robot_is_numbered_while_an_episode_runs(bench, task):
    b = bench(("state_estimator", {"task": task, "source": "topic"}))  # 25 Hz
    states, frames = b.listen(State, "state"), b.publisher(State, "estimate")
    events = b.publisher(EpisodeEvent, "episode_event")
    period = 40_000_000

    def see(stamp, visible=True):
        message = State(observation=floats(np.zeros(10)), objects=[ObjectState(visible=visible)])
        message.header.stamp = time_of(stamp)
        frames.publish(message)
        b.settle(0.02)

    see(period)
    events.publish(event(EpisodeEvent.STARTED, 7, 2 * period))
    b.settle()
    for stamp, visible in ((1.9, True), (2.1, True), (2.5, True), (3.1, False), (3.9, False), (4.0, True)):
        see(round(stamp * period), visible)
    events.publish(event(EpisodeEvent.FAILED, 7, 4 * period))
    see(5 * period)
    events.publish(event(EpisodeEvent.TIMED_OUT, 7, 5 * period))
    b.settle()
    see(6 * period)
    told = [(s.episode, s.step, s.validity, s.header.stamp) for s in states]
    assert told == [
        (7, 0, State.VALID, time_of(round(2.1 * period))),
        (7, 0, State.OBJECT_LOST, time_of(round(3.9 * period))),
        (7, 1, State.VALID, time_of(4 * period)),
        (7, 2, State.VALID, time_of(5 * period)),
    ]
    assert {s.task for s in states} == {"DiscTable"}


def state(observation, episode: int, step: int, stamp: int) -> State:
    message = State(task="DiscTable", episode=episode, step=step, observation=floats(observation))
    message.header.stamp = time_of(stamp)
    return message


def test_proposals_are_those_of_the_actor_bit_for_bit(bench, task, models):
    b = bench(("policy", {"task": task, "models": str(models), "seed": 5}))
    proposals, states = b.listen(Action, "proposed_action"), b.publisher(State, "state")
    actor = Actor(FastPolicy.of(load_models(models).task_policy), 5, HORIZON)
    random = np.random.default_rng(1)
    for k in range(5):
        observation = random.standard_normal(10).astype(np.float32)
        states.publish(state(observation, k, 3 * k, 40 * k))
        b.spin(lambda k=k: len(proposals) == k + 1)
        expected, got = actor.propose(observation, k, 3 * k), proposal_of(proposals[k])
        np.testing.assert_array_equal(got.values, expected.values)
        assert (got.log_prob, got.policy_version) == (expected.log_prob, 0)
        assert proposals[k].state_stamp == proposals[k].header.stamp == time_of(40 * k)


@pytest.mark.parametrize("node", ["policy", "safety_shield"])
def test_a_verified_policy_replaces_the_old_one(bench, task, models, tmp_path, node):
    b = bench((node, {"task": task, "models": str(models)}))
    path = tmp_path / "policy.safetensors"
    sha256 = save_policy(untrained_models(8).task_policy, path)
    answer = b.call(LoadModels, f"{node}/load_models", policy_version=2, path=str(path), sha256=sha256)
    assert (answer.ok, answer.message) == (True, "policy version 2")


@pytest.mark.parametrize("node", ["policy", "safety_shield"])
@pytest.mark.parametrize("damage", ["hash", "missing", "cut", "no policy", "other sizes"])
def test_a_bad_policy_is_refused_and_the_old_one_stays(bench, task, models, tmp_path, node, damage):
    b = bench((node, {"task": task, "models": str(models)}))
    before = b.nodes[node].policy
    path = tmp_path / "policy.safetensors"
    bundle = untrained_models(8, observation=11 if damage == "other sizes" else 10)
    sha256 = save_policy(bundle.task_policy, path)
    if damage == "hash":
        sha256 = "0" * 64
    elif damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "no policy":
        path = models / "world_model.safetensors"
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    answer = b.call(LoadModels, f"{node}/load_models", policy_version=2, path=str(path), sha256=sha256)
    expected = {
        "hash": "SHA-256",
        "missing": "cannot be read",
        "cut": "SHA-256",
        "no policy": "not a policy",
        "other sizes": r"sizes \(11, 2\), expected \(10, 2\)",
    }
    assert not answer.ok
    assert re.search(expected[damage], answer.message)
    assert b.nodes[node].policy is before
