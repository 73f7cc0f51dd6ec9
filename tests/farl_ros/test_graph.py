"""The graph of each job: stated once, the same for every way to run it."""

import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from honcho.printer import Printer
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from farl_ros.graph import (
    GraphError,
    NodeSpec,
    checked,
    command_line,
    finetune_graph,
    offline_graph,
    ros_arguments,
    yaml_value,
)
from farl_ros.jobs import ARGUMENTS
from farl_ros.processes import process_command, process_environment, run_processes
from farl_ros.supervisor import Supervisor

ROBOT = {"sim": False, "host": "172.16.0.2"}
GRAPHS = {
    "robot": lambda: finetune_graph("FrankaDisturbedPush", episodes=7, **ROBOT),
    "finetune": lambda: finetune_graph("DiscTable", models="m", run="r", steps=7),
    "offline": lambda: offline_graph("DiscTable", "demos", seed=3),
}


def test_ros_is_not_needed_to_read_the_graph():
    code = (
        "import sys, farl_ros.graph; "
        "sys.exit(bool({'rclpy', 'torch', 'farl_interfaces'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_five_hops_are_there_once_each():
    names = [spec.name for spec in finetune_graph("DiscTable", episodes=1)]
    hops = ["simulator", "state_estimator", "policy", "safety_shield", "franka_controller"]
    assert names == [*hops, "episode", "recorder", "finetuner"]
    without = [spec.name for spec in finetune_graph("DiscTable", episodes=1, record=False)]
    assert without == [name for name in names if name != "recorder"]


def test_the_finetuner_waits_for_all_the_others():
    *others, finetuner = finetune_graph("DiscTable", episodes=1)
    assert finetuner.parameters["expected_nodes"] == [spec.name for spec in others]


def test_real_time_reaches_every_node_that_keeps_time():
    for real_time in (False, True):
        specs = finetune_graph("DiscTable", episodes=1, real_time=real_time)
        told = {spec.name: spec.parameters.get("real_time") for spec in specs}
        assert {name for name, value in told.items() if value is real_time} == {
            *("simulator", "safety_shield", "franka_controller", "episode", "recorder")
        }


def test_the_run_folder_has_a_default():
    *_, finetuner = finetune_graph("DiscTable", "uni_o4", seed=3, steps=1)
    assert finetuner.parameters["run"] == "runs/DiscTable-uni_o4-3"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs a limit"),
        ({"steps": -1}, "needs a limit"),
        ({"host": "172.16.0.2", "episodes": 1}, "sim=true with.*host '172.16.0.2'.*sim=false"),
        ({"backend": "franky", "episodes": 1}, "sim=true with the arm 'franky'.*sim=false"),
        ({**ROBOT, "host": "", "episodes": 1}, "sim=false without host: give the robot's name or address"),
        ({**ROBOT, "real_time": False, "episodes": 1}, "real_time=false: a robot does not wait"),
        ({"source": "topic", "episodes": 1}, "sim=true with.*source 'topic'"),
        ({"source": "camera", "real_time": True, "episodes": 1}, "only in lock-step does the world wait"),
        ({"source": "camera", "camera": "d435", "episodes": 1}, "the simulated table has its own camera"),
        ({**ROBOT, "source": "privileged", "episodes": 1}, "expected camera or topic"),
        ({**ROBOT, "backend": "sim", "episodes": 1}, "with the arm 'sim': expected franky"),
        ({**ROBOT, "episodes": 1}, "sim=false with DiscTable: no robot plays it.*'simulator'"),
        (ROBOT | {"backend": "fake", "host": "", "episodes": 1}, "no robot plays it"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments, message):
    with pytest.raises(GraphError, match=message):
        finetune_graph("DiscTable", **arguments)


@pytest.mark.parametrize("task", ["BoundedPush", "BoundedSoccer", "FragilePushWall", "ObstructedPush"])
def test_no_task_of_the_sawyer_runs_on_the_robot(task):
    with pytest.raises(GraphError, match="no robot plays it"):
        finetune_graph(task, episodes=1, **ROBOT)


@pytest.mark.parametrize("task", ["FrankaFragilePushWall", "FrankaDisturbedPush", "FrankaBoundedSoccer"])
def test_on_the_robot_scene_and_camera_stand_in_for_the_simulator(task):
    specs = {spec.name: spec for spec in finetune_graph(task, episodes=1, robot="fr3", **ROBOT)}
    hops = ["scene", "state_estimator", "policy", "safety_shield", "franka_controller"]
    assert list(specs) == [*hops, "episode", "recorder", "finetuner"]
    timed = ("safety_shield", "franka_controller", "episode", "recorder")
    assert all(specs[name].parameters["real_time"] is True for name in timed)
    controller = specs["franka_controller"].parameters
    assert (controller["backend"], controller["robot"], controller["host"]) == ("franky", "fr3", "172.16.0.2")
    assert controller["episodes_only"] is True
    assert specs["state_estimator"].parameters["source"] == "camera"
    assert specs["episode"].parameters["outcomes"] == "observation"
    # Whoever waits for the person gives up before whoever waits for that.
    patience = specs["scene"].parameters["reset_limit"]
    assert specs["finetuner"].parameters["stall_limit"] > patience
    assert all(spec.required for spec in specs.values())


def test_the_loop_closed_on_pixels_renders_and_shows_the_learner_what_was_seen():
    plain = {spec.name: spec for spec in finetune_graph("FrankaFragilePushWall", episodes=1)}
    seen = {spec.name: spec for spec in finetune_graph("FrankaFragilePushWall", episodes=1, source="camera")}
    assert "render" not in plain["simulator"].parameters  # nobody pays who does not ask
    assert seen["simulator"].parameters["render"] is True
    assert seen["episode"].parameters["observations"] == "state"
    estimator = {"source": "camera", "camera": "franka_twin", "frames": "topics", "real_time": False}
    assert seen["state_estimator"].parameters == {"task": "FrankaFragilePushWall"} | estimator
    changed = {name for name in seen if seen[name] != plain[name]}
    assert changed == {"simulator", "state_estimator", "episode"}


def test_a_robots_camera_is_opened_by_the_node_or_has_a_driver_of_its_own():
    own = {"frames": "topics", "camera": "c"}
    for asked, expected in (({}, ("d435", "realsense")), (own, ("c", "topics"))):
        specs = finetune_graph("FrankaDisturbedPush", episodes=1, **ROBOT, **asked)
        (told,) = (spec.parameters for spec in specs if spec.name == "state_estimator")
        assert (told["camera"], told["frames"], told["real_time"]) == (*expected, True)


@pytest.mark.parametrize("where", [{}, {"real_time": True}, {"task": "FrankaDisturbedPush", "sim": False}])
def test_shadow_reaches_everybody_who_would_move_or_learn(where):
    if "sim" in where:
        where = {**where, "host": "172.16.0.2"}
    for shadow in (False, True):
        specs = finetune_graph(**{"task": "DiscTable", "episodes": 1, **where}, shadow=shadow)
        told = {spec.name for spec in specs if spec.parameters.get("shadow") is True}
        movers = {"franka_controller", "finetuner", *({"scene"} if "sim" in where else ())}
        assert told == (movers if shadow else set())


def test_two_nodes_of_one_name_are_refused():
    with pytest.raises(GraphError, match="two nodes are called 'a'"):
        checked([NodeSpec("a", "policy"), NodeSpec("b", "policy"), NodeSpec("a", "simulator")])


def test_a_command_line_is_what_launch_would_emit():
    spec = NodeSpec("left", "policy", {"task": "DiscTable", "seed": 3}, (("state", "left/state"),))
    assert command_line(spec) == [
        *("policy", "--ros-args", "-r", "__node:=left"),
        *("-p", 'task:="DiscTable"', "-p", "seed:=3"),
        *("-r", "state:=left/state"),
    ]


SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])),
)


@given(st.one_of(SCALARS, st.lists(st.sampled_from(["", "a b", "true", "1e5", "x:=y", "it's"]), min_size=1)))
def test_values_keep_their_type_in_yaml(value):
    read = YAML(typ="safe", pure=True).load(yaml_value(value))
    assert type(read) is type(value)
    assert read == value or read != read  # NaN


def test_values_keep_their_type_in_ros():
    rclpy = pytest.importorskip("rclpy")
    from rclpy.context import Context
    from rclpy.node import Node

    values = {
        "a": True, "b": 7, "c": 2.0, "d": 1e-7, "e": "true", "f": "7", "g": "", "h": "1e5",
        "i": "it's: a # b", "j": ["x", ""], "k": -(2**62), "l": '"', "m": 1e22, "n": "[a]", "o": "~",
        "p": "Größe",
    }  # fmt: skip
    context = Context()
    rclpy.init(args=[], context=context)
    try:
        arguments = ros_arguments(NodeSpec("n", "policy", values))
        node = Node(
            "other",
            context=context,
            cli_args=arguments,
            use_global_arguments=False,
            automatically_declare_parameters_from_overrides=True,
        )
        assert node.get_name() == "n"
        got = {name: node.get_parameter(name).value for name in values}
        assert got == values
        assert {name: type(value) for name, value in got.items()} == {n: type(v) for n, v in values.items()}
        node.destroy_node()
    finally:
        context.try_shutdown()


@pytest.mark.parametrize("job", GRAPHS)
def test_processes_get_the_names_parameters_and_remappings_of_the_graph(job):
    for spec in GRAPHS[job]():
        command = process_command(spec)
        start = command.index("--ros-args")
        assert command[start:] == command_line(spec)[1:] == ros_arguments(spec)
        assert spec.executable in command[start - 1]


def test_every_argument_of_a_job_has_a_description_and_a_default_of_its_type():
    for arguments in ARGUMENTS.values():
        assert len({a.name for a in arguments}) == len(arguments)
        assert all(a.description and isinstance(a.default, str) for a in arguments)


def test_processes_see_only_this_machine_and_the_modules_of_the_checkout():
    environment = process_environment(61, {"PYTHONPATH": "mine", "X": "1"})
    assert environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"
    assert (environment["ROS_DOMAIN_ID"], environment["X"]) == ("61", "1")
    assert environment["PYTHONPATH"].endswith(":mine")
    assert (
        process_environment(None, {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"})[
            "ROS_AUTOMATIC_DISCOVERY_RANGE"
        ]
        == "SUBNET"
    )


def supervised(tmp_path: Path, saving_s: float) -> tuple[int, bool]:
    """Exit code of a node that ends at once beside one that takes a while to save, and whether it could."""
    saved = tmp_path / "saved"
    manager = Supervisor(Printer(StringIO()))
    manager.add_process(
        "slow", f"trap 'sleep {saving_s}; touch {saved}; exit 0' TERM; while :; do sleep 0.1; done"
    )
    manager.add_process("quick", "sleep 1; exit 3")
    manager.loop()
    return manager.returncode, saved.exists()


def test_a_node_has_time_to_save_when_another_one_has_ended(tmp_path):
    assert supervised(tmp_path, saving_s=6.0) == (3, True)


def test_a_node_that_never_ends_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("farl_ros.supervisor.SAVE_S", 1.0)
    assert supervised(tmp_path, saving_s=60.0) == (3, False)


def test_a_missing_supervisor_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "honcho.printer", None)
    with pytest.raises(GraphError, match="pip install honcho"):
        run_processes(GRAPHS["finetune"]())
