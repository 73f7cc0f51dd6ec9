"""What a robot's steps were: outcomes from states, what was executed from the arm's commands."""

import math

import numpy as np
import pytest

pytest.importorskip("rclpy")

from farl_interfaces.msg import State

from farl.types import ActionSource
from farl_ros.conversions import action_message, array_of, floats, stamp_ns, time_of
from farl_ros.observed_world import ObservedWorld
from farl_ros.task_spec import load_task

SPEC = load_task("FrankaFragilePushWall")
PERIOD = 200


def state(step, puck=(0.37, 0.0), episode=0, stamp=None, validity=State.VALID):
    seen = (0.31, 0.0, 0.06, *puck, 0.02, 0.0, 0.0, 0.0, 0.65, 0.0, 0.02)
    message = State(
        episode=episode, step=step, observation=floats(np.array(seen, np.float32)), validity=validity
    )
    message.header.stamp = time_of(PERIOD * (step + 1) if stamp is None else stamp)
    return message


def command(stamp, source=ActionSource.TASK, value=0.5):
    return action_message(np.full(3, value, np.float32), source, -1.0, 2, time_of(stamp))


@pytest.fixture
def world():
    world = ObservedWorld(SPEC)
    world.outcome(state(0))
    return world


def test_a_step_has_the_command_that_answers_its_state(world):
    world.take_command(command(PERIOD))
    world.take_command(command(2 * PERIOD, value=-1.0))  # is early: it answers the state that ends the step
    first, second = world.outcome(state(1)), world.outcome(state(2))
    assert list(array_of(first.executed.values)) == [0.5] * 3
    assert (first.executed.source, stamp_ns(first.executed.state_stamp)) == (ActionSource.TASK, PERIOD)
    assert list(array_of(second.executed.values)) == [-1.0] * 3


def test_an_arm_that_was_told_to_stand_still_since_did_not_execute_the_action(world):
    world.take_command(command(PERIOD))
    world.take_command(command(PERIOD, ActionSource.HOLD, 0.0))  # the watchdog
    assert world.outcome(state(1)).executed.source == ActionSource.HOLD


def test_a_step_without_a_command_is_one_of_standing_still(world):
    executed = world.outcome(state(1)).executed
    assert (executed.source, list(array_of(executed.values))) == (ActionSource.HOLD, [0.0] * 3)
    assert math.isnan(executed.log_prob)


def test_blind_states_end_no_step(world):
    for validity in (State.OBJECT_LOST, State.STALE, State.NOT_FINITE):
        assert world.outcome(state(0, stamp=1000, validity=validity)) is None
    assert world.outcome(state(0)) is not None  # the episode begins anew
    assert world.outcome(state(2)) is None  # one was lost
    assert world.outcome(state(1)).step == 1


def test_success_held_ends_the_episode_and_a_played_on_one_goes_on():
    def play(episode):
        world = ObservedWorld(SPEC, play_on_every=8)
        world.outcome(state(0, episode=episode))
        return [world.outcome(state(step, (0.65, 0.01), episode)) for step in range(1, 61)]

    ended = [outcome.terminated for outcome in play(6)]
    assert ended.index(True) == 4  # after five steps
    goes_on = play(7)
    assert not any(outcome.terminated for outcome in goes_on)
    assert [outcome.truncated for outcome in goes_on] == [False] * 59 + [True]
    assert goes_on[0].success and goes_on[0].reward > 9.0 - 4.0


def test_an_episode_that_is_cut_off_ends_with_what_was_seen_last(world):
    in_the_wall = (0.48, -0.05)
    world.outcome(state(1, in_the_wall))
    world.take_command(command(2 * PERIOD))
    world.take_command(command(2 * PERIOD, ActionSource.HOLD, 0.0))
    last = world.cut_off(0, time_of(30 * PERIOD))
    assert (last.episode, last.step, stamp_ns(last.header.stamp)) == (0, 2, 30 * PERIOD)
    assert array_of(last.observation).tolist() == array_of(state(1, in_the_wall).observation).tolist()
    assert (last.terminated, last.truncated, last.cost, last.failed) == (False, True, 1.0, True)
    assert last.executed.source == ActionSource.HOLD
    assert world.cut_off(0, time_of(31 * PERIOD)) is None  # once


def test_an_episode_that_nothing_was_seen_of_is_not_cut_off(world):
    assert world.cut_off(1, time_of(30 * PERIOD)) is None
