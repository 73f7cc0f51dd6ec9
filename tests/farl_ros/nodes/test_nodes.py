"""Nodes as such: parameters that describe themselves, wrong input, the ways to run them."""

import gc
import inspect
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_msgs.msg import String

from farl_ros.composed import INTERRUPTED, Composed, node_class
from farl_ros.graph import NodeSpec, finetune_graph, offline_graph
from farl_ros.nodes.common import NodeError
from farl_ros.nodes.loading import ModelNode
from farl_ros.nodes.policy import Policy
from farl_ros.nodes.running import USAGE_ERROR, run_node
from farl_ros.processes import process_command, process_environment
from farl_ros.run import RunFolder
from farl_ros.task_spec import TaskError

SETTABLE = (("episode", "first_episode"), ("episode", "kind"))
OF_RCLPY = ("use_sim_time", "start_type_description_service")
DOMAIN = 20 + os.getpid() % 60
RCLPY_SOCKETS = 3
"""What the first participant of a process opens and keeps."""


def sockets() -> int:
    """How many sockets this process has open: five for each DDS participant."""
    return sum(link.is_socket() for link in Path("/proc/self/fd").iterdir())


def test_every_parameter_is_described_and_fixed_once_the_node_runs(finetune_specs, tmp_path):
    specs = [*finetune_specs(episodes=1), *offline_graph("DiscTable", str(tmp_path), str(tmp_path))]
    specs[-1] = NodeSpec("offline_trainer", "offline_trainer", {"bags": str(tmp_path)})
    specs.append(NodeSpec("scene", "scene", {"task": "FrankaDisturbedPush"}))
    with Composed(specs, isolated=True) as graph:
        for spec in specs:
            node = graph.nodes[spec.name]
            names = [name for name in node._parameters if name not in OF_RCLPY]
            assert set(spec.parameters) <= set(names), spec.name
            for name in names:
                descriptor = node.describe_parameter(name)
                assert descriptor.description, (spec.name, name)
                assert descriptor.read_only or (spec.name, name) in SETTABLE
            for name, value in spec.parameters.items():
                assert node.get_parameter(name).value == value
            assert not node.set_parameters([Parameter("task", value="Other")])[0].successful


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({}, NodeError, "'task' is empty"),
        ({"task": "DiskTable"}, TaskError, "did you mean 'DiscTable'"),
        ({"task": "DiscTable", "models": "/nowhere"}, NodeError, "/nowhere"),
        ({"task": "DiscTable", "preset": "papr"}, NodeError, "'papr'; expected one of"),
        ({"task": 7}, NodeError, "parameter 'task'"),
        ({"task": "DiscTable", "seed": -1}, NodeError, "parameter 'seed'"),
    ],
)
def test_wrong_parameters_are_named(parameters, error, message, models):
    executable = "safety_shield" if "preset" in parameters else "policy"
    given = {"models": str(models), **parameters}
    with pytest.raises(error, match=message), Composed([NodeSpec("n", executable, given)], isolated=True):
        pass


def test_models_of_another_task_are_named(tmp_path, task, models):
    other = tmp_path / "models"
    shutil.copytree(models, other)
    card = other / "card.json"
    card.write_text(card.read_text().replace('"task": "DiscTable"', '"task": "BoundedPush"'))
    with pytest.raises(NodeError, match="'BoundedPush', expected 'DiscTable'"):
        Composed(
            [NodeSpec("policy", "policy", {"task": task, "models": str(other)})], isolated=True
        ).__enter__()


def test_a_node_that_cannot_start_takes_the_graph_with_it_and_leaves_nothing(task, models):
    good = NodeSpec("simulator", "simulator", {"task": task})
    bad = NodeSpec("policy", "policy", {"task": task, "models": "/nowhere"})
    with pytest.raises(NodeError):
        Composed([good, bad], isolated=True).__enter__()
    with Composed([good], isolated=True) as graph:
        assert graph.nodes["simulator"].get_node_names() == ["simulator"]


def test_a_closed_graph_leaves_no_participant(finetune_specs, tmp_path):
    trainer = NodeSpec("offline_trainer", "offline_trainer", {"bags": str(tmp_path)})
    scene = NodeSpec("scene", "scene", {"task": "FrankaDisturbedPush"})
    before = sockets()
    gc.disable()
    try:
        with Composed([*finetune_specs(episodes=1), trainer, scene], isolated=True):
            assert sockets() > before
        assert sockets() <= max(before, RCLPY_SOCKETS)
    finally:
        gc.enable()


def test_a_signal_ends_a_busy_node_at_once():
    with Composed([NodeSpec("scene", "scene", {"task": "FrankaDisturbedPush"})], isolated=True) as graph:
        node = graph.nodes["scene"]
        publisher = node.create_publisher(String, "busy", 100)
        end = time.monotonic() + 5.0

        def again(message: String) -> None:
            if time.monotonic() < end:
                publisher.publish(message)
            time.sleep(0.001)

        node.create_subscription(String, "busy", again, 100)
        for _ in range(20):
            publisher.publish(String())
        node.create_timer(0.3, lambda: signal.raise_signal(signal.SIGTERM))
        assert graph.run() == INTERRUPTED
        assert time.monotonic() < end - 2.0


def test_wrong_input_ends_a_process_with_code_2_and_one_sentence(monkeypatch, capfd):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(DOMAIN))
    monkeypatch.setattr(sys, "argv", ["policy"])
    assert run_node(Policy, ["policy", "--ros-args", "-p", "task:=Nowhere"]) == USAGE_ERROR
    error = capfd.readouterr().err
    assert "no task 'Nowhere'" in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "executable", sorted({"scene"} | {s.executable for s in finetune_graph("DiscTable", episodes=1)})
)
def test_nodes_do_not_take_the_names_of_attributes_of_rclpy(bench, executable):
    own = set(vars(bench().probe)) - {"_executor"}
    source = inspect.getsource(sys.modules[node_class(executable).__module__])
    assert set(re.findall(r"self\.(_?[a-z]\w*)(?:: [^=\n]+)? = ", source)) & own == set()


def test_every_executable_of_the_graphs_is_a_node():
    for spec in [*finetune_graph("DiscTable", episodes=1), *offline_graph("DiscTable", "demos")]:
        assert node_class(spec.executable).__doc__
    assert issubclass(node_class("safety_shield"), ModelNode)


@pytest.mark.e2e
def test_separate_processes_over_dds_end_with_the_finetuner(finetune_specs, tmp_path):
    pytest.importorskip("honcho")
    code = (
        "import json, sys; from farl_ros.graph import NodeSpec; "
        "from farl_ros.processes import run_processes; "
        f"sys.exit(run_processes([NodeSpec(**spec) for spec in json.load(sys.stdin)], {DOMAIN}))"
    )
    specs = finetune_specs(episodes=3)
    slow = {**specs[-1].parameters, "stall_limit": 20.0, "ready_limit": 60.0}
    specs[-1] = NodeSpec(specs[-1].name, specs[-1].executable, slow)
    environment = process_environment(DOMAIN, os.environ)
    ended = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps([asdict(spec) for spec in specs]).encode(),
        env=environment,
        capture_output=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout.decode() + ended.stderr.decode()
    summary = RunFolder.open(tmp_path / "run").summary()
    assert (summary["episodes"], summary["steps"]) == (3, 60)
    assert len(list((tmp_path / "run" / "bags").iterdir())) == 3


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_process_cleanly(task, number, monkeypatch):
    spec = NodeSpec("simulator", "simulator", {"task": task})
    environment = process_environment(DOMAIN + 1, os.environ)
    for name, value in environment.items():  # the probe looks where the process announces itself
        monkeypatch.setenv(name, value)
    process = subprocess.Popen(process_command(spec), env=environment, stderr=subprocess.PIPE)
    context = Context()
    context.init(domain_id=DOMAIN + 1)
    try:
        probe = Node("probe", context=context, use_global_arguments=False)
        deadline = time.monotonic() + 60.0
        while "simulator" not in probe.get_node_names():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        probe.destroy_node()
        process.send_signal(number)
        _, error = process.communicate(timeout=20)
        assert (process.returncode, error.decode()) == (0, "")
    finally:
        context.try_shutdown()
        process.kill()
