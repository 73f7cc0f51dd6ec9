"""The dynamics ensemble learns a known system, and never leaves the range of its data."""

import torch

from farl.uni_o4.dynamics import DynamicsSettings, fit_dynamics
from farl.uni_o4.transitions import RewardOf, Transitions
from tests.farl.uni_o4.line import line_episodes

SETTINGS = DynamicsSettings(members=4, elites=2, hidden=32, updates=400, batch=64)


def nothing(*_: object) -> None:
    pass


def test_it_learns_the_line() -> None:
    data = Transitions.of(line_episodes(40, 0), RewardOf.TASK, 1.0, 0.99)
    dynamics, errors = fit_dynamics(data, SETTINGS, 0, nothing)
    assert len(errors) == 2 and errors == sorted(errors) and errors[1] < 0.02
    new = Transitions.of(line_episodes(4, 9), RewardOf.TASK, 1.0, 0.99)
    following, rewards, outside = dynamics.next(new.states, new.actions)
    assert float((following - new.following)[:, :2].abs().mean()) < 0.02
    assert float((rewards - new.rewards).abs().mean()) < 0.05
    assert (following[:, 2] == 7.0).all()  # what never varies stays as it is
    assert float(outside.mean()) < 0.05


def test_states_stay_in_the_range_of_the_data() -> None:
    data = Transitions.of(line_episodes(10, 0), RewardOf.TASK, 1.0, 0.99)
    dynamics, _ = fit_dynamics(data, SETTINGS, 0, nothing)
    states, push = data.states[:2].clone(), torch.ones(2, 2)
    for _ in range(200):
        states, _, outside = dynamics.next(states, push)
    assert (states <= dynamics.high).all() and (states >= dynamics.low).all()
    assert float(outside.min()) > 0


def test_training_stops_early_on_noise() -> None:
    noise = Transitions.of(line_episodes(6, 0), RewardOf.TASK, 1.0, 0.99)
    noise.following.normal_(generator=torch.Generator().manual_seed(0))
    seen: list[float] = []
    settings = DynamicsSettings(members=2, elites=1, hidden=32, updates=2000, batch=64, check=20)
    fit_dynamics(noise, settings, 0, lambda fraction, _: seen.append(fraction))
    assert seen[-2] < 0.7 and seen[-1] == 1.0
