"""Advantages against sums written out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farl.gae import advantages

REWARDS = np.array([1.0, 2.0, 3.0], np.float32)
VALUES = np.array([10.0, 20.0, 30.0], np.float32)


def test_three_steps_by_hand() -> None:
    # δ2 = 3 + .5·40 − 30 = −7; δ1 = 2 + .5·30 − 20 = −3; δ0 = 1 + .5·20 − 10 = 1
    # A2 = −7; A1 = −3 + .25·(−7) = −4.75; A0 = 1 + .25·(−4.75) = −0.1875
    result = advantages(REWARDS, VALUES, bootstrap=40.0, gamma=0.5, lam=0.5)
    assert result.tolist() == pytest.approx([-0.1875, -4.75, -7.0])


def test_without_bootstrap_the_last_step_earns_its_reward_alone() -> None:
    assert advantages(REWARDS, VALUES, 0.0, 0.99, 0.95)[-1] == pytest.approx(3.0 - 30.0)


@given(st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=30), st.floats(-10, 10, width=32))
def test_lambda_one_is_the_discounted_return_minus_the_value(rewards: list[float], bootstrap: float) -> None:
    array = np.array(rewards, np.float32)
    values = np.linspace(-1, 1, len(rewards), dtype=np.float32)
    result = advantages(array, values, bootstrap, 0.9, 1.0)
    expected = sum(0.9**i * r for i, r in enumerate(array)) + 0.9 ** len(array) * bootstrap - values[0]
    assert result[0] == pytest.approx(expected, abs=1e-3)


@given(st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=30))
def test_a_perfect_value_leaves_no_advantage(rewards: list[float]) -> None:
    array = np.array(rewards, np.float32)
    values = np.zeros(len(array) + 1)
    for t in range(len(array) - 1, -1, -1):
        values[t] = array[t] + 0.9 * values[t + 1]
    assert np.abs(advantages(array, values[:-1].astype(np.float32), 0.0, 0.9, 0.7)).max() < 1e-4
