"""The launch files against recording fakes of the part of `launch` and `launch_ros` that they use.

Both come only with a ROS 2 installation. The fakes take exactly the arguments of the real classes (launch
3.4, launch_ros 0.26) that are used here, so that a misspelt one fails.
"""

import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from farl_ros.graph import GraphError, NodeSpec, finetune_graph, offline_graph, perceive_graph
from farl_ros.jobs import ARGUMENTS

FOLDER = Path(__file__).resolve().parents[2] / "launch"


@dataclass
class LaunchContext:
    launch_configurations: dict[str, str] = field(default_factory=dict)


@dataclass
class LaunchDescription:
    entities: list


@dataclass(init=False)
class DeclareLaunchArgument:
    def __init__(self, name: str, *, default_value: str, description: str) -> None:
        self.name, self.default_value, self.description = name, default_value, description


@dataclass(kw_only=True)
class OpaqueFunction:
    function: Callable


@dataclass(kw_only=True)
class Shutdown:
    reason: str


@dataclass
class LaunchConfiguration:
    name: str

    def perform(self, context: LaunchContext) -> str:
        return context.launch_configurations[self.name]


@dataclass(kw_only=True)
class Node:
    package: str
    executable: str
    name: str
    parameters: list
    remappings: list
    output: str
    emulate_tty: bool
    sigterm_timeout: str
    on_exit: list[Shutdown] | None


@pytest.fixture
def fakes(monkeypatch):
    """The fakes in the place of the real modules."""
    contents = {
        "launch": (LaunchContext, LaunchDescription),
        "launch.actions": (DeclareLaunchArgument, OpaqueFunction, Shutdown),
        "launch.substitutions": (LaunchConfiguration,),
        "launch_ros": (),
        "launch_ros.actions": (Node,),
    }
    for name, classes in contents.items():
        module = ModuleType(name)
        for item in classes:
            setattr(module, item.__name__, item)
        monkeypatch.setitem(sys.modules, name, module)


def describe(job: str) -> LaunchDescription:
    return runpy.run_path(str(FOLDER / f"{job}.launch.py"))["generate_launch_description"]()


def launched(job: str, **given: str) -> list[Node]:
    """What `ros2 launch farl_ros <job>.launch.py key:=value ...` would start."""
    *arguments, opaque = describe(job).entities
    context = LaunchContext({argument.name: argument.default_value for argument in arguments} | given)
    return opaque.function(context)


def assert_same(nodes: list[Node], specs: list[NodeSpec]) -> None:
    assert [(n.package, n.executable, n.name, n.parameters, n.remappings) for n in nodes] == [
        ("farl_ros", s.executable, s.name, [dict(s.parameters)], list(s.remappings)) for s in specs
    ]


def test_there_is_one_launch_file_for_each_job():
    assert {path.name for path in FOLDER.glob("*.py")} == {f"{job}.launch.py" for job in ARGUMENTS}


@pytest.mark.parametrize("job", ARGUMENTS)
def test_arguments_are_those_of_the_graph_with_descriptions(fakes, job):
    *arguments, opaque = describe(job).entities
    assert [(a.name, a.default_value, a.description) for a in arguments] == [
        (a.name, a.default, a.description) for a in ARGUMENTS[job]
    ]
    assert all(argument.description for argument in arguments)
    assert isinstance(opaque, OpaqueFunction)


def test_finetune_by_default_starts_the_graph_of_the_declared_defaults(fakes):
    specs = finetune_graph("BoundedPush", episodes=50)
    assert len(specs) >= 7
    assert_same(launched("finetune"), specs)


def test_finetune_passes_every_argument_on_with_its_type(fakes):
    texts = {
        "task": "DiscTable",
        "preset": "uni_o4",
        "models": "m",
        "run": "7",
        "seed": "3",
        "steps": "200",
        "episodes": "0",
        "sim": "True",
        "real_time": "true",
        "record": "false",
        "black_box": "true",
        "resume": "true",
        "robot": "fr3",
        "host": "",
        "backend": "sim",
        "source": "privileged",
        "camera": "",
        "frames": "",
        "shadow": "true",
        "uncalibrated": "true",
        "nodes": "rest",
    }
    assert set(texts) == {argument.name for argument in ARGUMENTS["finetune"]}
    specs = finetune_graph(
        task="DiscTable",
        preset="uni_o4",
        models="m",
        run="7",
        seed=3,
        steps=200,
        episodes=0,
        sim=True,
        real_time=True,
        record=False,
        black_box=True,
        resume=True,
        robot="fr3",
        backend="sim",
        source="privileged",
        shadow=True,
        uncalibrated=True,
        nodes="rest",
    )
    assert_same(launched("finetune", **texts), specs)


def test_finetune_on_a_robot_is_the_graph_of_the_robot(fakes):
    task, host = "FrankaFragilePushWall", "172.16.0.2"
    specs = finetune_graph(task, episodes=50, sim=False, robot="fr3", host=host, shadow=True)
    assert_same(launched("finetune", task=task, sim="false", robot="fr3", host=host, shadow="true"), specs)
    with pytest.raises(GraphError, match="without host"):
        launched("finetune", task=task, sim="false")


@pytest.mark.parametrize("job", ["finetune", "offline", "perceive"])
def test_a_node_has_time_to_save_after_sigint(fakes, job):
    assert {float(node.sigterm_timeout) for node in launched(job)} == {30.0}


def test_finetune_ends_with_every_required_node(fakes):
    nodes, specs = launched("finetune"), finetune_graph("BoundedPush", episodes=50)
    for node, spec in zip(nodes, specs, strict=True):
        assert (node.on_exit is not None) == spec.required
        if spec.required:
            (shutdown,) = node.on_exit
            assert shutdown == Shutdown(reason=f"{spec.name} has ended")
    ending = {node.name for node in nodes if node.on_exit is not None}
    assert {"safety_shield", "franka_controller"} <= ending


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"seed": "x"}, "seed:=x: expected a value of type int"),
        ({"record": "yes"}, "record:=yes: expected a value of type bool"),
        ({"real_time": "maybe"}, "real_time:=maybe: expected a value of type bool, or auto"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(fakes, given, expected):
    with pytest.raises(ValueError, match=expected):
        launched("finetune", **given)


def test_what_the_graph_refuses_is_refused(fakes):
    with pytest.raises(GraphError, match="limit"):
        launched("finetune", episodes="0")


def test_pixels_are_an_argument_away(fakes):
    task = "FrankaFragilePushWall"
    specs = finetune_graph(task, episodes=50, source="camera")
    assert_same(launched("finetune", task=task, source="camera"), specs)


def test_perceive_starts_the_estimator_and_ends_with_it(fakes):
    assert_same(launched("perceive"), perceive_graph("FrankaFragilePushWall"))
    given = {"task": "FrankaDisturbedPush", "frames": "recording", "recording": "a.db3"}
    nodes = launched("perceive", **given, camera="c", debug_rate="2", autostart="false")
    specs = perceive_graph("FrankaDisturbedPush", "c", "recording", "a.db3", 2.0, False)
    assert_same(nodes, specs)
    assert nodes[-1].on_exit == [Shutdown(reason="state_estimator has ended")]
    with pytest.raises(ValueError, match="autostart:=perhaps: expected a value of type bool"):
        launched("perceive", autostart="perhaps")


def test_offline_starts_the_trainer_and_ends_with_it(fakes):
    nodes = launched("offline", bags="demos/push", out="trained", seed="5", force="true")
    assert_same(nodes, offline_graph("BoundedPush", "demos/push", "trained", 5, force=True))
    assert nodes[-1].on_exit == [Shutdown(reason="offline_trainer has ended")]
