"""Shadow mode: everything is decided and recorded, the arm is held still, nothing is learnt."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from farl_interfaces.msg import Action, ShieldDecision

from farl.files import read_arrays
from farl.models import save_models
from farl.types import ActionSource, Decision, Proposal, Reason
from farl_ros.bags import read_bag
from farl_ros.checkpoints import newest_checkpoint
from farl_ros.composed import Composed
from farl_ros.conversions import array_of, decision_message, floats, time_of
from farl_ros.graph import finetune_graph
from farl_ros.messages import Topic
from farl_ros.paths import share_folder
from farl_ros.run import RunFolder

from .bench import untrained_models

LENGTH, EPISODES, THRESHOLD = 8, 7, 0.05


@pytest.fixture
def twin(tmp_path):
    """The graph of the Franka twin in shadow, with short episodes."""
    file = share_folder() / "config" / "tasks" / "franka_fragile_push_wall.yaml"
    text = file.read_text(encoding="utf-8").replace("horizon: 60", f"horizon: {LENGTH}")
    task, models = tmp_path / "task.yaml", tmp_path / "models"
    task.write_text(text.replace("control_rate_hz: 5.0", "control_rate_hz: 20.0"), encoding="utf-8")
    bundle = untrained_models(3, 12, THRESHOLD, action=3, task_name="FrankaFragilePushWall")
    save_models(bundle, models)

    def make(**arguments):
        asked = {"models": str(models), "run": str(tmp_path / "run"), "shadow": True, **arguments}
        *specs, finetuner = finetune_graph(str(task), **asked)
        return [*specs, replace(finetuner, parameters={**finetuner.parameters, "report": False})]

    return make


def transitions(run: Path, episode: int) -> list:
    messages = read_bag(run / "bags" / f"episode_{episode:06d}").messages(Topic.TRANSITION)
    return [message for _, message in messages]


@pytest.mark.parametrize("real_time", [False, True])
def test_in_the_twin_the_arm_stays_where_it_is_and_no_policy_version_follows(
    twin, tmp_path, short_rollouts, real_time
):
    episodes = 2 if real_time else EPISODES  # enough for an update, were there any
    with Composed(twin(episodes=episodes, real_time=real_time), isolated=True) as graph:
        commands = []
        graph.nodes["episode"].create_subscription(Action, "arm_command", commands.append, 10)
        assert graph.run() == 0, graph.nodes["finetuner"].message
        assert graph.nodes["finetuner"].loop.learner.policy_version == 0
    assert commands and all(c.source == Action.HOLD and not any(c.values) for c in commands)
    run = RunFolder.open(tmp_path / "run")
    swapped = 0
    for episode in range(episodes):
        steps = transitions(run.path, episode)
        assert len(steps) == LENGTH
        for step in steps:
            assert step.executed.source == ActionSource.HOLD
            assert not array_of(step.executed.values).any()
            assert step.intervened
            hand = array_of(step.next_observation)[:3]
            np.testing.assert_allclose(hand, (0.31, 0.0, 0.06), atol=1e-4)
            swapped += bool(step.risk > np.float32(THRESHOLD))
        proposed = [step.proposed for step in steps if step.proposed.source == ActionSource.TASK]
        assert len(proposed) == LENGTH or real_time
        assert all(array_of(action.values).any() for action in proposed)
        assert {action.policy_version for action in proposed} == {0}

    figures = run.summary()
    assert (figures["shadow"], figures["interventions"], figures["recovery_share"]) == (True, 0, 0.0)
    assert figures["failures"] == 0
    assert figures["would_swap_steps"] == sum(r.interventions for r in run.metrics.records)
    if not real_time:
        assert figures["would_swap_steps"] == swapped > 0
    assert not (run.path / "metrics" / "updates.csv").exists()
    arrays = read_arrays(newest_checkpoint(run.checkpoints) / "learner.safetensors")
    assert not [name for name in arrays if name.startswith("buffer/")]


def test_a_shadow_run_goes_on_in_shadow_only(twin, tmp_path):
    with Composed(twin(episodes=1), isolated=True) as graph:
        assert graph.run() == 0
    with Composed(twin(episodes=2, resume=True, shadow=False), isolated=True) as graph:
        assert graph.run() == 2
        assert "begun with shadow True, now asked with False" in graph.nodes["finetuner"].message
    with Composed(twin(episodes=2, resume=True), isolated=True) as graph:
        assert graph.run() == 0
    assert RunFolder.open(tmp_path / "run").summary()["episodes"] == 2


def eager(stamp: int, source: ActionSource, values=(1.0, 1.0)) -> ShieldDecision:
    full = np.array(values, np.float32)
    proposed = Proposal(np.ones(2, np.float32), -0.75, 4)
    empty = np.zeros(0, np.float32)
    return decision_message(
        Decision(0.9, 0.3, empty, proposed, full, source, Reason.SAFE, 0.2, ""), time_of(stamp)
    )


@pytest.mark.parametrize("source", ActionSource)
@pytest.mark.parametrize("values", [(1.0, 1.0), (-7.0, 9.0), (float("nan"), 1.0), (0.5,)])
def test_whoever_asks_for_whatever_the_backend_is_told_to_stand_still(bench, task, source, values):
    b = bench(("franka_controller", {"task": task, "backend": "fake", "shadow": True}))
    arm, decisions = b.nodes["franka_controller"].backend.arm, b.publisher(ShieldDecision, "decision")
    for stamp in range(1, 4):
        decisions.publish(eager(stamp, source, values))
        b.spin(lambda stamp=stamp: len(arm.commands) == stamp)
    assert all(c.source == ActionSource.HOLD and not c.values.any() for c in arm.commands)
    assert [c.stamp_ns for c in arm.commands] == [1, 2, 3]
    assert arm.calls == ["connect", "hold", "hold", "hold"]


def test_nor_does_the_scene_move_it(bench, task):
    given = {"task": task, "backend": "fake", "shadow": True, "episodes_only": True, "real_time": True}
    b = bench(("franka_controller", given))
    arm, actions = b.nodes["franka_controller"].backend.arm, b.publisher(Action, "scene_action")
    action = Action(values=floats(np.ones(2)), source=Action.REPLAY)
    action.state_stamp = time_of(time.time_ns())
    actions.publish(action)
    b.spin(lambda: len(arm.commands) == 1)
    assert not arm.commands[0].values.any()
