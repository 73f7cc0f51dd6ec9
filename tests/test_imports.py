"""The borders of docs/architecture.md: who may import what."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ("failurebench", "farl", "perception")
OWN = {*CORE, "farl_ros"}
ROS = {"ament_index_python", "farl_interfaces", "rclpy", "rosidl_runtime_py", "tf2_ros"}
LAUNCH = {"launch", "launch_ros"}
WITHOUT_ROS = (
    *("bags", "cli", "direct", "graph", "paths", "plugins", "report", "run", "task_spec"),
    *(
        "arm.command_chain",
        "arm.commander",
        "arm.franky_faults",
        "arm.franky_options",
        "arm.port",
        "arm.pose",
    ),
    *("arm.punctuality", "arm.registry", "arm.robots", "arm.worker"),
)


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of every absolute import, also of those inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def top(name: str) -> str:
    return name.partition(".")[0]


def is_ros(name: str) -> bool:
    return top(name) in ROS or top(name).endswith(("_msgs", "_srvs"))


def breaches(paths: list[Path], forbidden) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in paths
        for line, name in imports(path)
        if forbidden(name)
    ]


@pytest.mark.parametrize("package", CORE)
def test_core_packages_import_nothing_else_of_this_repository(package):
    assert breaches(sources(package), lambda name: top(name) in OWN - {package}) == []


def test_ros_is_imported_only_under_farl_ros():
    paths = [*sources(*CORE, "benchmarks", "launch"), ROOT / "setup.py"]
    assert breaches(paths, is_ros) == []


def test_launch_is_imported_only_under_launch():
    assert breaches(sources(*OWN, "benchmarks"), lambda name: top(name) in LAUNCH) == []


def test_launch_files_import_only_launch_and_the_graph():
    def forbidden(name: str) -> bool:
        return not (
            top(name) in LAUNCH | set(sys.stdlib_module_names)
            or f"{name}.".startswith(("farl_ros.graph.", "farl_ros.record_graph.", "farl_ros.replay_graph."))
        )

    assert sources("launch") != []
    assert breaches(sources("launch"), forbidden) == []


def test_tests_mirror_the_source_folders():
    folders = {path.name for path in (ROOT / "tests").iterdir() if any(path.glob("test_*.py"))}
    assert folders <= {*OWN, "launch", "benchmarks", "docs", "docker", "documented"}


@pytest.mark.parametrize("module", WITHOUT_ROS)
def test_module_is_imported_without_ros(module):
    code = f"import sys; sys.modules['rclpy'] = None; import farl_ros.{module}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
