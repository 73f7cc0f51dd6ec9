"""The split of failure demonstrations: both sides can be learnt from and counted on, and nothing leaks."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farl.datasets import DatasetError, digests
from farl.held_out import split, starting_elsewhere
from farl.types import EpisodeKind
from tests.farl.conftest import make_episode


@given(st.integers(2, 30), st.integers(1, 30), st.floats(0.01, 0.99), st.integers(0, 99))
def test_both_sides_hold_what_they_need(failing: int, clean: int, share: float, seed: int) -> None:
    episodes = [
        make_episode(i, steps=3, failure_at=1 if i < failing else None) for i in range(failing + clean)
    ]
    training, held_out = split(episodes, share, seed)
    assert sorted(e.episode for e in [*training, *held_out]) == list(range(failing + clean))
    assert any(e.failed for e in training)
    assert {e.failed for e in held_out} == {True, False}
    assert [e.episode for e in split(episodes, share, seed)[1]] == [e.episode for e in held_out]


@pytest.mark.parametrize(("failing", "clean"), [(1, 5), (10, 0), (0, 3)])
def test_too_few_of_a_kind_is_said_before_any_training(failing: int, clean: int) -> None:
    episodes = [
        make_episode(i, steps=3, failure_at=1 if i < failing else None) for i in range(failing + clean)
    ]
    with pytest.raises(
        DatasetError, match=f"{failing} failure demonstrations contain a failure and {clean} do not"
    ):
        split(episodes, 0.2, 0)


def test_recoveries_from_states_of_held_out_failures_are_left_out() -> None:
    held_out = [make_episode(0, steps=10, failure_at=7), make_episode(1, steps=10)]

    def recovery(seed: int, source: int, step: int):
        e = make_episode(seed, steps=4, kind=EpisodeKind.RECOVERY)
        observations = e.observations.copy()
        observations[0] = held_out[source].observations[step]
        return replace(e, observations=observations)

    leaking, at_the_start, from_clean = recovery(10, 0, 5), recovery(11, 0, 0), recovery(12, 1, 5)
    other = make_episode(13, steps=4, kind=EpisodeKind.RECOVERY)
    kept = starting_elsewhere([leaking, at_the_start, from_clean, other], held_out)
    assert [e.episode for e in kept] == [11, 12, 13]


def test_digests_tell_episodes_apart_whatever_they_are_called() -> None:
    first, second = make_episode(0), make_episode(1)
    assert digests([first, second]) == digests([replace(first, episode=7), second])
    assert len(set(digests([first, second, replace(first, costs=1.0 - first.costs)]))) == 3
