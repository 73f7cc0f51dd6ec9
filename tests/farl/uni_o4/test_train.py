"""The whole offline phase of a policy on a made-up line."""

import json
import math

import numpy as np
import pytest
import torch

from farl.policy import FastPolicy
from farl.uni_o4.behaviour_ppo import BehaviourPpoSettings
from farl.uni_o4.dynamics import DynamicsSettings
from farl.uni_o4.ensemble import EnsembleSettings
from farl.uni_o4.evaluation import EvaluationSettings
from farl.uni_o4.iql import IqlSettings
from farl.uni_o4.train import OfflinePolicy, UniO4Settings, train_policy
from farl.uni_o4.transitions import RewardOf
from tests.farl.uni_o4.line import line_episodes, step

SETTINGS = UniO4Settings(
    EnsembleSettings(members=3, updates=300, batch=64, hidden=32),
    IqlSettings(warm_updates=200, updates=300, batch=128, learning_rate=1e-3, hidden=64),
    DynamicsSettings(members=3, elites=2, hidden=32, updates=300, batch=64),
    EvaluationSettings(starts=40, steps=8),
    BehaviourPpoSettings(updates=100, batch=128, learning_rate=5e-4),
)


def nothing(*_: object) -> None:
    pass


def true_return(controller) -> float:
    total = 0.0
    for start in np.linspace(-1, 1, 9):
        state = np.array([start, 0.0, 7.0], np.float32)
        for _ in range(20):
            state = step(state, controller(state))
            total += 1.0 - abs(float(state[0]))
    return total / 9


@pytest.fixture(scope="module")
def made() -> OfflinePolicy:
    episodes = line_episodes(20, 0, gain=0.4)
    return train_policy(episodes, episodes, RewardOf.TASK, 1.0, SETTINGS, 0, nothing)


def test_it_is_no_worse_in_truth_than_what_it_imitates(made: OfflinePolicy) -> None:
    """A sluggish controller on a line: the way to better is in the noise of its demonstrations."""
    assert true_return(FastPolicy.of(made.policy).mean) > true_return(lambda state: [-0.4 * state[0], 1.0])


def test_the_report_tells_of_every_member_and_of_the_choice(made: OfflinePolicy) -> None:
    report = json.loads(json.dumps(made.report))
    members = report["members"]
    assert len(members) == 3 and len(report["dynamics_held_out_errors"]) == 2
    assert report["chosen"] == int(np.argmax([m["score_after"] for m in members]))
    assert 2 <= report["rollout_steps"] <= 8
    for member in members:
        assert member["score_after"] >= member["score_before"]
        assert (member["accepted"] > 0) == (member["score_after"] > member["score_before"])
        assert math.isfinite(member["cloning_loss"]) and member["cloning_error"] < 0.5


def test_the_same_seed_gives_the_same_policy() -> None:
    episodes = line_episodes(4, 0)
    settings = UniO4Settings(
        EnsembleSettings(members=2, updates=5, batch=16, hidden=8),
        IqlSettings(warm_updates=5, updates=5, batch=16, hidden=8),
        DynamicsSettings(members=2, elites=1, hidden=8, updates=5, batch=16),
        EvaluationSettings(starts=5, steps=2),
        BehaviourPpoSettings(updates=4, batch=16, gate=2),
    )
    one, same, other = (
        train_policy(episodes, episodes, RewardOf.TASK, 1.0, settings, seed, nothing) for seed in (3, 3, 4)
    )
    assert one.report == same.report
    assert all(torch.equal(v, same.policy.state_dict()[k]) for k, v in one.policy.state_dict().items())
    assert not torch.equal(one.policy.body[0].weight, other.policy.body[0].weight)


def test_progress_goes_from_start_to_end_and_may_stop_it() -> None:
    class Stopped(Exception):
        pass

    seen: list[float] = []

    def stop(fraction: float, _: float) -> None:
        seen.append(fraction)
        if fraction > 0.5:
            raise Stopped

    episodes = line_episodes(3, 0)
    with pytest.raises(Stopped):
        train_policy(episodes, episodes, RewardOf.TASK, 1.0, SETTINGS, 0, stop)
    assert seen == sorted(seen) and 0.5 < seen[-1] <= 0.71
