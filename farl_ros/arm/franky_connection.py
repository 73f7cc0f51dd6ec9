"""Finding the robot, and setting it up: nothing is left at franky's defaults."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from farl_ros.arm.backend import ArmError, FaultKind
from farl_ros.arm.franky_faults import kind_of_message
from farl_ros.arm.franky_options import FrankyOptions
from farl_ros.arm.port import PROBE_TIMEOUT, Contact, probe_port
from farl_ros.arm.robots import RobotSpec, robot_speaking

try:
    import franky
except ImportError:  # an optional package, which only this backend needs
    franky = None

_VERSIONS = re.compile(r"server version: (\d+), library version: (\d+)")


def require_franky(robot: RobotSpec) -> None:
    """Check that the franky for this robot is installed.

    Raises:
        ArmError: It is not; with the command that installs it.
    """
    if franky is None:
        raise ArmError(FaultKind.VERSION, f"the package franky is not installed. Install it: {robot.install}")
    try:
        installed = version("franky-control")
    except PackageNotFoundError:
        return  # built from source: whoever did that knows for which robot
    if installed != robot.franky_version:
        raise ArmError(
            FaultKind.VERSION,
            f"{robot.name} needs franky-control {robot.franky_version}, installed is {installed}. "
            f"Install the right one: {robot.install}",
        )


def connect(robot: RobotSpec, options: FrankyOptions) -> franky.Robot:
    """A connected robot with all its limits set.

    Raises:
        ArmError: There is no robot, it refuses, or it is another one.
    """
    require_franky(robot)
    probe(options.host)
    enforce = franky.RealtimeConfig.Enforce
    real_time = enforce if options.enforce_real_time else franky.RealtimeConfig.Ignore
    try:
        arm = franky.Robot(options.host, realtime_config=real_time)
        set_limits(arm, robot)
    except franky.IncompatibleVersionException as error:
        raise ArmError(FaultKind.VERSION, mismatch(str(error), options.host)) from error
    except franky.RealtimeException as error:
        raise ArmError(
            FaultKind.COMMUNICATION,
            f"{error} Packets would come late and the robot would stop: boot a PREEMPT_RT kernel and allow "
            "this user real-time priority",
        ) from error
    except (franky.Exception, RuntimeError) as error:
        raise ArmError(kind_of_message(str(error)), f"{options.host}: {error}") from error
    return arm


def probe(host: str) -> None:
    """Ask for a TCP connection.

    Raises:
        ArmError: Nobody answers.
    """
    facts = probe_port(host, attempts=1)
    if facts.contact != Contact.ANSWERED:
        raise ArmError(
            FaultKind.NETWORK,
            f"no robot at {facts.address} ({facts.detail}); expected one within {PROBE_TIMEOUT:g} s. "
            "Check the address and the cable, and that FCI is activated in Desk",
        )


def mismatch(message: str, host: str) -> str:
    """What to do about libfranka's complaint that the versions differ."""
    found = _VERSIONS.search(message)
    if found is None:
        return f"{host}: {message}"
    server, library = int(found[1]), int(found[2])
    said = f"the robot at {host} speaks FCI version {server}, the installed franky version {library}"
    fitting = robot_speaking(server)
    if fitting is None:
        return f"{said}. No franky is known for version {server}: update the robot's system"
    return f"{said}. This robot is a {fitting.name}; install its franky: {fitting.install}"


def set_limits(arm: franky.Robot, robot: RobotSpec) -> None:
    """Set the twelve limits and the collision thresholds from the robot's own tables.

    franky takes no value above what it holds for its own robot, and mixes the tables of the robots up: the
    smaller value of the two is used.
    """
    limits = robot.limits
    for name, rates in (
        ("translation", limits.translation),
        ("rotation", limits.rotation),
        ("elbow", limits.elbow),
        ("joint", limits.joints),
    ):
        for rate in ("velocity", "acceleration", "jerk"):
            limit = getattr(arm, f"{name}_{rate}_limit")
            limit.set(np.minimum(getattr(rates, rate), limit.max))
    # Every motion has its own share. Not MAX_DYNAMICS: multiplied with any share, that is MAX_DYNAMICS again.
    arm.relative_dynamics_factor = franky.RelativeDynamicsFactor(1.0, 1.0, 1.0)
    collision = robot.collision
    arm.set_collision_behavior(
        list(collision.contact_torque),
        list(collision.collision_torque),
        list(collision.contact_force),
        list(collision.collision_force),
    )
