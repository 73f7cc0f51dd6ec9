"""What the two policies of the offline phase are made from."""

import pytest

from farl import offline
from farl.offline import OfflineSettings, train_recovery_policy, train_task_policy
from farl.types import EpisodeKind
from farl.uni_o4.transitions import RewardOf
from tests.farl.conftest import make_episode


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    calls: list[tuple] = []
    monkeypatch.setattr(offline, "train_policy", lambda *arguments: calls.append(arguments))
    return calls


def nothing(*_: object) -> None:
    pass


def test_the_task_policy_knows_task_demonstrations_alone(asked: list[tuple]) -> None:
    task = [make_episode(i, kind=EpisodeKind.TASK) for i in range(3)]
    settings = OfflineSettings()
    train_task_policy(task, settings, 4, nothing)
    assert asked == [
        (task, task, RewardOf.TASK, settings.world_model.reward_scale, settings.policy, 4, nothing)
    ]


def test_the_recovery_policy_is_judged_by_the_ends_of_failures_too(asked: list[tuple]) -> None:
    recovery = [make_episode(i, kind=EpisodeKind.RECOVERY) for i in range(2)]
    failures = [make_episode(5, steps=60, failure_at=40), make_episode(6), make_episode(7, failure_at=3)]
    train_recovery_policy(recovery, failures, OfflineSettings(), 1, nothing)
    ((imitate, judge, reward, *_),) = asked
    assert imitate == recovery and judge[:2] == recovery and reward == RewardOf.SAFETY
    assert [len(e) for e in judge[2:]] == [25, 4], "up to the violation, and no further back than 25 steps"
    assert (judge[2].actions == failures[0].actions[16:41]).all()
