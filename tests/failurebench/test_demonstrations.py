"""Generators of demonstrations."""

from itertools import islice

import numpy as np

from failurebench.demonstrations import (
    STEPS_KEPT_AFTER_FAILURE,
    RecoveryStatistics,
    failure_demonstrations,
    recovery_demonstrations,
    task_demonstrations,
)
from failurebench.demonstrators import HesitantPusher
from failurebench.disc_scripts import DiscPusher
from failurebench.env import Snapshot
from failurebench.kit import kit
from failurebench.trajectory import Trajectory

# Policies that fail now and then under noise, to stand for cloned ones.
CARELESS_DISC = DiscPusher(aim=(0.2, 0.445), eagerness=1.0)
CARELESS_PUSH = HesitantPusher(grip=0.9, detour=(0.19, 0.7), dwell_steps=10_000)


def same(a, b):
    if isinstance(a, Trajectory | Snapshot):
        return all(same(x, y) for x, y in zip(vars(a).values(), vars(b).values(), strict=True))
    return np.array_equal(a, b)


def check_shapes(trajectory, env):
    steps = len(trajectory.actions)
    assert trajectory.observations.shape == (steps + 1, env.observation_size)
    assert trajectory.actions.shape == (steps, env.action_size)
    assert trajectory.rewards.shape == trajectory.costs.shape == (steps,)
    assert trajectory.object_positions.shape == (steps + 1, 3)
    arrays = (
        trajectory.observations,
        trajectory.actions,
        trajectory.rewards,
        trajectory.costs,
        trajectory.object_positions,
    )
    assert all(array.dtype == np.float32 for array in arrays)
    assert np.abs(trajectory.actions).max() <= 1.0
    assert trajectory.failed == bool(trajectory.costs.any())
    assert trajectory.terminated != trajectory.truncated


def test_task_demonstrations_are_seeded_and_medium(make, task):
    demos = list(task_demonstrations(kit(task), 10, 0, {}))
    again = list(task_demonstrations(kit(task), 2, 0, {}))
    other = next(task_demonstrations(kit(task), 1, 1, {}))
    assert all(same(a, b) for a, b in zip(demos, again, strict=False))
    assert not same(demos[0], other)
    for demo in demos:
        check_shapes(demo, make(task))
    assert 0.1 <= np.mean([demo.success for demo in demos]) <= 1.0
    assert np.mean([demo.failed for demo in demos]) <= 0.8


def test_replaying_a_demonstration_gives_the_same_observations(make, task):
    demo = next(task_demonstrations(kit(task), 1, 3, {}))
    env = make(task)
    observations = [env.reset(seed=demo.seed)[0]]
    observations += [env.step(action)[0] for action in demo.actions]
    np.testing.assert_array_equal(np.array(observations), demo.observations)


def test_failure_demonstrations_are_half_failing_and_cut(make):
    demos = list(failure_demonstrations(kit("DiscTable"), CARELESS_DISC, 60, 0, {}))
    failing = [demo for demo in demos if demo.failed]
    assert len(failing) >= 5
    assert 0.4 <= len(failing) / len(demos) <= 0.6
    for demo in demos:
        check_shapes(demo, make("DiscTable"))
    for demo in failing:
        first = int(demo.costs.argmax())
        assert len(demo.costs) <= first + 1 + STEPS_KEPT_AFTER_FAILURE
    again = list(failure_demonstrations(kit("DiscTable"), CARELESS_DISC, 60, 0, {}))
    assert all(same(a, b) for a, b in zip(demos, again, strict=True))


def test_failure_demonstrations_come_as_they_are_asked_for():
    many = failure_demonstrations(kit("DiscTable"), CARELESS_DISC, 10**9, 0, {})
    assert len(list(islice(many, 4))) == 4


def test_disc_table_recoveries_stay_safe_and_are_mostly_possible(make):
    statistics = RecoveryStatistics()
    chosen, policy = kit("DiscTable"), CARELESS_DISC
    demos = list(recovery_demonstrations(chosen, policy, 40, 0, {}, statistics))
    assert len(demos) == 40 == sum(statistics.kept.values())
    for demo in demos:
        check_shapes(demo, make("DiscTable"))
        assert not demo.failed
        assert len(demo.actions) == chosen.recovery_steps
    assert statistics.safe_share >= 0.8
    fewest, most = chosen.recovery_lookback
    assert all(fewest <= steps <= most for steps in statistics.tried)
    again = list(recovery_demonstrations(chosen, policy, 5, 0, {}))
    assert all(same(a, b) for a, b in zip(demos, again, strict=False))


def test_bounded_push_failures_and_recoveries(make):
    chosen = kit("BoundedPush")
    demos = list(failure_demonstrations(chosen, CARELESS_PUSH, 12, 0, {}))
    assert any(demo.failed for demo in demos)
    statistics = RecoveryStatistics()
    recoveries = list(recovery_demonstrations(chosen, CARELESS_PUSH, 12, 0, {}, statistics))
    assert len(recoveries) == 12
    assert not any(demo.failed for demo in recoveries)
    assert statistics.safe_share >= 0.5
    for demo in [*demos, *recoveries]:
        check_shapes(demo, make("BoundedPush"))


def test_a_policy_that_never_fails_yields_no_recoveries():
    safe = lambda observation: np.zeros(2, dtype=np.float32)  # noqa: E731 - a policy in one line
    assert list(recovery_demonstrations(kit("DiscTable"), safe, 5, 0, {}, rollouts=10)) == []


def test_statistics():
    statistics = RecoveryStatistics()
    assert statistics.safe_share == 0.0
    for steps, safe in [(3, False), (3, True), (8, True), (5, True)]:
        statistics.add(steps, safe)
    assert statistics.safe_share == 0.75
    assert statistics.safe_share_by_steps() == {3: 0.5, 5: 1.0, 8: 1.0}
    assert list(statistics.safe_share_by_steps()) == [3, 5, 8]


def test_bounded_push_demonstrators_dwell_near_the_edge_but_hardly_fail():
    demos = list(task_demonstrations(kit("BoundedPush"), 20, 0, {}))
    steps_near = [np.sum(np.abs(demo.object_positions[:, 0]) > 0.09) for demo in demos]
    assert np.median(steps_near) >= 30
    assert np.mean([demo.failed for demo in demos]) <= 0.1
