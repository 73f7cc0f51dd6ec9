"""The loop between learner and graph, with a graph that does what it is told."""

from __future__ import annotations

import errno
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from farl.finetuning import Limit
from farl.learner import Learner
from farl.models import ModelBundle
from farl.policy import GaussianPolicy, ValueFunction
from farl.presets import PPOSettings
from farl.world_model import WorldModel, WorldModelSize
from farl_ros.checkpoints import newest_checkpoint
from farl_ros.finetune_loop import DECISION_GRACE_S, Answer, FinetuneLoop, Phase
from farl_ros.run import RunFolder

from .conftest import Recorded, watched

LENGTH = 6


class FakeGraph:
    """Remembers what it was asked for; answers when the test says so."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.loaded: list[tuple[int, Path, str]] = []
        self.answer: Answer = lambda problem: None
        self.work: list[tuple[Callable[[], None], Callable[[], None], Future[None]]] = []

    def start_episode(self, episode: int, answer: Answer) -> None:
        self.started.append(episode)
        self.answer = answer

    def load_policy(self, version: int, path: Path, sha256: str, answer: Answer) -> None:
        self.loaded.append((version, path, sha256))
        self.answer = answer

    def in_background(self, work: Callable[[], None], done: Callable[[], None]) -> Future[None]:
        future: Future[None] = Future()
        self.work.append((work, done, future))
        return future

    def do_work(self) -> None:
        work, done, future = self.work.pop()
        work()
        future.set_result(None)
        done()


class Rig:
    def __init__(self, spec, folder: Path, learns: bool = True) -> None:
        torch.manual_seed(0)
        policies = [GaussianPolicy(10, 2, hidden=8) for _ in range(2)]
        world_model = WorldModel(10, 2, WorldModelSize(latent=8, hidden=8, bins=5)).eval()
        bundle = ModelBundle(policies[0], ValueFunction(10, 8), policies[1], world_model, 3, 1.0, 0.3, 0.05)
        settings = PPOSettings(rollout_steps=2 * LENGTH, epochs=1, value_only_updates=0)
        self.learner = Learner(bundle, settings, seed=0)
        self.run = RunFolder.create(folder, spec, {}, ["test"])
        self.graph, self.now = FakeGraph(), 0.0
        self.episodes_told, self.ends = 0, []
        self.loop = FinetuneLoop(
            self.learner,
            self.run,
            self.graph,
            lambda: self.now,
            self.on_episode,
            lambda ok, message: self.ends.append((ok, message)),
            learns,
        )

    def on_episode(self) -> None:
        self.episodes_told += 1

    def begin(self, **limit: int) -> None:
        self.loop.begin(Limit(**limit))
        self.graph.answer("")  # the policy is loaded
        self.graph.answer("")  # the episode has started

    def messages(self, episode: int):
        transitions, decisions = watched(Recorded(LENGTH, seed=episode), episode)
        return [(100 * episode + t.step, t, d) for t, d in zip(transitions, decisions, strict=True)]

    def play(self, episode: int, decisions: bool = True, steps: int = LENGTH) -> None:
        for stamp, transition, decision in self.messages(episode)[:steps]:
            if decisions:
                self.loop.take_decision(stamp, decision)
            self.loop.take_transition(stamp, transition)

    @property
    def checkpoint(self) -> str:
        return newest_checkpoint(self.run.checkpoints).name


@pytest.fixture
def rig(spec, tmp_path) -> Rig:
    return Rig(spec, tmp_path / "run")


def test_in_shadow_episodes_follow_each_other_and_no_update_comes(spec, tmp_path):
    rig = Rig(spec, tmp_path / "run", learns=False)
    rig.begin(episodes=5)
    for episode in range(5):
        rig.play(episode)
        if episode < 4:
            rig.graph.answer("")
    assert rig.graph.started == [0, 1, 2, 3, 4]
    assert rig.ends == [(True, "the limit is reached")]
    assert (rig.learner.episodes, rig.learner.steps, rig.learner.policy_version) == (5, 5 * LENGTH, 0)
    assert [version for version, _, _ in rig.graph.loaded] == [0]
    assert rig.run.metrics.updates == 0
    assert rig.checkpoint == "episode_000005_version_00000"


def test_episodes_then_an_update_then_the_new_policy_then_episodes(rig):
    rig.begin(episodes=3)
    assert [version for version, _, _ in rig.graph.loaded] == [0]
    rig.play(0)
    rig.play(1)
    assert rig.graph.started == [0, 1]
    assert (rig.loop.phase, rig.learner.policy_version) == (Phase.UPDATING, 0)
    rig.graph.do_work()
    assert rig.loop.phase == Phase.LOADING
    version, path, sha256 = rig.graph.loaded[-1]
    assert (version, len(sha256), path.is_file()) == (1, 64, True)
    assert rig.checkpoint == "episode_000002_version_00001"
    rig.graph.answer("")
    assert rig.graph.started == [0, 1, 2]
    rig.play(2)
    assert rig.ends == [(True, "the limit is reached")]
    assert rig.checkpoint == "episode_000003_version_00001"
    assert (rig.episodes_told, rig.loop.busy) == (3, False)


def test_an_update_is_made_even_when_the_limit_is_reached_with_it(rig):
    rig.begin(episodes=2)
    rig.play(0)
    rig.play(1)
    rig.graph.do_work()
    rig.graph.answer("")
    assert rig.ends == [(True, "the limit is reached")]
    assert rig.checkpoint == "episode_000002_version_00001"


def test_an_episode_waits_for_its_last_decisions(rig):
    rig.begin(episodes=9)
    rig.play(0, decisions=False)
    assert rig.learner.episodes == 0
    *others, last = rig.messages(0)
    for stamp, _, decision in others:
        rig.loop.take_decision(stamp, decision)
    assert rig.learner.episodes == 0
    rig.loop.take_decision(last[0], last[2])
    assert rig.learner.episodes == 1


def test_decisions_that_never_come_are_given_up_after_a_while(rig):
    rig.begin(episodes=9)
    rig.play(0, decisions=False)
    rig.now += DECISION_GRACE_S
    rig.loop.tick()
    assert rig.learner.episodes == 0
    rig.now += 0.01
    rig.loop.tick()
    assert rig.learner.episodes == 1


def test_steps_of_other_episodes_are_not_for_us(rig):
    rig.begin(episodes=9)
    rig.play(5)
    assert (rig.learner.episodes, rig.loop.steps_so_far) == (0, 0)
    rig.loop.take_abort(5, "whatever")
    assert rig.ends == []


def test_a_first_step_begins_anew(rig):
    rig.begin(episodes=9)
    rig.play(0, steps=3)
    rig.play(0)
    assert (rig.learner.episodes, rig.learner.steps) == (1, LENGTH)


def test_a_lost_step_ends_the_run(rig):
    rig.begin(episodes=9)
    rig.play(0, steps=2)
    stamp, transition, _ = rig.messages(0)[3]
    rig.loop.take_transition(stamp, transition)
    assert rig.ends == [(False, "episode 0, after step 1: step 3 came after 2 steps: a transition was lost")]
    assert rig.checkpoint == "episode_000000_version_00000"


def test_refusals_end_the_run_with_their_reason(rig):
    rig.loop.begin(Limit(episodes=1))
    rig.graph.answer("the hash is wrong")
    assert rig.ends.pop() == (False, "policy version 0 was refused: the hash is wrong")
    rig.loop.begin(Limit(episodes=1))
    rig.graph.answer("")
    rig.graph.answer("no simulator")
    assert rig.ends.pop() == (False, "episode 0 did not start: no simulator")


def test_an_abort_ends_the_run(rig):
    rig.begin(episodes=1)
    rig.loop.take_abort(0, "the scene was not reset")
    assert rig.ends == [(False, "it was aborted: the scene was not reset")]


def test_the_end_of_an_earlier_attempt_at_the_same_episode_is_not_ours(rig):
    rig.loop.begin(Limit(episodes=1))
    rig.graph.answer("")  # the policy is loaded; the episode is not started yet
    rig.loop.take_abort(0, "a new episode was started")
    assert rig.ends == []
    rig.graph.answer("")
    rig.play(0)
    assert rig.ends == [(True, "the limit is reached")]


def test_silence_counts_only_while_the_graph_is_waited_for(rig):
    rig.now = 5.0
    assert rig.loop.silence() == 0.0
    rig.begin(episodes=9)
    rig.now = 8.0
    assert rig.loop.silence() == 3.0
    rig.play(0)
    assert rig.loop.silence() == 0.0
    rig.play(1)
    rig.now = 99.0
    assert (rig.loop.phase, rig.loop.silence()) == (Phase.UPDATING, 0.0)


def test_stopping_in_the_middle_drops_the_running_episode(rig):
    rig.begin(episodes=9)
    rig.play(0)
    rig.play(1, steps=3)
    rig.loop.stop("enough")
    assert rig.ends == [(False, "enough")]
    assert rig.checkpoint == "episode_000001_version_00000"
    rig.loop.stop("enough")
    assert len(rig.ends) == 1


def test_stopping_during_an_update_finishes_it(rig):
    rig.begin(episodes=9)
    rig.play(0)
    rig.play(1)
    work, done, future = rig.graph.work[0]
    future.add_done_callback(lambda _: done())
    result, future.result = future.result, lambda: (work(), future.set_result(None), result())[-1]
    rig.loop.stop("enough")
    assert rig.ends == [(False, "enough")]
    assert rig.checkpoint == "episode_000002_version_00001"
    assert rig.loop.phase == Phase.IDLE


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


FAILED = (
    "the update after 4 episodes failed (OSError: [Errno 28] No space left on device); "
    "the run can be resumed from its newest checkpoint"
)


def played_to_the_second_update(rig, monkeypatch, target: str) -> None:
    rig.begin(episodes=9)
    for episode in range(4):
        rig.play(episode)
        if episode == 1:
            rig.graph.do_work()
            rig.graph.answer("")
            rig.graph.answer("")
    monkeypatch.setattr(target, full)


@pytest.mark.parametrize("target", ["farl.learner.Learner.update", "farl_ros.finetune_loop.save_checkpoint"])
def test_an_update_that_fails_ends_the_run_and_saves_nothing(rig, monkeypatch, target):
    with monkeypatch.context() as patch:
        played_to_the_second_update(rig, patch, target)
        rig.graph.do_work()
    assert rig.ends == [(False, FAILED)]
    assert rig.checkpoint == "episode_000002_version_00001"
    rig.loop.stop("enough")
    rig.loop.begin(Limit(episodes=9))
    assert rig.ends[1:] == [(False, FAILED)]
    assert (rig.loop.busy, rig.checkpoint) == (False, "episode_000002_version_00001")


def test_stopping_during_an_update_that_fails_saves_nothing(rig, monkeypatch):
    played_to_the_second_update(rig, monkeypatch, "farl.learner.Learner.update")
    work, _, future = rig.graph.work[0]
    result, future.result = future.result, lambda: (work(), future.set_result(None), result())[-1]
    rig.loop.stop("enough")
    assert rig.ends == [(False, f"enough; {FAILED}")]
    assert rig.checkpoint == "episode_000002_version_00001"


def test_a_last_checkpoint_that_cannot_be_saved_is_told(rig, monkeypatch):
    rig.begin(episodes=9)
    monkeypatch.setattr("farl_ros.finetune_loop.save_checkpoint", full)
    rig.loop.stop("enough")
    ((ok, message),) = rig.ends
    assert not ok
    assert message.startswith("enough; the checkpoint could not be saved: ")


def test_steps_of_an_earlier_attempt_that_plays_on_are_not_for_us(rig):
    rig.begin(episodes=1)
    rig.play(0, steps=2)
    rig.loop.stop("cancelled")
    rig.loop.begin(Limit(episodes=1))
    rig.graph.answer("")  # the policy is loaded; the episode is not started yet
    for stamp, transition, _ in rig.messages(0)[2:]:
        rig.loop.take_transition(stamp, transition)
    assert (rig.loop.phase, rig.loop.steps_so_far) == (Phase.STARTING, 0)
    rig.graph.answer("")
    rig.play(0)
    assert rig.ends[1:] == [(True, "the limit is reached")]


def test_only_the_last_policies_are_kept(rig, monkeypatch):
    monkeypatch.setattr(rig.learner, "settings", replace(rig.learner.settings, rollout_steps=LENGTH))
    rig.begin(episodes=5)
    for episode in range(5):
        rig.play(episode)
        rig.graph.do_work()
        rig.graph.answer("")
    assert [p.name for p in sorted((rig.run.path / "policies").iterdir())] == [
        f"version_{n:05d}.safetensors" for n in (3, 4, 5)
    ]
