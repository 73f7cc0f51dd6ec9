"""Outcomes from observations alone: those of the simulated twin, number for number."""

import numpy as np
import pytest

from failurebench.kit import kit
from farl_ros.referee import Referee, RefereeError
from farl_ros.task_spec import load_task

FRANKA = ("FrankaFragilePushWall", "FrankaDisturbedPush", "FrankaBoundedSoccer")
UNSEEN = 0.06
"""Most of the failing steps whose failure began and ended between two observations; 1.1 % of 1605 in all."""


def episodes(task, noise, seeds, **arguments):
    """Steps (observation, what the twin says of it) of whole episodes; the first has no outcome.

    Without noise by the expert, with it by the reckless kind that demonstrates.
    """
    spec = load_task(task)
    env = kit(task).make(**spec.environment_kwargs(**arguments))
    for seed in seeds:
        random = np.random.default_rng(seed)
        expert = kit(task).demonstrator(random) if noise else kit(task).expert()
        observation, _ = env.reset(seed=seed)
        steps = [(observation, None)]
        while not (steps[-1][1] and any(steps[-1][1][2:4])):
            action = expert(observation) + noise * random.standard_normal(spec.action_size)
            outcome = env.step(np.clip(action, -1, 1).astype(np.float32))
            observation = outcome[0]
            steps.append((observation, outcome))
        yield steps


@pytest.mark.parametrize("task", FRANKA)
@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_the_referee_says_what_the_twin_says(task, noise):
    referee = Referee(load_task(task))
    ends, failing, unseen, successes = [], 0, 0, 0
    for (first, _), *steps in episodes(task, noise, range(8)):
        referee.start(first)
        hidden = False
        for observation, (_, reward, terminated, truncated, info) in steps:
            ruling = referee.step(observation)
            failing += int(info["cost"])
            successes += info["success"]
            assert (ruling.success, ruling.terminated, ruling.truncated) == (
                info["success"],
                terminated,
                truncated,
            )
            assert ruling.cost <= info["cost"]  # never a failure that was none
            assert ruling.margin >= info["margin"] - 1e-6
            missed = ruling.cost < info["cost"]
            unseen += missed
            hidden |= missed
            penalty = info["reward_terms"]["penalty"] if missed else 0.0
            assert ruling.reward == pytest.approx(reward - penalty, abs=2e-6)  # float32 of up to 10: 1e-6
            if not hidden:
                assert ruling.failed == info["failed"]
        ends.append(ruling.terminated)
    if noise == 0.0:
        assert all(ends) and successes >= 8 * 5 and failing == 0
    else:
        assert failing > 10
        assert unseen <= UNSEEN * failing


def test_a_played_on_episode_does_not_end_with_success():
    task = FRANKA[0]
    referee = Referee(load_task(task))
    for (first, _), *steps in episodes(task, 0.0, range(1), evaluation=True):
        referee.start(first, plays_on=True)
        rulings = [referee.step(observation) for observation, _ in steps]
    assert not any(ruling.terminated for ruling in rulings)
    assert [ruling.truncated for ruling in rulings] == [False] * 59 + [True]
    assert sum(ruling.success for ruling in rulings) > 5


def seen(puck, hand=(0.3, 0.2, 0.06), goal=(0.65, 0.0)):
    return np.array((*hand, *puck, 0.02, 0.0, 0.0, 0.0, *goal, 0.02), np.float32)


def test_a_failure_counts_at_both_ends_of_a_step_and_is_remembered():
    # The wall reaches from x 0.488 to 0.512 and y -0.2 to 0 (task file), the puck's radius is 0.035.
    referee = Referee(load_task(FRANKA[0]))
    referee.start(seen((0.40, -0.1)))
    margins = [0.05, -0.01, -0.01, 0.05, 0.05]
    places = [0.488 - 0.035 - margin for margin in margins]
    rulings = [referee.step(seen((x, -0.1))) for x in places]
    assert [ruling.cost for ruling in rulings] == [0.0, 1.0, 1.0, 1.0, 0.0]
    assert [ruling.failed for ruling in rulings] == [False, True, True, True, True]
    assert rulings[1].margin == pytest.approx(-0.01, abs=1e-6)
    # Hand 0.2236... from the puck, nothing else to be had but the penalty: worked out by hand.
    last = referee.step(seen((0.65, 0.0), hand=(0.65, 0.1, 0.02)))
    assert last.success and last.reward == pytest.approx(np.exp(-1.0) + 4.0 + 5.0)


def test_the_hand_counts_where_a_flower_stands_and_not_at_a_wall():
    flower = load_task(FRANKA[1])
    referee = Referee(flower)
    place = np.array((0.5, 0.0, 0.02, 0.37, 0.2, 0.02, *[0.0] * 3, 0.5, 0.0, 0.0, *[0.0] * 3, 0.67, 0, 0))
    referee.start(place.astype(np.float32))
    assert referee.step(place.astype(np.float32)).cost == 1.0
    wall = Referee(load_task(FRANKA[0]))
    wall.start(seen((0.37, 0.0), hand=(0.5, -0.1, 0.02)))
    assert wall.step(seen((0.37, 0.0), hand=(0.5, -0.1, 0.02))).cost == 0.0


def test_a_task_whose_outcomes_only_a_simulator_knows_has_no_referee():
    with pytest.raises(RefereeError, match=r"BoundedPush: reward.source is 'simulator'"):
        Referee(load_task("BoundedPush"))
