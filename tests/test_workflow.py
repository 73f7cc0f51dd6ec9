"""The workflow of continuous integration names only what there is; the hosting service runs it, not we."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from farl_ros.graph import FINETUNE_ARGUMENTS
from farl_ros.jobs import ARGUMENTS

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yaml").read_text(encoding="utf-8"))
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
SCRIPT = "\n".join(step["run"] for step in STEPS if "run" in step)


def test_actions_are_pinned_by_commit():
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert used != []
    assert [action for action in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", action)] == []


def test_every_step_of_a_shell_is_a_script():
    assert all(("run" in step) != ("uses" in step) for step in STEPS)
    assert all(step.get("name") for step in STEPS if "run" in step)


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    called = set(re.findall(r"\bmake ([a-z-]+)", SCRIPT))
    assert called == {"setup", "test"} and called <= targets


def test_files_exist():
    words = {word for line in SCRIPT.splitlines() for word in shlex.split(line, comments=True)}
    files = {word for word in words if re.match(r"(requirements|ros2_ws)/", word) and "install" not in word}
    assert {"requirements/runtime.txt", "ros2_ws/src"} <= files
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_launch_files_and_their_arguments_exist():
    (jobs,) = re.findall(r"for job in (.+); do", SCRIPT)
    assert set(jobs.split()) == {path.name.split(".")[0] for path in (ROOT / "launch").glob("*.py")}
    assert set(jobs.split()) == set(ARGUMENTS)
    (given,) = re.findall(r"finetune\.launch\.py (.*:=.*)", SCRIPT)
    names = {argument.name for argument in FINETUNE_ARGUMENTS}
    assert {word.partition(":=")[0] for word in given.split()} <= names


@pytest.mark.parametrize("version", ["3.11", "3.12"])
def test_every_supported_python_is_tried(version):
    assert version in WORKFLOW["jobs"]["wheels"]["strategy"]["matrix"]["python"]


def test_colcon_leaves_out_what_the_makefile_leaves_out():
    assert '-m "not slow and not hardware"' in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert '--pytest-args -m "not slow and not hardware"' in SCRIPT
