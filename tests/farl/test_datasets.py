"""Bad demonstrations are refused before anything is trained on them."""

from dataclasses import replace

import numpy as np
import pytest

from farl.datasets import DatasetError, DemoSet, Episode
from farl.types import EpisodeKind
from tests.farl.conftest import make_episode


def with_(episode: Episode, **changes: object) -> Episode:
    return replace(episode, **changes)


def test_good_episodes_pass() -> None:
    demos = DemoSet((make_episode(0), make_episode(1, kind=EpisodeKind.TASK), make_episode(2, failure_at=9)))
    assert demos.transitions == 90 and (demos.observation_size, demos.action_size) == (6, 2)
    assert [e.episode for e in demos.of(EpisodeKind.FAILURE)] == [0, 2]
    assert [e.failed for e in demos.episodes] == [False, False, True]


@pytest.mark.parametrize("field", ["observations", "actions", "rewards", "costs"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(field: str, value: float) -> None:
    episode = make_episode(0)
    broken = getattr(episode, field).copy()
    broken.reshape(-1)[5] = value
    with pytest.raises(DatasetError, match=f"{field} are not finite"):
        with_(episode, **{field: broken})


def test_shapes_that_do_not_fit_are_refused() -> None:
    episode = make_episode(0)
    with pytest.raises(DatasetError, match="no transition"):
        with_(episode, actions=np.empty((0, 2), np.float32))
    with pytest.raises(DatasetError, match="observations do not fit 30 actions"):
        with_(episode, observations=episode.observations[:-1])
    with pytest.raises(DatasetError, match="rewards have shape"):
        with_(episode, rewards=episode.rewards[:-1])
    with pytest.raises(DatasetError, match=r"actions reach 1\.5"):
        with_(episode, actions=np.full((30, 2), 1.5, np.float32))


def test_the_bad_episode_is_named_by_its_source() -> None:
    with pytest.raises(DatasetError, match="demos/task/episode_3"):
        with_(make_episode(0), actions=np.full((30, 2), 2.0), metadata={"source": "demos/task/episode_3"})


def test_sets_that_cannot_be_trained_on_are_refused() -> None:
    with pytest.raises(DatasetError, match="no episode"):
        DemoSet(())
    other = with_(make_episode(1), observations=np.zeros((31, 9), np.float32))
    with pytest.raises(DatasetError, match="different"):
        DemoSet((make_episode(0), other))
    demos = DemoSet((make_episode(0), make_episode(1, kind=EpisodeKind.TASK)))
    with pytest.raises(DatasetError, match="no recovery demonstrations; found"):
        demos.require(EpisodeKind(k) for k in (0, 1, 2))
    with pytest.raises(DatasetError, match="contains a failure"):
        demos.require((EpisodeKind.FAILURE,))
    DemoSet((make_episode(0, failure_at=3),)).require((EpisodeKind.FAILURE,))
