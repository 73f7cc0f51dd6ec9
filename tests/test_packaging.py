"""What a user, pip and colcon get from this repository: packages, files, executables, pins."""

import ast
import os
import re
import runpy
import subprocess
from pathlib import Path

import pytest
import setuptools
from catkin_pkg.package import parse_package
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
INTERFACES = ROOT / "ros2_ws" / "src" / "farl_interfaces"
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
MACHINE_PATH = re.compile(r"(?<![\w.$}~])/(?:root|home|work|Users|tmp)/\w")
REGISTRY_HOST = re.compile(r"\b(?:pypi|pythonhosted|deb\.debian|npmjs|download\.pytorch)\.org\b")


@pytest.fixture(scope="module")
def setup_arguments():
    """What setup.py hands to setuptools."""
    recorded = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(setuptools, "setup", lambda **arguments: recorded.update(arguments))
        runpy.run_path(str(ROOT / "setup.py"))
    return recorded


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout: asks git which files belong to the repository")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file() and not path.is_symlink()]


@pytest.mark.parametrize("folder", [ROOT, INTERFACES], ids=["farl_ros", "farl_interfaces"])
def test_package_manifest_is_valid_format_3(folder):
    warnings: list[str] = []
    package = parse_package(str(folder / "package.xml"), warnings=warnings)
    package.validate(warnings=warnings)
    assert warnings == []
    assert package.package_format == 3
    assert package.licenses == ["Apache-2.0"]


def test_both_packages_and_setup_have_one_version(setup_arguments):
    manifests = [parse_package(str(folder / "package.xml")).version for folder in (ROOT, INTERFACES)]
    wheel = re.search(r'^version = "(.+)"$', (INTERFACES / "pyproject.toml").read_text(), re.MULTILINE)
    assert {*manifests, wheel[1]} == {setup_arguments["version"]}
    assert setup_arguments["name"] == "farl_ros"


def test_every_module_is_in_a_listed_package(setup_arguments):
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for name in ("failurebench", "farl", "farl_ros", "perception")
        for path in (ROOT / name).rglob("*.py")
    }
    assert folders == set(setup_arguments["packages"])


def test_files_beside_the_modules_are_package_data(setup_arguments):
    for package in setup_arguments["packages"]:
        folder = ROOT.joinpath(*package.split("."))
        patterns = setup_arguments["package_data"].get(package, [])
        beside = [path for path in folder.iterdir() if path.is_file() and path.suffix not in (".py", ".pyc")]
        assert [path for path in beside if not any(path.match(pattern) for pattern in patterns)] == []


def test_executables_are_the_command_line_and_the_nodes(setup_arguments):
    entries = dict(
        re.split(r"\s*=\s*", entry) for entry in setup_arguments["entry_points"]["console_scripts"]
    )
    assert entries.pop("farl") == "farl_ros.cli:main"
    programs = {path.stem for path in (ROOT / "farl_ros" / "nodes").glob("*.py") if has_main(path)}
    assert entries == {name: f"farl_ros.nodes.{name}:main" for name in programs}


def has_main(path: Path) -> bool:
    """Whether the module defines or assigns `main`; that is what tells a node from its helpers."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = [target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)]
        if "main" in [*names, getattr(node, "name", None)]:
            return True
    return False


def test_data_files_keep_their_place(setup_arguments):
    data = {file: target for target, files in setup_arguments["data_files"] for file in files}
    assert data["resource/farl_ros"] == "share/ament_index/resource_index/packages"
    assert data["package.xml"] == "share/farl_ros"
    for folder in ("config", "launch", "models"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                relative = path.relative_to(ROOT)
                assert data[str(relative)] == f"share/farl_ros/{relative.parent}"
    assert all((ROOT / file).is_file() for file in data)


def test_workspace_link_leads_to_the_root():
    link = ROOT / "ros2_ws" / "src" / "farl_ros"
    assert os.readlink(link) == os.path.join("..", "..")
    assert link.resolve() == ROOT


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_requirements_are_pinned_exactly(path):
    for line in requirement_lines(path):
        (specifier,) = Requirement(line).specifier
        assert specifier.operator == "==" and "*" not in specifier.version, f"{path.name}: {line}"


def test_every_package_has_one_pin():
    pins: dict[str, set[str]] = {}
    for path in REQUIREMENTS:
        for line in requirement_lines(path):
            requirement = Requirement(line)
            pins.setdefault(canonicalize_name(requirement.name), set()).add(str(requirement.specifier))
    assert {name: versions for name, versions in pins.items() if len(versions) > 1} == {}


def requirement_lines(path: Path) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith(("-r ", "-c "))]


def test_no_machine_paths_or_registry_hosts():
    found = []
    for path in tracked_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a binary file, such as a checkpoint
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
            for number, line in enumerate(lines, 1)
            if MACHINE_PATH.search(line) or REGISTRY_HOST.search(line)
        ]
    assert found == []


def test_scripts_are_executable():
    for name in (".ci/run", "scripts/setup.sh", "scripts/test-robot.sh"):
        assert os.access(ROOT / name, os.X_OK), f"{name} is not executable"
