"""What scripts/setup.sh says on a machine that lacks something: one sentence, before anything is made."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("awk", "bash", "cat", "cut", "df", "dirname", "sha256sum")
PROGRAM = """#!{bash}
case "$*" in
*_base_executable*) echo "$0 {version}" ;;
*ensurepip*) exit {no_ensurepip} ;;
*Python.h*) exit {no_headers} ;;
*) echo 3.11 ;;
esac
"""


@pytest.fixture
def machine(tmp_path):
    """A copy of what the set-up reads, and a PATH with a few tools, compilers and a pretended Python."""

    def run(version="3.11.2", no_ensurepip=0, no_headers=0, system="Linux x86_64", compilers=("gcc", "g++")):
        for name in ("scripts", "requirements"):
            shutil.copytree(ROOT / name, tmp_path / name)
        programs = tmp_path / "programs"
        programs.mkdir()
        for name in TOOLS:
            (programs / name).symlink_to(shutil.which(name))
        bash = shutil.which("bash")
        python = PROGRAM.format(bash=bash, version=version, no_ensurepip=no_ensurepip, no_headers=no_headers)
        scripts = {"python3": python, "uname": f"#!{bash}\necho {system}\n"}
        scripts |= {name: f"#!{bash}\n" for name in compilers}
        for name, text in scripts.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        done = subprocess.run(
            ["bash", "scripts/setup.sh"],
            cwd=tmp_path,
            env={"PATH": str(programs), "HOME": os.devnull},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert not (tmp_path / ".venv").exists()
        (sentence,) = done.stderr.strip().splitlines()
        return sentence

    return run


@pytest.mark.parametrize(
    ("lacks", "expected"),
    [
        ({"version": "3.13.0"}, "needs Python 3.11 or 3.12 (python3 is 3.13.0, tried python3 python3.12"),
        ({"no_ensurepip": 1}, "install the Debian package python3.11-venv"),
        ({"no_headers": 1}, "install the Debian package python3.11-dev"),
        ({"compilers": ("gcc",)}, "install the Debian package build-essential"),
        ({"system": "Linux aarch64"}, "x86_64 only and this is Linux aarch64"),
    ],
    ids=["python", "venv", "headers", "compiler", "machine"],
)
def test_what_is_missing_is_said_in_one_sentence(machine, lacks, expected):
    sentence = machine(**lacks)
    assert sentence.startswith("set-up: ")
    assert expected in sentence
