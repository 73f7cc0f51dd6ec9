"""What colcon (with the wheels of ROS 2) and pip make of a copy of the repository."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.test_packaging import ROOT, has_main, tracked_files

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
TESTS = "tests/test_packaging.py"
"""Of all tests, those that colcon runs here: quick ones that need ROS, and the package's own files."""


def run(*command: str, cwd: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of an environment with colcon and the message generators; this one's packages come last."""
    folder = tmp_path_factory.mktemp("colcon") / "venv"
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "LD_LIBRARY_PATH")}
    clean.pop("_ROS_WHEELS_BOOTSTRAP_COMPLETE", None)
    run(sys._base_executable, "-m", "venv", str(folder), cwd=ROOT, environment=clean)
    pip = (str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check")
    constraints = ("-c", "requirements/constraints.txt")
    run(*pip, *constraints, "pip", "setuptools", cwd=ROOT, environment=clean)
    run(*pip, "--no-build-isolation", "-r", "requirements/colcon.txt", cwd=ROOT, environment=clean)
    packages = next((folder / "lib").glob("python3.*")) / "site-packages"
    (packages / "zz_more.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return {
        **clean,
        "PATH": os.pathsep.join((str(folder / "bin"), os.environ["PATH"])),
        "AMENT_PREFIX_PATH": str(folder),
        "CMAKE_PREFIX_PATH": str(folder),
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, and the workspace in it."""
    copy = tmp_path_factory.mktemp("workspace") / "farl"
    for path in tracked_files():
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    (copy / "ros2_ws" / "src" / "farl_ros").symlink_to(os.path.join("..", ".."))
    return copy / "ros2_ws"


@pytest.mark.parametrize("how", ["plain", "symlink"])
def test_the_workspace_is_built_and_tested(environment: dict[str, str], workspace: Path, how: str) -> None:
    # The messages are compiled once: the second build takes them up.
    link = ["--symlink-install"] if how == "symlink" else []
    only = ["--packages-select", "farl_ros"] if how == "symlink" else []
    colcon = ("python", "-m", "colcon")
    install = workspace / "install"
    if how == "symlink":
        shutil.rmtree(install / "farl_ros")
        shutil.rmtree(workspace / "build" / "farl_ros")
    run(
        *(*colcon, "build", "--executor", "sequential", *link, *only, "--cmake-args", "-G", "Ninja"),
        cwd=workspace,
        environment=environment,
    )
    prefix = install / "farl_ros"
    assert (prefix / "share" / "ament_index" / "resource_index" / "packages" / "farl_ros").is_file()
    for name in ("package.xml", "launch/finetune.launch.py", "config/tasks/bounded_push.yaml"):
        assert (prefix / "share" / "farl_ros" / name).is_file()
    policy = prefix / "lib" / "farl_ros" / "policy"
    assert os.access(policy, os.X_OK)
    shebang = policy.read_text().splitlines()[0]
    venv = environment["AMENT_PREFIX_PATH"]
    assert (
        shebang == "#!/usr/bin/env python3" if how == "plain" else shebang.startswith(f"#!{venv}/bin/python")
    )
    run(
        *(*colcon, "test", "--packages-select", "farl_ros", "--pytest-args", TESTS, "-m", "not slow"),
        cwd=workspace,
        environment=environment,
    )
    said = run(*colcon, "test-result", cwd=workspace, environment=environment)
    assert "0 errors, 0 failures" in said


def test_pip_puts_everything_where_ros_2_looks(workspace: Path, tmp_path: Path) -> None:
    """Into an environment of its own, from a wheel; an environment's prefix is one for ROS 2, too."""
    clean, venv = dict(os.environ), tmp_path / "venv"
    alone = ("--no-deps", "--no-index", "--disable-pip-version-check", "-q")
    wheels = str(tmp_path / "wheels")
    make = (sys.executable, "-m", "pip", "wheel", *alone, "--no-build-isolation", "-w", wheels, ".")
    run(*make, cwd=workspace.parent, environment=clean)
    run(sys._base_executable, "-m", "venv", str(venv), cwd=tmp_path, environment=clean)
    (wheel,) = (tmp_path / "wheels").glob("farl_ros-*.whl")
    run(
        str(venv / "bin" / "python"),
        "-m",
        "pip",
        "install",
        *alone,
        str(wheel),
        cwd=tmp_path,
        environment=clean,
    )
    assert (venv / "share" / "ament_index" / "resource_index" / "packages" / "farl_ros").is_file()
    share = venv / "share" / "farl_ros"
    for name in ("package.xml", "launch/finetune.launch.py", "config/robots/fr3.yaml"):
        assert (share / name).read_bytes() == (ROOT / name).read_bytes()
    assert (share / "models" / "BoundedPush" / "card.json").is_file()
    programs = {path.stem for path in (ROOT / "farl_ros" / "nodes").glob("*.py") if has_main(path)}
    stubs = {path.name: path for path in (venv / "lib" / "farl_ros").iterdir()}
    assert set(stubs) == {"farl", *programs}
    assert all(os.access(path, os.X_OK) for path in stubs.values())
    (venv / "bin" / "policy").write_text('#!/bin/sh\necho "policy: $*"\n')
    assert (
        run(str(stubs["policy"]), "--ros-args", "a b", cwd=tmp_path, environment=clean)
        == "policy: --ros-args a b\n"
    )
