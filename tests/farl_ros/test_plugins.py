"""What packages from outside add: found by name, refused by name, and never in the way of anything else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from farl_ros.arm.registry import ARMS, BackendName, check_arm
from farl_ros.environments import SIMULATORS, kit_of, make_environment
from farl_ros.graph import GraphError, finetune_graph
from farl_ros.plugins import BUILT_IN, Group, PluginError
from farl_ros.replay_graph import replay_graph
from farl_ros.task_spec import TASKS, TaskError, load_task

DISC = load_task("DiscTable")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Put a package on the path: its module, and what it states as entry points."""

    def install(name: str, module: str, **groups: dict[str, str]) -> Path:
        folder = tmp_path / name
        info = folder / f"{name}-1.5.dist-info"
        info.mkdir(parents=True)
        (folder / f"{name}.py").write_text(module)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
        sections = (
            f"[{Group[group]}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
            for group, entries in groups.items()
        )
        (info / "entry_points.txt").write_text("\n".join(sections))
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, name, raising=False)  # that of another test
        return folder

    return install


def task_file(folder: Path, name: str, environment: str = "FailureBench/DiscTable-v0") -> Path:
    path = folder / "task.yaml"
    text = DISC.resolved_yaml().replace("name: DiscTable", f"name: {name}")
    path.write_text(text.replace("FailureBench/DiscTable-v0", environment))
    return path


def test_a_task_from_outside_is_loaded_and_listed_like_the_shipped_ones(package, farl, capsys):
    folder = package("far", "TASK = __file__.replace('far.py', 'task.yaml')", TASKS={"Far": "far:TASK"})
    task_file(folder, "Far")
    assert load_task("far").name == "Far"
    assert make_environment(load_task("Far")).observation_size == 10
    assert farl("tasks", "--json", "t.json") == 0
    figures = json.loads(Path("t.json").read_text())
    assert figures["Far"]["origin"] == "far 1.5 (far:TASK)"
    assert figures["DiscTable"]["origin"] == BUILT_IN
    assert "far 1.5" in capsys.readouterr().out


def test_a_package_that_cannot_be_imported_is_named_and_stops_nothing_else(package, farl, capsys):
    package("broken", "import no_such_module", TASKS={"Broken": "broken:TASK"})
    with pytest.raises(TaskError, match=r"task 'Broken' of broken 1\.5 .*No module named 'no_such_module'"):
        load_task("Broken")
    assert load_task("DiscTable") == DISC
    assert farl("tasks", "--json", "t.json") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "not usable: the task 'Broken' of broken 1.5" in said and "BoundedPush" in said
    assert set(json.loads(Path("t.json").read_text())) == {n for n in TASKS.names() if n != "Broken"}


def test_an_unknown_name_lists_what_there_is_and_how_to_add(package):
    package("far", "x = 1", ARMS={"far": "far:x"}, TASKS={"FarTask": "far:x"})
    with pytest.raises(
        PluginError, match=r"no arm 'frankly'; did you mean 'franky'\? Available: sim, fake, "
    ):
        ARMS.get("frankly")
    with pytest.raises(
        TaskError, match=r"DiscTable.*FarTask, or a YAML file\. .*farl_ros\.tasks .*extending"
    ):
        load_task("Nothing")


@pytest.mark.parametrize("name", ["DiscTable", "disc_table"])
def test_a_name_that_is_taken_is_an_error(package, name):
    package("thief", "TASK = 'x.yaml'", TASKS={name: "thief:TASK"})
    with pytest.raises(TaskError, match=r"more than one task .* those of farl_ros and thief 1\.5"):
        load_task("DiscTable")
    assert load_task("BoundedPush").name == "BoundedPush"


def test_two_packages_with_one_name_are_an_error(package):
    package("one", "A = print", ARMS={"mine": "one:A"})
    package("two", "A = print", ARMS={"mine": "two:A"})
    with pytest.raises(PluginError, match=r"one 1\.5 \(one:A\) and two 1\.5 \(two:A\); uninstall one"):
        ARMS.get("mine")


def test_an_entry_point_of_the_wrong_kind_is_named(package):
    package("odd", "A = 7", ARMS={"odd": "odd:A"}, SIMULATORS={"Odd": "odd:A"}, TASKS={"Odd": "odd:A"})
    with pytest.raises(PluginError, match=r"'odd' of odd 1\.5 .* is of type int; expected Callable"):
        ARMS.get("odd")
    with pytest.raises(PluginError, match="expected TaskKit"):
        SIMULATORS.get("Odd")
    with pytest.raises(TaskError, match="expected Path or str"):
        load_task("Odd")


def test_entry_point_task_file_and_simulator_must_agree_on_their_names(package):
    folder = package("far", "TASK = __file__.replace('far.py', 'task.yaml')", TASKS={"Far": "far:TASK"})
    task_file(folder, "Near")
    with pytest.raises(TaskError, match=r"called .Near. there, but far 1\.5 .* offers it as .Far."):
        load_task("Far")
    spec = load_task(task_file(folder, "Far", "Elsewhere/DiscTable-v0"))
    with pytest.raises(TaskError, match="the simulator 'DiscTable' is for 'FailureBench/DiscTable-v0'"):
        kit_of(spec)


def test_an_arm_from_outside_is_known_before_any_process_starts(package, tmp_path):
    robot = {"sim": False, "source": "topic", "episodes": 1}
    with pytest.raises(GraphError, match="backend: no arm 'far'"):
        finetune_graph("FrankaDisturbedPush", backend="far", **robot)
    with pytest.raises(GraphError, match="backend: no arm 'far'"):
        replay_graph("bag", "arm", "FrankaDisturbedPush", move_the_arm=True, backend="far")
    package("far", "raise RuntimeError('only the controller imports it')", ARMS={"far": "far:A"})
    nodes = {node.name: node for node in finetune_graph("FrankaDisturbedPush", backend="far", **robot)}
    assert nodes["franka_controller"].parameters["backend"] == "far"
    check_arm("far")


def test_the_arms_of_this_release_are_all_there():
    assert ARMS.names()[:3] == [name.value for name in BackendName]
    assert all(callable(ARMS.get(name)) for name in BackendName)
