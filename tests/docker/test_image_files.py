"""Dockerfile, .dockerignore and the scripts of the image, without building it."""

import os
import re
import shutil
import subprocess

import pathspec
import pytest

from tests.docker.files import DOCKER, ROOT

DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
STAGES = {
    re.match(r"\S+ AS (\w+)", text)[1]: text
    for text in re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
}


def ignored():
    """What .dockerignore leaves out; unlike git, Docker means every pattern from the root."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    rooted = [f"!/{p[1:]}" if p.startswith("!") else f"/{p}" for p in patterns if p != "*"]
    return pathspec.PathSpec.from_lines("gitignore", ["*", *rooted])


IGNORED = ignored()


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **options)


def test_the_targets_are_there_and_run_as_a_user_who_is_not_root():
    for name in ("runtime", "train", "dev"):
        users = re.findall(r"^USER (\w+)", STAGES[name], re.MULTILINE)
        assert users[-1] == "farl", name
    for name in ("runtime", "dev"):
        assert 'ENTRYPOINT ["/opt/farl/docker/entrypoint.sh"]' in STAGES[name]
        assert "STOPSIGNAL SIGINT" in STAGES[name]


def test_what_is_copied_from_the_checkout_is_there_and_not_ignored():
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            if source != ".":
                inside = ROOT / source
                files = [inside] if inside.is_file() else [f for f in inside.rglob("*") if f.is_file()]
                kept = [f for f in files if not IGNORED.match_file(str(f.relative_to(ROOT)))]
                assert kept, f"{source} is ignored by .dockerignore"


def test_dependencies_come_before_the_code():
    build = STAGES["build"]
    assert (
        build.index("install.sh dependencies") < build.index("COPY . .") < build.index("install.sh package")
    )
    early = re.findall(r"^COPY (.+) \S+$", build[: build.index("install.sh dependencies")], re.MULTILINE)
    copied = " ".join(early).split()
    assert {"requirements", "scripts/setup.sh", "ros2_ws/src/farl_interfaces"} <= set(copied)
    assert not {"farl", "farl_ros", "failurebench", "perception", "."} & set(copied)


def test_how_the_machine_reaches_its_servers_is_a_secret_and_nothing_else():
    for line in re.findall(r"^RUN .+$", DOCKERFILE, re.MULTILINE):
        if re.search(r"install\.sh (dependencies|franky|training)", line):
            assert "type=secret,id=pip,target=/etc/pip.conf" in line and "type=secret,id=ca" in line
        if "apt-get" in line:
            assert "type=secret,id=apt" in line and "rm -rf /var/lib/apt/lists/*" in line
    assert "required=true" not in DOCKERFILE  # without secrets it builds, too


def test_no_argument_has_the_name_of_a_variable_of_bash():
    assert not {"UID", "EUID", "PPID", "GROUPS"} & set(re.findall(r"^ARG (\w+)", DOCKERFILE, re.MULTILINE))


@pytest.mark.parametrize(
    "path",
    [
        *(
            "runs/x/settings.json",
            "demos/t/e.mcap",
            "data/runs/x",
            ".venv/bin/python",
            ".venv-sim/bin/python",
        ),
        *(
            ".setup/wheels/x.whl",
            ".git/config",
            "tests/conftest.py",
            "docker/.env",
            "models/perception/t/m.onnx",
        ),
        *(
            "farl/__pycache__/x.pyc",
            "farl_ros.egg-info/PKG-INFO",
            "ros2_ws/install/setup.bash",
            "secrets.txt",
        ),
    ],
)
def test_ignored(path):
    assert IGNORED.match_file(path)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "farl/shield.py",
            "farl_ros/report.html.j2",
            "config/robots/panda.yaml",
            "models/DiscTable/card.json",
        ),
        *("ros2_ws/src/farl_interfaces/msg/State.msg", "scripts/setup.sh", "LICENSE", "docker/entrypoint.sh"),
    ],
)
def test_not_ignored(path):
    assert (ROOT / path).is_file()
    assert not IGNORED.match_file(path)


def test_scripts_are_executable_and_in_order():
    for name in ("test.sh", "install.sh", "entrypoint.sh", "farl"):
        assert os.access(DOCKER / name, os.X_OK), name
        assert run("bash", "-n", str(DOCKER / name)).stderr == ""


def test_the_entry_point_becomes_the_command():
    command = [str(DOCKER / "entrypoint.sh"), "bash", "-c", 'echo "$$ $PATH"']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        pid, path = process.communicate(timeout=60)[0].split(" ", 1)
    assert int(pid) == process.pid
    assert path.startswith("/opt/farl/.venv/bin:")


@pytest.fixture
def checkout(tmp_path):
    """A checkout with a Python that says what it is asked to do."""
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    shutil.copytree(ROOT / "config" / "robots", tmp_path / "config" / "robots")
    return tmp_path


def test_the_franky_library_follows_the_robot(checkout):
    script = str(DOCKER / "install.sh")
    fr3 = run(script, "franky", "fr3", cwd=checkout)
    assert fr3.stdout.split() == ["-m", "pip", "install", "franky-control===2.0.0"], fr3.stderr
    panda = run(script, "franky", "panda", cwd=checkout)
    words = panda.stdout.split()
    assert words[:4] == ["-m", "pip", "install", "franky-control==2.0.0+libfranka.0.9.2"]
    assert words[4] == "--extra-index-url" and words[5].endswith("/by-robot-server-version/5/")
    other = run(script, "franky", "ur5", cwd=checkout)
    assert other.returncode == 1 and "ROBOT is one of fr3 panda" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["user", "0", "0"], "USER_UID and USER_GID must be above 0, got 0 and 0"),
        (
            ["pacakge"],
            "expected user UID GID, dependencies, franky ROBOT, package or training, got 'pacakge'",
        ),
    ],
)
def test_wrong_arguments_are_refused(arguments, expected):
    done = run(str(DOCKER / "install.sh"), *arguments)
    assert done.returncode != 0 and expected in done.stderr


@pytest.mark.parametrize(
    ("user", "programs", "arguments", "expected"),
    [
        ("1000", (), [], "needs root"),
        ("0", (), [], "buildah is missing: apt-get install"),
        ("0", ("buildah",), [], "debootstrap is missing: apt-get install"),
        ("0", (), ["prod"], "expected the target runtime, train or dev, got 'prod'"),
    ],
)
def test_the_test_says_what_a_machine_lacks(tmp_path, user, programs, arguments, expected):
    bash = shutil.which("bash")
    for name in ("dirname",):
        (tmp_path / name).symlink_to(shutil.which(name))
    for name, text in {"id": f"echo {user}", **{name: "" for name in programs}}.items():
        (tmp_path / name).write_text(f"#!{bash}\n{text}\n")
        (tmp_path / name).chmod(0o755)
    done = run(bash, str(DOCKER / "test.sh"), *arguments, env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    (sentence,) = done.stderr.strip().splitlines()
    assert sentence.startswith("docker/test.sh: ") and expected in sentence
