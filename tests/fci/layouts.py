"""Bytes of the FCI: command numbers, statuses and datagrams of server versions 5 (Panda) and 10 (FR3).

Little endian, packed. The numbers were checked by driving unmodified clients of both versions.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum, IntEnum

ARM_PORT, GRIPPER_PORT = 1337, 1338
ERRORS = 41


class Command(Enum):
    """What a client can ask of the arm."""

    CONNECT = "connect"
    MOVE = "move"
    STOP_MOVE = "stop_move"
    GET_CARTESIAN_LIMIT = "get_cartesian_limit"
    SET_COLLISION_BEHAVIOR = "set_collision_behavior"
    SET_JOINT_IMPEDANCE = "set_joint_impedance"
    SET_CARTESIAN_IMPEDANCE = "set_cartesian_impedance"
    SET_GUIDING_MODE = "set_guiding_mode"
    SET_EE_TO_K = "set_ee_to_k"
    SET_NE_TO_EE = "set_ne_to_ee"
    SET_LOAD = "set_load"
    SET_FILTERS = "set_filters"
    AUTOMATIC_ERROR_RECOVERY = "automatic_error_recovery"
    LOAD_MODEL_LIBRARY = "load_model_library"
    GET_ROBOT_MODEL = "get_robot_model"


class MoveStatus(Enum):
    """How a motion goes, and how it ended."""

    SUCCESS = "success"
    STARTED = "started"
    PREEMPTED = "preempted"
    NOT_POSSIBLE = "not_possible"
    REFLEX = "reflex"
    EMERGENCY = "emergency"
    ABORTED = "aborted"


class RobotMode(IntEnum):
    """The mode in a state datagram."""

    IDLE = 1
    MOVE = 2
    REFLEX = 4
    USER_STOPPED = 5


class Generator(IntEnum):
    """What a motion commands, as the state datagram names it."""

    IDLE = 0
    JOINT_POSITION = 1
    JOINT_VELOCITY = 2
    CARTESIAN_POSE = 3
    CARTESIAN_VELOCITY = 4
    NONE = 5  # torques alone; version 10 only


class Controller(IntEnum):
    """Who turns the motion into torques."""

    JOINT_IMPEDANCE = 0
    CARTESIAN_IMPEDANCE = 1
    EXTERNAL = 2  # the client
    OTHER = 3  # nobody asked for one: the arm holds itself


class ErrorIndex(IntEnum):
    """Places in the list of errors of a state datagram."""

    CARTESIAN_REFLEX = 7
    JOINT_POSITION_LIMIT = 12
    JOINT_VELOCITY_LIMIT = 13
    JOINT_VELOCITY_DISCONTINUITY = 14
    COMMUNICATION_CONSTRAINTS = 25
    CARTESIAN_JOINT_POSITION_LIMIT = 27
    CARTESIAN_JOINT_VELOCITY_LIMIT = 28
    CARTESIAN_JOINT_VELOCITY_DISCONTINUITY = 29


ARM_HEADER = struct.Struct("<III")  # command, command id, size with header
GRIPPER_HEADER = struct.Struct("<HII")
MOVE = struct.Struct("<II")  # controller, generator; behind them deviations that nobody uses
MATRIX = struct.Struct("<16d")  # column-major
CONNECT = struct.Struct("<HH")  # version, the client's UDP port
CONNECTED = struct.Struct("<H5x")
CARTESIAN_LIMIT = struct.Struct("<19d?")


@dataclass(frozen=True)
class Layout:
    """One version of the protocol.

    Attributes:
        version: Server version.
        commands: The arm's commands by number.
        statuses: Numbers of the motion statuses.
        state: Message id, numbers, two modes, two lists of errors, robot mode, success rate.
        padding: Numbers at the end of the state that stay 0 (accelerometers).
        command: Message id, 38 numbers, valid elbow, finished, 7 torques; version 10: torques finished.
    """

    version: int
    commands: tuple[Command, ...]
    statuses: dict[MoveStatus, int]
    state: struct.Struct
    padding: int
    command: struct.Struct


def _state(number: str, count: int) -> struct.Struct:
    return struct.Struct(f"<Q{count}{number}BB{ERRORS}?{ERRORS}?B{number}")


_C, _S = Command, MoveStatus
_SETTERS = (
    _C.SET_COLLISION_BEHAVIOR,
    _C.SET_JOINT_IMPEDANCE,
    _C.SET_CARTESIAN_IMPEDANCE,
    _C.SET_GUIDING_MODE,
    _C.SET_EE_TO_K,
    _C.SET_NE_TO_EE,
    _C.SET_LOAD,
)
_COMMON = {_S.SUCCESS: 0, _S.STARTED: 1, _S.PREEMPTED: 2}
V5 = Layout(
    5,
    (
        *(_C.CONNECT, _C.MOVE, _C.STOP_MOVE, _C.GET_CARTESIAN_LIMIT),
        *_SETTERS,
        *(_C.SET_FILTERS, _C.AUTOMATIC_ERROR_RECOVERY, _C.LOAD_MODEL_LIBRARY),
    ),
    {**_COMMON, _S.NOT_POSSIBLE: 3, _S.REFLEX: 6, _S.EMERGENCY: 7, _S.ABORTED: 9},
    _state("d", 284),
    0,
    struct.Struct("<Q38d??7d"),
)
V10 = Layout(
    10,
    (
        *(_C.CONNECT, _C.MOVE, _C.STOP_MOVE),
        *_SETTERS,
        *(_C.AUTOMATIC_ERROR_RECOVERY, _C.GET_ROBOT_MODEL),
    ),
    {**_COMMON, _S.NOT_POSSIBLE: 5, _S.REFLEX: 8, _S.EMERGENCY: 9, _S.ABORTED: 11},
    _state("f", 284 + 36),
    36,
    struct.Struct("<Q38d??7d?"),
)
LAYOUTS = {5: V5, 10: V10}
# The sizes that real clients expect; a slip in a format string ends here, not in a silent time-out.
assert (V5.state.size, V10.state.size) == (2373, 1377)
assert (V5.command.size, V10.command.size) == (370, 371)
