"""The simulator: lock-step by stamps, real time by the wall clock, never out of step with its commands."""

import math
import time

import numpy as np
import pytest
from farl_interfaces.msg import Action, ArmState, SimState
from farl_interfaces.srv import ResetScene
from rosgraph_msgs.msg import Clock

from farl.types import ActionSource
from farl_ros.conversions import action_message, array_of, stamp_ns
from farl_ros.environments import make_environment
from farl_ros.task_spec import load_task

from .bench import HORIZON


def command(values, state: SimState) -> Action:
    return action_message(np.array(values, np.float32), ActionSource.TASK, -1.5, 3, state.header.stamp)


@pytest.fixture
def world(bench, task):
    b = bench(("simulator", {"task": task}))
    b.states, b.arm_states, b.clocks = (
        b.listen(SimState, "sim_state"),
        b.listen(ArmState, "sim/arm_state"),
        b.listen(Clock, "/clock"),
    )
    b.commands = b.publisher(Action, "arm_command")
    return b


def test_an_episode_is_that_of_the_environment_number_for_number(world, task):
    assert world.call(ResetScene, "reset_scene", episode=7, seed=2**40 + 1).ok
    world.spin(lambda: len(world.states) == 1)
    environment = make_environment(load_task(task))
    observation, info = environment.reset(seed=2**40 + 1)
    np.testing.assert_array_equal(array_of(world.states[0].observation), observation)
    random = np.random.default_rng(0)
    for step in range(1, HORIZON + 1):
        values = random.uniform(-1, 1, 2).astype(np.float32)
        world.commands.publish(command(values, world.states[-1]))
        world.spin(lambda step=step: len(world.states) == step + 1)
        observation, reward, terminated, truncated, info = environment.step(values)
        state = world.states[-1]
        np.testing.assert_array_equal(array_of(state.observation), observation)
        assert (state.episode, state.step, state.reward) == (7, step, reward)
        assert (state.cost, state.terminated, state.truncated) == (info["cost"], terminated, truncated)
        assert (state.success, state.failed) == (info["success"], info["failed"])
        np.testing.assert_array_equal(array_of(state.executed.values), values)
        assert (state.executed.source, state.executed.policy_version) == (ActionSource.TASK, 3)
        puck = state.objects[0]
        assert puck.object_class == "puck"
        assert puck.visible
        assert puck.pose.position.x == pytest.approx(float(observation[2]))
    assert world.states[-1].truncated
    world.spin(lambda: len(world.arm_states) == len(world.states) == len(world.clocks))
    hand = world.arm_states[-1].end_effector_pose.position
    assert (hand.x, hand.y) == pytest.approx((observation[0], observation[1]))


def test_an_endless_episode_outlasts_the_horizon(bench, task):
    b = bench(("simulator", {"task": task, "endless": True}))
    states, commands = b.listen(SimState, "sim_state"), b.publisher(Action, "arm_command")
    b.call(ResetScene, "reset_scene", episode=0, seed=0)
    for step in range(1, 2 * HORIZON):
        b.spin(lambda step=step: len(states) == step)
        commands.publish(command([0.1, 0.1], states[-1]))
    b.spin(lambda: len(states) == 2 * HORIZON)
    assert not any(state.terminated or state.truncated for state in states)


def test_stamps_increase_by_one_period_over_all_episodes(world):
    for episode in range(2):
        world.call(ResetScene, "reset_scene", episode=episode, seed=episode)
        for _ in range(3):
            count = len(world.states)
            world.commands.publish(command([0.1, 0.1], world.states[-1]))
            world.spin(lambda count=count: len(world.states) == count + 1)
    stamps = [stamp_ns(state.header.stamp) for state in world.states]
    assert set(np.diff(stamps)) == {40_000_000}


def test_commands_for_another_state_and_after_the_end_are_ignored(world):
    world.call(ResetScene, "reset_scene", episode=0, seed=0)
    first = world.states[0]
    world.commands.publish(command([0.5, 0.5], first))
    world.spin(lambda: len(world.states) == 2)
    world.commands.publish(command([0.5, 0.5], first))  # a duplicate
    world.settle()
    assert len(world.states) == 2
    while not world.states[-1].truncated:
        count = len(world.states)
        world.commands.publish(command([0.0, 0.0], world.states[-1]))
        world.spin(lambda count=count: len(world.states) > count)
    world.commands.publish(command([0.0, 0.0], world.states[-1]))
    world.settle()
    assert world.states[-1].truncated


@pytest.mark.parametrize("values", [[math.nan, 0.0], [math.inf, 0.0], [0.5], []])
def test_an_unusable_command_is_a_step_of_standing_still(world, values):
    world.call(ResetScene, "reset_scene", episode=0, seed=0)
    world.commands.publish(command(values, world.states[0]))
    world.spin(lambda: len(world.states) == 2)
    executed = world.states[1].executed
    assert executed.source == ActionSource.HOLD
    assert list(executed.values) == [0.0, 0.0]
    assert executed.state_stamp == world.states[0].header.stamp


def test_what_was_executed_is_what_the_world_did_not_what_it_was_told(world):
    world.call(ResetScene, "reset_scene", episode=0, seed=0)
    world.commands.publish(command([3.0, -0.5], world.states[0]))
    world.spin(lambda: len(world.states) == 2)
    assert list(world.states[1].executed.values) == [1.0, -0.5]


def test_real_time_goes_on_without_commands_and_forgets_old_ones(bench, task):
    b = bench(("simulator", {"task": task, "real_time": True}))
    states, commands = b.listen(SimState, "sim_state"), b.publisher(Action, "arm_command")
    b.call(ResetScene, "reset_scene", episode=0, seed=0)
    b.spin(lambda: len(states) >= 1)
    start = time.monotonic()
    commands.publish(command([0.5, 0.5], states[0]))
    b.spin(lambda: len(states) >= 7)
    took = time.monotonic() - start
    assert 6 * 0.04 * 0.8 < took < 6 * 0.04 * 2.0
    sources = [state.executed.source for state in states[1:]]
    moving = [i for i, source in enumerate(sources) if source == ActionSource.TASK]
    assert 1 <= len(moving) <= 2  # for two periods at most
    assert max(moving) < len(sources) - 2
    assert {sources[i] for i in range(len(sources)) if i not in moving} == {ActionSource.HOLD}
    stamps = [stamp_ns(state.header.stamp) for state in states]
    assert min(np.diff(stamps)) > 0
    assert abs(stamps[-1] * 1e-9 - time.time()) < 5.0
