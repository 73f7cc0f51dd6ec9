"""The node ``replay``: one action for three places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from farl_interfaces.action import ReplayBag
from farl_interfaces.msg import EpisodeEvent, State
from rclpy.action import ActionClient

from failurebench.trajectory import Recorder
from farl.types import ActionSource, EpisodeKind
from farl_ros.arm.backend import ArmError, FaultKind
from farl_ros.bag_episodes import write_trajectory
from farl_ros.bag_tools.start import Start, said
from farl_ros.environments import make_environment
from farl_ros.replay.recorded import load_recorded
from farl_ros.replay_graph import replay_graph
from farl_ros.task_spec import load_task

from .bench import Bench

TASK, STEPS = "FrankaDisturbedPush", 4


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> Path:
    """A few gentle steps."""
    spec, path = load_task(TASK), tmp_path_factory.mktemp("bags") / "bag"
    environment, random = make_environment(spec), np.random.default_rng(0)
    observation, info = environment.reset(seed=5)
    recorder = Recorder(environment, 5, observation, info["objects"])
    for _ in range(STEPS):
        recorder.step(random.uniform(-1, 1, spec.action_size).astype(np.float32))
    recorded = recorder.trajectory()
    write_trajectory(path, spec, EpisodeKind.TASK, 0, recorded, 0, said(Start(5)))
    return path


class Player:
    """A client of the action."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.feedback = bench, []
        self.client = ActionClient(bench.probe, ReplayBag, "replay/replay_bag")
        bench.spin(self.client.server_is_ready)

    def send(self, bag: Path, into: int, speed: float):
        goal = ReplayBag.Goal(bag=str(bag), into=into, speed=speed)
        future = self.client.send_goal_async(goal, lambda message: self.feedback.append(message.feedback))
        self.bench.spin(future.done)
        return future.result()

    def result(self, handle, timeout: float = 30.0):
        future = handle.get_result_async()
        self.bench.spin(future.done, timeout)
        return future.result().result


def test_into_the_simulator_and_into_nothing(bench, bag, tmp_path):
    b = bench(("replay", {"out": str(tmp_path)}))
    states, player = b.listen(State, "state"), Player(b)
    result = player.result(player.send(bag, ReplayBag.Goal.SIMULATOR, 0.0))
    assert (result.ok, result.divergence) == (True, 0.0), result.message
    assert "bit for bit the same" in result.message
    assert (tmp_path / "sim" / "bag" / "replay.html").is_file()
    b.spin(lambda: len(states) == STEPS + 1)
    recorded = load_recorded(bag)
    np.testing.assert_array_equal([s.observation for s in states], recorded.observations)
    assert [f.step for f in player.feedback] == list(range(STEPS + 1))
    result = player.result(player.send(tmp_path, ReplayBag.Goal.SIMULATOR, 0.0))
    assert not result.ok and "expected a folder with one .mcap file" in result.message


def test_a_replay_in_real_time_can_be_cancelled(bench, bag, tmp_path):
    b = bench(("replay", {"out": str(tmp_path)}))
    player = Player(b)
    handle = player.send(bag, ReplayBag.Goal.SIMULATOR, 0.2)
    b.spin(lambda: len(player.feedback) > 0)
    b.spin(handle.cancel_goal_async().done)
    assert player.result(handle).message == "cancelled"


def test_the_arm_does_not_move_unless_somebody_wants_it(bench, bag):
    b = bench(("franka_controller", {"task": TASK, "backend": "fake", "real_time": True}), ("replay", {}))
    player = Player(b)
    result = player.result(player.send(bag, ReplayBag.Goal.ARM, 0.25))
    assert not result.ok and "nobody has confirmed it" in result.message
    assert b.nodes["franka_controller"].backend.commands == []


@pytest.fixture
def rig(bench, bag, tmp_path):
    """Controller with an arm in memory, and a replay that may move it."""
    graph = replay_graph(
        str(bag), "arm", TASK, out=str(tmp_path), move_the_arm=True, backend="fake", autostart=False
    )
    b = bench(*((spec.executable, dict(spec.parameters)) for spec in graph))
    arm = b.nodes["franka_controller"].backend
    spec, recorded = load_task(TASK), load_recorded(bag)
    arm.step = spec.action[0].scale
    b.start = recorded.spec.position(spec.hand, recorded.observations)[0].tolist()
    at = arm.state().end_effector_pose.position
    at.x, at.y, at.z = b.start[0] + 0.006, b.start[1], b.start[2] + 0.004
    b.arm, b.recorded, b.events = arm, recorded, b.listen(EpisodeEvent, "episode_event")
    return b


def moving(arm) -> list:
    return [command for command in arm.commands if command.source == ActionSource.REPLAY]


def test_on_the_arm_it_goes_to_the_start_then_the_recorded_way_and_rests(rig):
    player = Player(rig)
    result = player.result(player.send(Path(rig.recorded.path), ReplayBag.Goal.ARM, 0.5), 60.0)
    assert result.ok, result.message
    assert [e.event for e in rig.events] == [EpisodeEvent.STARTED, EpisodeEvent.TIMED_OUT]
    commands = np.stack([command.values for command in moving(rig.arm)])
    sent = commands[-2 * STEPS :]  # on a busy machine some command may come too late and be left out
    moved, asked = sent.sum(axis=0), rig.recorded.actions.sum(axis=0)
    assert np.abs(commands[: -2 * STEPS]).max() <= 0.25 + 1e-6
    assert np.abs(sent).max() <= 0.5
    np.testing.assert_allclose(moved, asked, atol=0.6)
    rig.settle(0.3)
    assert rig.arm.commands[-1].source == ActionSource.HOLD
    assert 0.0 < result.divergence < 0.05


def test_on_the_arm_the_first_fault_is_the_end(rig):
    player = Player(rig)
    handle = player.send(Path(rig.recorded.path), ReplayBag.Goal.ARM, 0.25)
    rig.spin(lambda: len(player.feedback) >= 2, 60.0)
    rig.arm.pending.append(ArmError(FaultKind.REFLEX, "a contact"))
    result = player.result(handle)
    assert not result.ok
    assert "stopped at the first fault" in result.message and "a contact" in result.message
    assert rig.events[-1].event == EpisodeEvent.ABORTED
    assert "recover" not in "".join(rig.arm.calls)  # nothing cleared it
    before = len(moving(rig.arm))
    rig.settle(0.5)
    assert len(moving(rig.arm)) == before


@pytest.mark.slow
def test_on_the_simulated_arm_the_whole_graph_plays_by_itself(bench, bag, tmp_path):
    graph = replay_graph(str(bag), "arm", TASK, out=str(tmp_path), move_the_arm=True, backend="sim")
    b = bench(*((spec.executable, dict(spec.parameters)) for spec in graph))
    replay = b.nodes["replay"]
    b.spin(lambda: replay.exit_code is not None, 120.0)
    assert replay.exit_code == 0
