"""One robot, one file: ``config/robots/<robot>.yaml`` as a frozen, validated ``RobotSpec``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from farl_ros.paths import share_folder
from farl_ros.task_fields import Name
from perception.strict_model import StrictModel, nearest, problems, read_yaml

Limit = Annotated[float, Field(ge=0.0)]
"""0.0 is a limit: no motion at all."""
Share = Annotated[float, Field(gt=0.0, le=1.0)]
Joints = Annotated[tuple[float, float, float, float, float, float, float], Field(strict=False)]
JointLimits = Annotated[tuple[Limit, Limit, Limit, Limit, Limit, Limit, Limit], Field(strict=False)]
Wrench = Annotated[tuple[Limit, Limit, Limit, Limit, Limit, Limit], Field(strict=False)]


REST = 0.3
"""The project's bound on the time from a fault, or a command that was due, to standing still [s]."""


class RobotError(ValueError):
    """A robot is unknown, or its file is wrong; the message names the file and the nearest valid choice."""


class Rates(StrictModel):
    """Most that one kind of motion may have: per second, per second squared, per second cubed [m or rad]."""

    velocity: Limit
    acceleration: Limit
    jerk: Limit


class JointSpace(StrictModel):
    """What each joint may do: positions [rad], velocities [rad/s], accelerations [rad/s2], jerks [rad/s3]."""

    lower: Joints
    upper: Joints
    velocity: JointLimits
    acceleration: JointLimits
    jerk: JointLimits

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for joint, (low, high) in enumerate(zip(self.lower, self.upper, strict=True), start=1):
            if low > high:
                raise ValueError(f"joint {joint}: lower {low} must not exceed upper {high}")
        return self


class RobotLimits(StrictModel):
    """What the robot may do at most, from its maker's documents."""

    translation: Rates
    rotation: Rates
    elbow: Rates
    joints: JointSpace


class RelativeDynamics(StrictModel):
    """Share of the robot's limits that is used."""

    velocity: Share
    acceleration: Share
    jerk: Share


class Collision(StrictModel):
    """External torques [Nm] and forces [N, Nm]: where the robot reports a contact, and where it stops."""

    contact_torque: JointLimits
    collision_torque: JointLimits
    contact_force: Wrench
    collision_force: Wrench

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for kind, contact, collision in (
            ("torque", self.contact_torque, self.collision_torque),
            ("force", self.contact_force, self.collision_force),
        ):
            if any(low > high for low, high in zip(contact, collision, strict=True)):
                raise ValueError(f"contact_{kind} {contact} must not exceed collision_{kind} {collision}")
        return self


class Gripper(StrictModel):
    """The hand: widths between the fingers [m], speed of the width [m/s], force of a grasp [N]."""

    closed_width: Limit
    open_width: Limit
    speed: PositiveFloat
    force: Limit

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.closed_width > self.open_width:
            raise ValueError(f"closed_width {self.closed_width} must not exceed open_width {self.open_width}")
        return self

    def width_of(self, share: float) -> float:
        """Width [m] that a gripper action in [-1, 1] stands for: 1 is closed, -1 open."""
        return self.open_width + 0.5 * (1.0 + share) * (self.closed_width - self.open_width)


class Reach(StrictModel):
    """A limit on translations [m] and rotations [rad], or on their rates [m/s, rad/s]."""

    translation: Limit
    rotation: Limit


class Control(StrictModel):
    """Limits of the command chain: for each action, to the measured pose, and for each second."""

    step: Reach
    leash: Reach
    speed: Reach


class Watchdog(StrictModel):
    """When the arm stops by itself [control periods].

    More than one, or a punctual command would come too late; at most two, so that an arm that nobody commands
    does not run on.
    """

    stale_command: float = Field(gt=1.0, le=2.0)
    dead_man: float = Field(gt=1.0, le=2.0)


class RobotSpec(StrictModel):
    """What controller, backend and preflight must know of a robot; the YAML files explain every key."""

    name: Name
    fci_server_version: PositiveInt
    franky_version: Name
    install: Name
    limits: RobotLimits
    relative_dynamics: RelativeDynamics
    collision: Collision
    home: Joints
    gripper: Gripper
    control: Control
    watchdog: Watchdog

    @model_validator(mode="after")
    def _home_is_reachable(self) -> Self:
        joints = self.limits.joints
        for joint, (low, angle, high) in enumerate(
            zip(joints.lower, self.home, joints.upper, strict=True), start=1
        ):
            if not low <= angle <= high:
                raise ValueError(f"home: joint {joint} at {angle} rad, but its range is {low} to {high} rad")
        return self


def load_robot(name_or_path: str | Path) -> RobotSpec:
    """Load a robot by name (``panda``, ``FR3``, in any case) or from a YAML file.

    Raises:
        RobotError: There is no such robot, or its file is wrong.
    """
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml"):
        return _load_file(path)
    files = {file.stem: file for file in _files()}
    if not files:
        raise RobotError(
            f"no robot files in {share_folder() / 'config' / 'robots'}; expected <robot>.yaml there"
        )
    wanted = str(name_or_path).lower()
    if wanted not in files:
        raise RobotError(
            f"no robot {str(name_or_path)!r}; did you mean {nearest(wanted, files)!r}? "
            f"Available: {', '.join(files)}, or a YAML file"
        )
    return _load_file(files[wanted])


def robot_speaking(fci_server_version: int) -> RobotSpec | None:
    """The shipped robot whose control interface has that version; None if there is none."""
    robots = (_load_file(file) for file in _files())
    return next((robot for robot in robots if robot.fci_server_version == fci_server_version), None)


def _files() -> list[Path]:
    return sorted((share_folder() / "config" / "robots").glob("*.yaml"))


def _load_file(path: Path) -> RobotSpec:
    try:
        return RobotSpec.model_validate(read_yaml(path))
    except ValidationError as error:
        raise RobotError(f"{path}:\n  {problems(error)}") from error
    except ValueError as error:
        raise RobotError(str(error)) from error
