"""The whole graph in one process: the same numbers as the direct loop, bags, resumes, and clear ends."""

from __future__ import annotations

import csv
import errno
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from farl_interfaces.action import Finetune
from farl_interfaces.msg import Action
from rclpy.action import ActionClient
from std_srvs.srv import Trigger

from farl.files import read_arrays
from farl.finetuning import Limit
from farl.learner import Learner
from farl.presets import Preset
from farl.types import Transition
from farl_ros.bags import read_bag, read_folder
from farl_ros.checkpoints import newest_checkpoint
from farl_ros.composed import INTERRUPTED, Composed
from farl_ros.direct import run_direct
from farl_ros.graph import NodeSpec, ros_arguments
from farl_ros.job import Job
from farl_ros.messages import Event, Topic
from farl_ros.nodes.common import NodeError
from farl_ros.nodes.recorder import Recorder
from farl_ros.nodes.running import USAGE_ERROR, run_node
from farl_ros.nodes.simulator import Simulator
from farl_ros.recording import EpisodeRouter
from farl_ros.run import RunFolder
from farl_ros.task_spec import load_task

from .bench import HORIZON, Bench

TIMES = {"wall_s", "shield_ms_p50", "shield_ms_max"}
EPISODES = 8  # with an update after the third and the sixth


class NoView:
    def show(self, *_: object) -> None:
        pass


def rows(run: Path, name: str) -> list[dict[str, str]]:
    with (run / "metrics" / name).open(encoding="utf-8") as file:
        return [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]


def assert_same_runs(first: Path, second: Path) -> None:
    for name in ("episodes.csv", "updates.csv"):
        assert rows(first, name) == rows(second, name)
    names = [newest_checkpoint(run / "checkpoints").name for run in (first, second)]
    assert names[0] == names[1]
    arrays = [read_arrays(run / "checkpoints" / names[0] / "learner.safetensors") for run in (first, second)]
    assert arrays[0].keys() == arrays[1].keys()
    for key in arrays[0]:
        np.testing.assert_array_equal(arrays[0][key], arrays[1][key], err_msg=key)


def finish(specs: list[NodeSpec]) -> tuple[int, str]:
    with Composed(specs, isolated=True) as graph:
        code = graph.run()
        return code, graph.nodes["finetuner"].message


@pytest.fixture
def added(monkeypatch):
    """All transitions that any run folder was given, by folder."""
    transitions: dict[Path, list[Transition]] = {}
    add_episode = RunFolder.add_episode

    def watched(self, episode, decisions=()):
        transitions.setdefault(self.path, []).extend(episode)
        return add_episode(self, episode, decisions)

    monkeypatch.setattr(RunFolder, "add_episode", watched)
    return transitions


def assert_same_transitions(first: list[Transition], second: list[Transition]) -> None:
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        for field in fields(Transition):
            ours, theirs = getattr(a, field.name), getattr(b, field.name)
            if field.name == "proposed":
                np.testing.assert_array_equal(ours.values, theirs.values)
                assert (ours.log_prob, ours.policy_version) == (theirs.log_prob, theirs.policy_version)
            else:
                np.testing.assert_array_equal(ours, theirs, err_msg=f"{field.name} of step {a.step}")


@pytest.mark.parametrize("preset", Preset)
def test_the_graph_gives_the_numbers_of_the_direct_loop(
    short_rollouts, finetune_specs, task, models, tmp_path, preset, added
):
    run = tmp_path / "graph"
    specs = finetune_specs(run, preset=preset.value, seed=4, episodes=EPISODES)
    assert finish(specs) == (0, "the limit is reached")
    direct = tmp_path / "direct"
    spec = load_task(task)
    job = Job.of(spec, models, preset, 4, Limit(episodes=EPISODES), direct, False)
    run_direct(job, 1, NoView(), ["test"])
    assert_same_transitions(added[run], added[direct])
    assert {t.proposed.policy_version for t in added[run]} == {0, 1, 2}
    assert any(t.intervened for t in added[run]) == (preset == Preset.PAPER)
    assert_same_runs(run, direct)
    assert len(rows(run, "episodes.csv")) == EPISODES
    assert len(rows(run, "updates.csv")) == 2

    bags = read_folder(run / "bags", spec)
    assert (bags.rejected, bags.recovered) == ((), 0)
    episodes = bags.demos.episodes
    assert [episode.episode for episode in episodes] == list(range(EPISODES))
    for episode, row in zip(episodes, rows(run, "episodes.csv"), strict=True):
        assert len(episode) == int(row["length"]) == HORIZON
        assert float(episode.rewards.astype(np.float64).sum()) == pytest.approx(float(row["episode_return"]))
    for path in sorted((run / "bags").iterdir()):
        recorded = read_bag(path).recorded
        counts = {topic: len(recorded[topic].messages) for topic in recorded}
        assert counts[Topic.STATE] == counts[Topic.ARM_STATE] == HORIZON + 1
        assert counts[Topic.TRANSITION] == HORIZON
        assert HORIZON <= counts[Topic.DECISION] <= HORIZON + 1
        assert counts[Topic.EPISODE_EVENT] >= 2


class Frozen:
    """Lets the world stand still in the middle of an episode."""

    def __init__(self, simulator: Simulator, episode: int, step: int) -> None:
        self._simulator, self._step = simulator, simulator._step
        self._at = (episode, step)
        simulator._step = self._step_or_not

    def _step_or_not(self, command: Action) -> None:
        if (self._simulator._state.episode, self._simulator._state.step) != self._at:
            self._step(command)

    def thaw(self) -> None:
        self._simulator._step = self._step


def test_a_run_that_was_stopped_anywhere_goes_on_bit_for_bit(short_rollouts, finetune_specs, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert finish(finetune_specs(whole, episodes=EPISODES))[0] == 0
    for stop_after in (2, 5):
        specs = finetune_specs(parts, episodes=EPISODES, resume=stop_after > 2)
        with Composed(specs, isolated=True) as graph:
            finetuner = graph.nodes["finetuner"]
            Frozen(graph.nodes["simulator"], episode=stop_after, step=7)
            assert graph.spin_until(
                lambda n=stop_after, f=finetuner: (
                    f.loop is not None and (f.loop.learner.episodes, f.loop.steps_so_far) == (n, 7)
                ),
                30.0,
            )
    code, message = finish(finetune_specs(parts, episodes=EPISODES, resume=True))
    assert (code, message) == (0, "the limit is reached")
    assert_same_runs(whole, parts)
    bags = [path.name for path in sorted((parts / "bags").glob("episode_*"))]
    assert bags == [f"episode_{k:06d}" for k in range(EPISODES)]


def test_ctrl_c_saves_a_checkpoint(short_rollouts, finetune_specs, tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with Composed(finetune_specs(tmp_path / "run", steps=10**6), isolated=True) as graph:
        finetuner = graph.nodes["finetuner"]
        Frozen(graph.nodes["simulator"], episode=2, step=7)
        finetuner.on_episode = lambda: (
            os.kill(os.getpid(), signal.SIGINT) if finetuner.loop.learner.episodes == 2 else None
        )
        assert graph.run() == INTERRUPTED
    assert newest_checkpoint(tmp_path / "run" / "checkpoints").name == "episode_000002_version_00000"
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(1.0)


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def worker_threads() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if t.name.startswith(("recorder", "learner"))}


def test_learning_that_fails_ends_the_run_with_the_reason(
    short_rollouts, finetune_specs, tmp_path, monkeypatch
):
    update, others = Learner.update, worker_threads()
    monkeypatch.setattr(Learner, "update", lambda self: full() if self.policy_version else update(self))
    started = time.monotonic()
    code, message = finish(finetune_specs(tmp_path / "run", episodes=EPISODES))
    assert time.monotonic() - started < 20.0
    assert code == 1
    assert message.startswith("the update after 6 episodes failed (OSError: [Errno 28] No space left")
    assert worker_threads() == others
    assert newest_checkpoint(tmp_path / "run" / "checkpoints").name == "episode_000003_version_00001"


def test_every_node_is_closed_even_if_one_raises(finetune_specs, tmp_path):
    others = worker_threads()
    with (
        pytest.raises(OSError, match="No space left"),
        Composed(finetune_specs(tmp_path / "run", episodes=1), isolated=True) as graph,
    ):
        graph.nodes["finetuner"]._neighbours.close()
        graph.nodes["finetuner"].close = full
    assert worker_threads() == others
    assert not graph.context.ok()


def test_a_node_that_cannot_close_still_ends_its_process(finetune_specs, tmp_path):
    (spec,) = (s for s in finetune_specs(tmp_path / "run", episodes=1) if s.name == "recorder")
    destroyed = []

    def make() -> Recorder:
        node = Recorder(ros_arguments(spec))
        node.exit_code, close, destroy = 0, node.close, node.destroy_node
        node.close = lambda: (close(), full())
        node.destroy_node = lambda: destroyed.append(destroy())
        return node

    with pytest.raises(OSError, match="No space left"):
        run_node(make, [])
    assert len(destroyed) == 1


def test_what_cannot_be_recorded_at_the_end_is_told(finetune_specs, tmp_path, monkeypatch):
    with (
        pytest.raises(NodeError, match="recorder failed while closing"),
        Composed(finetune_specs(tmp_path / "run", episodes=1), isolated=True) as graph,
    ):
        assert graph.run() == 0
        monkeypatch.setattr(EpisodeRouter, "finish", full)
    assert graph.nodes["recorder"].exit_code == 1


def test_the_bag_of_an_episode_that_a_stop_cuts_off_says_so(finetune_specs, tmp_path):
    with Composed(finetune_specs(tmp_path / "run", steps=10**6), isolated=True) as graph:
        finetuner = graph.nodes["finetuner"]
        Frozen(graph.nodes["simulator"], episode=1, step=7)
        assert graph.spin_until(lambda: finetuner.loop is not None and finetuner.loop.steps_so_far == 7, 30.0)
    events = read_bag(tmp_path / "run" / "bags" / "episode_000001").messages(Topic.EPISODE_EVENT)
    assert [message.event for _, message in events][-1] == Event.ABORTED


def test_a_simulator_that_dies_ends_the_run_with_a_clear_message(finetune_specs, tmp_path):
    with Composed(finetune_specs(tmp_path / "run", episodes=100), isolated=True) as graph:
        finetuner = graph.nodes["finetuner"]
        Frozen(graph.nodes["simulator"], episode=2, step=7)
        assert graph.spin_until(
            lambda: finetuner.loop is not None and finetuner.loop.learner.episodes == 2, 30.0
        )
        simulator = graph.nodes.pop("simulator")
        graph.executor.remove_node(simulator)
        simulator.destroy_node()
        assert graph.spin_until(lambda: finetuner.exit_code is not None, 10.0)
        assert finetuner.exit_code == 1
        assert "nothing happened for 2 s; not in the graph: simulator" in finetuner.message
    assert newest_checkpoint(tmp_path / "run" / "checkpoints").name.startswith("episode_000002")


@pytest.mark.parametrize("absent", ["simulator", "safety_shield", "franka_controller", "recorder", "episode"])
def test_a_run_does_not_begin_before_every_node_is_there(finetune_specs, tmp_path, absent):
    specs = finetune_specs(tmp_path / "run", episodes=1)
    impatient = replace(specs[-1], parameters={**specs[-1].parameters, "ready_limit": 0.5})
    code, message = finish([s for s in specs[:-1] if s.name != absent] + [impatient])
    assert code == 1
    assert f"not in the graph: {absent}" in message
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_taken_is_wrong_input(finetune_specs, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("years of work")
    code, message = finish(finetune_specs(tmp_path / "run", episodes=1))
    assert code == USAGE_ERROR
    assert "not a run" in message


@pytest.fixture
def by_action(short_rollouts, finetune_specs, tmp_path) -> Callable[[], Bench]:
    """The graph with a finetuner that waits for goals."""
    specs = finetune_specs(tmp_path / "run", episodes=1)
    waiting = replace(specs[-1], parameters={**specs[-1].parameters, "autostart": False})
    with Composed([*specs[:-1], waiting], isolated=True) as graph:
        yield Bench(graph)


def goal(b: Bench, **fields: int):
    client = ActionClient(b.probe, Finetune, "finetuner/finetune")
    b.spin(client.server_is_ready)
    feedback: list[Finetune.Feedback] = []
    accepted = client.send_goal_async(
        Finetune.Goal(**fields), feedback_callback=lambda message: feedback.append(message.feedback)
    )
    b.spin(accepted.done)
    handle = accepted.result()
    return handle, feedback


def result(b: Bench, handle) -> Finetune.Result:
    future = handle.get_result_async()
    b.spin(future.done, 30.0)
    return future.result().result


def test_goals_one_after_the_other_go_on_with_the_run(by_action, tmp_path):
    handle, feedback = goal(by_action, episodes=4)
    rejected, _ = goal(by_action, episodes=4)
    assert not rejected.accepted
    answer = result(by_action, handle)
    assert (answer.ok, answer.run) == (True, str(tmp_path / "run"))
    assert [f.episodes for f in feedback] == [1, 2, 3, 4]
    assert [f.steps for f in feedback] == [HORIZON * k for k in range(1, 5)]
    assert [f.policy_version for f in feedback] == [0, 0, 0, 1]
    handle, feedback = goal(by_action, steps=6 * HORIZON)
    assert result(by_action, handle).ok
    assert [f.episodes for f in feedback] == [5, 6]


def test_a_goal_without_a_limit_is_aborted_with_the_reason(by_action):
    handle, _ = goal(by_action)
    answer = result(by_action, handle)
    assert not answer.ok
    assert "needs a limit" in answer.message


def test_a_cancelled_goal_ends_at_once_and_can_be_taken_up_again(by_action, tmp_path):
    world = Frozen(by_action.nodes["simulator"], episode=2, step=7)
    handle, feedback = goal(by_action, steps=10**6)
    by_action.spin(lambda: len(feedback) == 2 and by_action.nodes["finetuner"].loop.steps_so_far == 7)
    handle.cancel_goal_async()
    answer = result(by_action, handle)
    assert (answer.ok, answer.message) == (False, "cancelled")
    done = by_action.nodes["finetuner"].loop.learner.episodes
    assert newest_checkpoint(tmp_path / "run" / "checkpoints").name.startswith(f"episode_{done:06d}")
    world.thaw()
    handle, feedback = goal(by_action, episodes=done + 1)
    assert result(by_action, handle).ok
    assert [f.episodes for f in feedback] == [done + 1]
    aside = tmp_path / "run" / "bags" / "aborted-1" / f"episode_{done:06d}"
    by_action.spin(aside.is_dir)


def test_somebody_who_starts_an_episode_meanwhile_ends_the_run_with_the_reason(by_action):
    Frozen(by_action.nodes["simulator"], episode=1, step=7)
    handle, feedback = goal(by_action, steps=10**6)
    by_action.spin(lambda: len(feedback) == 1)
    by_action.call(Trigger, "episode/start")
    answer = result(by_action, handle)
    assert not answer.ok
    assert "a new episode was started" in answer.message


def test_real_time_runs_whole_episodes(finetune_specs, tmp_path):
    specs = finetune_specs(tmp_path / "run", episodes=2, real_time=True)
    code, message = finish(specs)
    assert (code, message) == (0, "the limit is reached")
    spec = load_task(specs[0].parameters["task"])
    episodes = read_folder(tmp_path / "run" / "bags", spec).demos.episodes
    assert [len(episode) for episode in episodes] == [HORIZON, HORIZON]
