"""The robot files: the makers' numbers, and what is said to those who write a wrong one."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from pydantic import ValidationError
from ruamel.yaml import YAML

from farl_ros.arm.robots import RobotError, load_robot, robot_speaking

ROBOTS = Path(__file__).parents[2] / "config" / "robots"


def read(robot: str) -> dict:
    return YAML(typ="safe", pure=True).load(ROBOTS / f"{robot}.yaml")


@pytest.fixture
def wrong(tmp_path):
    """Load a panda file with one entry changed: a path of keys, and the new value."""

    def load(path: str, value: object):
        content = read("panda")
        *folders, key = path.split(".")
        place = content
        for name in folders:
            place = place[name]
        place[key] = value
        file = tmp_path / "wrong.yaml"
        YAML().dump(content, file)
        return load_robot(file)

    return load


@pytest.mark.parametrize(("asked", "name"), [("panda", "Panda"), ("FR3", "FR3"), ("fr3", "FR3")])
def test_a_robot_is_found_by_its_name_in_any_case(asked, name):
    assert load_robot(asked).name == name


def test_an_unknown_robot_names_the_nearest_and_all():
    with pytest.raises(RobotError, match=r"no robot 'pnda'; did you mean 'panda'\? Available: fr3, panda"):
        load_robot("pnda")


def test_the_pandas_limits_are_its_makers():
    """Franka's documentation, limits for the FER; libfranka 0.9.2 rate_limiting.h."""
    limits = load_robot("panda").limits
    rates = [
        (r.velocity, r.acceleration, r.jerk) for r in (limits.translation, limits.rotation, limits.elbow)
    ]
    assert rates == [(1.7, 13.0, 6500.0), (2.5, 25.0, 12500.0), (2.175, 10.0, 5000.0)]
    assert limits.joints.lower == (-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973)
    assert limits.joints.upper == (2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973)
    assert limits.joints.velocity == (2.175,) * 4 + (2.61,) * 3
    assert limits.joints.acceleration == (15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0)
    assert limits.joints.jerk == (7500.0, 3750.0, 5000.0, 6250.0, 7500.0, 10000.0, 10000.0)


def test_the_fr3s_limits_are_its_makers():
    """Franka's documentation, limits for the FR3; libfranka 0.15 rate_limiting.h."""
    limits = load_robot("fr3").limits
    rates = [
        (r.velocity, r.acceleration, r.jerk) for r in (limits.translation, limits.rotation, limits.elbow)
    ]
    assert rates == [(3.0, 9.0, 4500.0), (2.5, 17.0, 8500.0), (1.5, 10.0, 5000.0)]
    assert limits.joints.lower == (-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159)
    assert limits.joints.upper == (2.7437, 1.7837, 2.9007, -0.1518, 2.8065, 4.5169, 3.0159)
    assert limits.joints.velocity == (2.62,) * 4 + (5.26, 4.18, 5.26)
    assert limits.joints.acceleration == (10.0,) * 7 and limits.joints.jerk == (5000.0,) * 7


@pytest.mark.parametrize("robot", ["panda", "fr3"])
def test_the_install_command_asks_for_the_wheel_of_this_robot_and_no_other(robot):
    """pip takes ``2.0.0+libfranka.0.9.2`` for ``==2.0.0``: neither may be met by the other's wheel."""
    spec = load_robot(robot)
    requirement = Requirement(spec.install.split('"')[1])
    assert requirement.name == "franky-control" and spec.install.startswith("pip install ")
    assert requirement.specifier.contains(spec.franky_version)
    other = load_robot("fr3" if robot == "panda" else "panda")
    assert not requirement.specifier.contains(other.franky_version)


def test_a_robot_is_found_by_the_version_that_it_speaks():
    assert robot_speaking(5).name == "Panda" and robot_speaking(10).name == "FR3"
    assert robot_speaking(8) is None


@pytest.mark.parametrize("robot", ["panda", "fr3"])
def test_a_silent_controller_stops_the_arm_within_300_ms_at_5_hz(robot):
    watchdog = load_robot(robot).watchdog
    assert max(watchdog.stale_command, watchdog.dead_man) / 5.0 <= 0.3


@pytest.mark.parametrize("robot", ["panda", "fr3"])
def test_the_chains_speed_stays_within_what_the_arm_is_allowed(robot):
    spec = load_robot(robot)
    share = spec.relative_dynamics.velocity
    assert spec.control.speed.translation <= share * spec.limits.translation.velocity
    assert spec.control.speed.rotation <= share * spec.limits.rotation.velocity


def test_a_gripper_action_of_one_closes():
    gripper = load_robot("panda").gripper
    assert gripper.width_of(1.0) == pytest.approx(0.0)
    assert gripper.width_of(-1.0) == 0.08 and gripper.width_of(0.0) == pytest.approx(0.04)


def test_a_limit_of_zero_is_a_limit(wrong):
    assert wrong("control.leash.translation", 0.0).control.leash.translation == 0.0


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("limts", {}, "unknown key 'limts'; the nearest valid key is 'limits'"),
        ("control.leesh", 0.1, "control: unknown key 'leesh'; the nearest valid key is 'leash'"),
        ("limits.elbow.jerks", 1.0, "limits.elbow: unknown key 'jerks'; the nearest valid key is 'jerk'"),
        (
            "control.leash.translation",
            -0.01,
            "control.leash.translation: Input should be greater than or equal",
        ),
        ("control.speed.rotation", float("inf"), "control.speed.rotation: Input should be a finite number"),
        ("fci_server_version", "5", "fci_server_version: Input should be a valid integer; got '5'"),
        ("limits.joints.velocity", [1.0] * 6, "limits.joints.velocity.6: Field required"),
        ("limits.joints.lower", [3.0] * 7, "joint 1: lower 3.0 must not exceed upper 2.8973"),
        ("home", [0.0] * 7, "home: joint 4 at 0.0 rad, but its range is -3.0718 to -0.0698 rad"),
        ("collision.contact_torque", [30.0] * 7, "must not exceed collision_torque"),
        ("collision.contact_force", [40.0] * 6, "must not exceed collision_force"),
        ("gripper.closed_width", 0.1, "closed_width 0.1 must not exceed open_width 0.08"),
        ("relative_dynamics.jerk", 1.5, "relative_dynamics.jerk: Input should be less than or equal to 1"),
        ("watchdog.dead_man", 1.0, "watchdog.dead_man: Input should be greater than 1"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong_in_it(wrong, path, value, message):
    with pytest.raises(RobotError) as caught:
        wrong(path, value)
    assert "wrong.yaml:" in str(caught.value) and message in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RobotError, match=r"nowhere\.yaml: cannot be read \(No such file"):
        load_robot(tmp_path / "nowhere.yaml")


def test_a_spec_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        load_robot("panda").fci_server_version = 10


@pytest.mark.parametrize("robot", ["panda", "fr3"])
def test_every_list_states_its_unit(robot):
    for line in (ROBOTS / f"{robot}.yaml").read_text().splitlines():
        if "[" in line.partition("#")[0] and not line.startswith("home"):  # its unit stands above it
            assert "[" in line.partition("#")[2], line
