"""compose.yaml: what each service may do, and that what it runs exists."""

import re

import pytest
from typer.main import get_command

from farl_ros.cli import app
from farl_ros.graph import CONTROLLER, Part, finetune_graph
from farl_ros.record_graph import record_graph
from tests.docker.files import DOCKER, ROOT, compose, script, variables, words

SERVICES = compose()["services"]
COMMANDS = {
    f"{file}: {name}": service["command"]
    for file in ("compose.yaml", "compose.gpu.yaml")
    for name, service in compose(file)["services"].items()
}
WITH_CAMERA = {"learner", "record"}
WITH_ARM = {"controller", "record"}


def parsed(command):
    """The options of a `farl` command line, read by farl itself; wrong ones raise."""
    program, subcommand, *arguments = words(command)
    assert program == "farl"
    context, group = None, get_command(app)
    while hasattr(group.commands[subcommand], "commands"):
        group, subcommand, *arguments = group.commands[subcommand], *arguments
    context = group.commands[subcommand].make_context(subcommand, list(arguments))
    return context.params


def test_the_profiles_are_the_four_jobs():
    found = {profile for service in SERVICES.values() for profile in service["profiles"]}
    assert found == {"sim", "robot", "record", "train"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_stopped_gently_watched_and_without_privileges(name):
    service = SERVICES[name]
    assert "privileged" not in service
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["stop_signal"] == "SIGINT"
    assert int(service["stop_grace_period"].removesuffix("s")) >= 20
    assert service["init"] is True
    assert service["network_mode"] == service["ipc"] == "host"
    assert service["restart"] == "no"
    check = service["healthcheck"]
    assert {"test", "interval", "timeout", "start_period"} <= set(check)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_keeps_its_files_outside_and_makes_no_folder_of_roots(name):
    mounts = {mount["target"]: mount for mount in SERVICES[name]["volumes"]}
    assert {"/data/runs", "/data/demos", "/data/models", "/data/calibration"} <= set(mounts)
    for target, mount in mounts.items():
        if target not in ("/dev", "/run/udev"):
            assert mount["bind"] == {"create_host_path": False}


@pytest.mark.parametrize("name", SERVICES)
def test_real_time_belongs_to_the_arm_alone(name):
    service = SERVICES[name]
    if name in WITH_ARM:
        assert service["cap_add"] == ["SYS_NICE"]
        assert service["ulimits"] == {"rtprio": 99, "rttime": -1, "memlock": -1}
    else:
        assert "cap_add" not in service and "ulimits" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_devices_are_opened_by_rules_where_a_camera_is(name):
    service = SERVICES[name]
    targets = {mount["target"] for mount in service["volumes"]}
    if name in WITH_CAMERA:
        rules = service["device_cgroup_rules"]
        assert {"c 189:* rmw", "c 81:* rmw"} <= set(rules)
        assert all(re.fullmatch(r"c \d+:\* rmw", rule) for rule in rules)
        assert service["group_add"] == ["44", "46"]
        assert "/dev" in targets
    else:
        assert "device_cgroup_rules" not in service and "devices" not in service
        assert "/dev" not in targets


def processors(text):
    return {
        n for part in text.split(",") for n in range(int(part.split("-")[0]), int(part.split("-")[-1]) + 1)
    }


def test_controller_and_learner_share_no_processor():
    controller, learner = (processors(SERVICES[name]["cpuset"]) for name in ("controller", "learner"))
    assert controller and learner and not controller & learner


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_command_is_one_that_farl_takes(command):
    assert parsed(command)


def test_controller_and_learner_are_two_parts_of_one_job():
    controller, learner = (parsed(SERVICES[name]["command"]) for name in ("controller", "learner"))
    assert (controller.pop("nodes"), learner.pop("nodes")) == (Part.CONTROLLER, Part.REST)
    assert controller == learner
    assert SERVICES["learner"]["depends_on"] == {"controller": {"condition": "service_healthy"}}


def test_the_robot_is_in_shadow_mode_unless_asked():
    for name in ("controller", "learner"):
        assert parsed(SERVICES[name]["command"])["shadow"] is True


@pytest.mark.parametrize("name", ["controller", "learner", "record"])
def test_watched_nodes_are_those_that_run_there(name):
    part = {"controller": Part.CONTROLLER, "learner": Part.REST}
    task = "FrankaFragilePushWall"
    specs = (
        finetune_graph(task, episodes=1, sim=False, host="h", nodes=part[name])
        if name in part
        else record_graph(task, sim=False, host="h")
    )
    program, *arguments = SERVICES[name]["healthcheck"]["test"][3:]
    assert program == "/opt/farl/docker/health.py" and arguments[0] == "nodes"
    assert set(arguments[1:]) <= {spec.name for spec in specs}
    assert (CONTROLLER in arguments) == (name in WITH_ARM)


@pytest.mark.parametrize("name", ["sim", "train"])
def test_watched_folders_are_mounted(name):
    kind, seconds, folder = SERVICES[name]["healthcheck"]["test"][4:]
    assert kind == "written" and float(seconds) >= 60
    assert any(folder.startswith(mount["target"]) for mount in SERVICES[name]["volumes"])


@pytest.mark.parametrize("name", SERVICES)
def test_files_of_the_image_that_are_named_exist(name):
    service = SERVICES[name]
    named = [*service["healthcheck"]["test"], *service["environment"].values()]
    inside = [str(word) for word in named if str(word).startswith("/opt/farl/")]
    assert len(inside) == 3
    for path in inside:
        assert (ROOT / path.removeprefix("/opt/farl/")).is_file(), path


def test_every_variable_is_in_the_example_with_its_default():
    lines = (DOCKER / "example.env").read_text(encoding="utf-8").splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert example == variables()
    assert set(variables("compose.gpu.yaml")) <= set(example)


def test_build_arguments_are_those_of_the_dockerfile():
    declared = set(
        re.findall(r"^ARG (\w+)", (DOCKER / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    for service in SERVICES.values():
        assert set(service["build"]["args"]) == declared
        assert (DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).resolve().is_file()


def test_the_health_check_knows_old_from_new(tmp_path):
    health = script("health.py")
    (tmp_path / "below").mkdir()
    assert health["newest_age"](tmp_path, 0.0) == float("inf")
    assert health["problem"](["written", "120", str(tmp_path)])
    (tmp_path / "below" / "file").write_text("x")
    assert health["problem"](["written", "120", str(tmp_path)]) == ""
    with pytest.raises(ValueError, match="expected nodes NAME"):
        health["problem"](["nodes"])
