"""The hand's end of the connection: gripper protocol version 3."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections import Counter
from dataclasses import dataclass
from enum import IntEnum

from tests.fci.layouts import CONNECT, GRIPPER_HEADER, GRIPPER_PORT

VERSION = 3
MAX_WIDTH = 0.08  # [m]
STATE = struct.Struct("<Idd?H")  # message id, width [m], greatest width [m], grasped, temperature [deg C]
GRASP = struct.Struct("<5d")  # width, how far it may be inside and outside of it [m], speed [m/s], force [N]
MOVE = struct.Struct("<2d")  # width [m], speed [m/s]
HOMING_SPEED = 0.1  # [m/s]
assert STATE.size == 23


class Command(IntEnum):
    """What a client can ask of the hand."""

    CONNECT = 0
    HOMING = 1
    GRASP = 2
    MOVE = 3
    STOP = 4


class Status(IntEnum):
    """What the hand answers."""

    SUCCESS = 0
    FAIL = 1
    UNSUCCESSFUL = 2
    ABORTED = 3


@dataclass
class Job:
    """A movement under way: where to [m], how fast [m/s], and what makes it a success when it ends."""

    command: Command
    command_id: int
    width: float
    speed: float
    grasp: tuple[float, float] | None = None
    arrived: float | None = None


class GripperServer:
    """One client at a time.

    Attributes:
        object_width: Of what lies between the fingers [m]; they go no further.
        delay: From arriving to the answer [s].
        commands: How often each command came.
    """

    def __init__(self, host: str) -> None:
        self.width, self.object_width, self.delay = 0.04, 0.0, 0.0
        self.commands = Counter[Command]()
        self._listener = socket.create_server((host, GRIPPER_PORT))
        self._tcp: socket.socket | None = None
        self._udp: socket.socket | None = None
        self._received, self._message_id, self._grasped = b"", 0, False
        self._job: Job | None = None

    def cycle(self, seconds: float) -> None:
        """Answer, move for so long, report."""
        try:
            self._accept()
            self._read_commands()
            self._move(seconds)
            self._report()
        except (ConnectionError, BrokenPipeError):
            self.drop()

    def drop(self) -> None:
        """Close the connection."""
        for connection in (self._tcp, self._udp):
            if connection is not None:
                connection.close()
        self._tcp = self._udp = self._job = None
        self._received = b""

    def _accept(self) -> None:
        if self._tcp is None and select.select([self._listener], [], [], 0)[0]:
            self._tcp, (self._peer, _) = self._listener.accept()
            self._tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _read_commands(self) -> None:
        if self._tcp is None or not select.select([self._tcp], [], [], 0)[0]:
            return
        data = self._tcp.recv(4096)
        if not data:
            raise ConnectionResetError
        self._received += data
        while len(self._received) >= GRIPPER_HEADER.size:
            number, command_id, size = GRIPPER_HEADER.unpack_from(self._received)
            if len(self._received) < size:
                return
            payload, self._received = self._received[GRIPPER_HEADER.size : size], self._received[size:]
            self._obey(Command(number), command_id, payload)

    def _obey(self, command: Command, command_id: int, payload: bytes) -> None:
        self.commands[command] += 1
        if command == Command.CONNECT:
            _, port = CONNECT.unpack(payload)
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._udp.connect((self._peer, port))
            self._reply(command, command_id, Status.SUCCESS, struct.pack("<H", VERSION))
            return
        if self._job is not None:
            self._reply(self._job.command, self._job.command_id, Status.ABORTED)
            self._job = None
        if command == Command.STOP:
            self._reply(command, command_id, Status.SUCCESS)
            return
        self._grasped = False
        if command == Command.HOMING:
            self._job = Job(command, command_id, MAX_WIDTH, HOMING_SPEED)
        elif command == Command.MOVE:
            width, speed = MOVE.unpack(payload)
            self._job = Job(command, command_id, width, speed)
        else:
            width, inside, outside, speed, _ = GRASP.unpack(payload)
            self._job = Job(command, command_id, 0.0, speed, (width - inside, width + outside))

    def _reply(self, command: Command, command_id: int, status: Status, payload: bytes = b"") -> None:
        assert self._tcp is not None
        size = GRIPPER_HEADER.size + 2 + len(payload)
        self._tcp.sendall(
            GRIPPER_HEADER.pack(command, command_id, size) + struct.pack("<H", status) + payload
        )

    def _move(self, seconds: float) -> None:
        job = self._job
        if job is None:
            return
        goal = min(max(job.width, self.object_width), MAX_WIDTH)
        reach = job.speed * seconds
        self.width += min(max(goal - self.width, -reach), reach)
        if abs(self.width - goal) > 1e-6:
            return
        now = time.monotonic()
        job.arrived = now if job.arrived is None else job.arrived
        if now - job.arrived < self.delay:
            return
        if job.grasp is None:
            reached = abs(goal - job.width) < 1e-3
        else:
            reached = self._grasped = job.grasp[0] < self.width < job.grasp[1]
        self._job = None
        self._reply(job.command, job.command_id, Status.SUCCESS if reached else Status.UNSUCCESSFUL)

    def _report(self) -> None:
        if self._udp is None:
            return
        self._message_id += 1
        with contextlib.suppress(OSError):  # a client that has just gone; TCP tells
            self._udp.send(STATE.pack(self._message_id, self.width, MAX_WIDTH, self._grasped, 25))
