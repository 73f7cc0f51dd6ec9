"""docs/extending.md is a test: its files become a package outside of the repository, its commands are run.

The quick test runs them in this process with an offline phase of seconds; the slow one runs them verbatim.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from farl_ros import cli
from farl_ros.run import RunFolder
from tests.farl_ros.arm.metronome import counts_when_punctual

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "extending.md"
BLOCK = re.compile(r'^```(\w+) title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
COMMANDS = {title: body.splitlines() for language, title, body in BLOCKS if language == "bash"}
QUICK = {"task": 8, "recovery": 4, "failure": 16}
"""Demonstrations of the quick test."""


@dataclass(frozen=True)
class Installed:
    """The tutorial's package: where its source is, and the folder that pip has installed it into."""

    work: Path
    target: Path


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Write the page's files, install them with pip outside of this environment, and put that on the path."""
    work = tmp_path_factory.mktemp("tutorial")
    for language, title, body in BLOCKS:
        if language != "bash":
            (work / title).parent.mkdir(parents=True, exist_ok=True)
            (work / title).write_text(body, encoding="utf-8")
    target = work / "installed"
    alone = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", *alone, "--target", str(target), "./farl-tray"],
        cwd=work,
        check=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(target))
        yield Installed(work, target)


def test_every_block_of_the_page_is_a_file_or_a_known_group_of_commands() -> None:
    fences = PAGE.read_text(encoding="utf-8").count("\n```") // 2
    assert len(BLOCKS) == fences, "a block without a title is not tested"
    assert set(COMMANDS) == {"task", "contract", "arm"}


@pytest.mark.timeout(1200)
def test_the_task_in_short(
    package: Installed, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from tests.farl_ros.test_cli import small  # an offline phase of seconds

    monkeypatch.chdir(package.work)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("farl_ros.offline.offline_settings", small)
    ran = []
    for line in COMMANDS["task"]:
        program, command, *arguments = shlex.split(line)
        if program != "farl" or command == "evaluate":
            continue  # pip has run; the slow test evaluates
        run = [command, *arguments]
        if command == "demos":
            run += ["--episodes", str(QUICK[arguments[arguments.index("--kind") + 1]])]
        if command == "finetune":
            run[run.index("--episodes") + 1] = "1"
            run += ["--out", f"run{len(ran)}", "--seed", "3"]
        monkeypatch.setattr(sys, "argv", ["farl", *run])
        try:
            cli.main()
        except SystemExit as ended:
            assert not ended.code, f"{line}: {capfd.readouterr().out}"
        ran.append(command)
        said = capfd.readouterr().out
        if command == "tasks":
            assert re.search(r"TrayBall +farl-tray 0\.1\.0", said)
        if command == "replay":
            assert "bit for bit the same states" in said
    assert ran == ["tasks", *["demos"] * 3, "offline", "finetune", "finetune", "replay"]
    through_graph, direct = (RunFolder.open(package.work / f"run{index}") for index in (5, 6))
    told = [
        {key: run.summary()[key] for key in ("episodes", "steps", "mean_return")}
        for run in (through_graph, direct)
    ]
    assert told[0] == told[1] and told[0]["episodes"] == 1


@counts_when_punctual
def test_the_arm_keeps_the_contract(package: Installed) -> None:
    namespace: dict[str, object] = {}
    exec((package.work / "farl-tray" / "test_gantry.py").read_text(), namespace)
    tests = [item for name, item in namespace.items() if name.startswith("test_")]
    assert len(tests) == 1
    for test in tests:
        test()


def test_the_controller_drives_the_arm_in_real_time(package: Installed) -> None:
    from tests.farl_ros.arm.node_driving import ControlledArm

    with ControlledArm("", backend="gantry") as arm:
        start = arm.now.position
        ends = arm.drive((0.0, 0.05, 0.0), 1.6)
        way = ends[-1].position - start
    assert np.hypot(way[0], way[2]) < 1e-6
    assert 0.03 < way[1] < 0.09  # 8 cm, less where a busy machine decided late
    assert [h.position[1] for h in ends] == sorted(h.position[1] for h in ends)


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)  # the offline phase in earnest: ten minutes of a free core
def test_the_whole_page_as_it_stands(package: Installed) -> None:
    whole = package.work / "whole"
    whole.mkdir()
    (whole / "farl-tray").symlink_to(package.work / "farl-tray")
    environment = {
        **os.environ,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "PYTHONPATH": os.pathsep.join((str(package.target), str(ROOT))),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
    }
    for title in ("task", "contract", "arm"):
        for line in COMMANDS[title]:
            if not line.startswith("pip "):  # installed already, not into this environment
                done = subprocess.run(
                    line, shell=True, cwd=whole, env=environment, capture_output=True, text=True, check=False
                )
                print(f"$ {line}\n{done.stdout[-1500:]}")
                assert done.returncode == 0, f"{line}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    runs = sorted((whole / "runs").glob("*-TrayBall-paper-s0"))
    assert [RunFolder.open(path).summary()["episodes"] for path in runs] == [20, 20]
    assert "15 actions; the hand was at most" in done.stdout, "the last command was the replay on the arm"
