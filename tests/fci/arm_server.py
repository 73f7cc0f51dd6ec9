"""The arm's end of the connection: commands over TCP, a state every millisecond and its answer over UDP."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections import Counter

import numpy as np

from tests.fci.body import Body, Motion, Setpoint
from tests.fci.kinematics import Matrix
from tests.fci.layouts import (
    ARM_HEADER,
    ARM_PORT,
    CARTESIAN_LIMIT,
    CONNECT,
    CONNECTED,
    MATRIX,
    MOVE,
    Command,
    Controller,
    Generator,
    Layout,
    MoveStatus,
    RobotMode,
)
from tests.fci.state_frame import pack_state

LOCK_STEP = 0.05
"""So long a state waits for the client's answer to the one before [s]: a busy machine is no lossy network."""


class ArmServer:
    """One client at a time.

    Attributes:
        commands: How often each command came.
        frozen: Answers nothing and stands still, as if the control unit hung.
        claimed_version: The version that the client is told; another than it speaks is refused.
    """

    def __init__(self, layout: Layout, host: str, body: Body, model: bytes) -> None:
        self.body, self.commands, self.frozen = body, Counter[Command](), False
        self.claimed_version = layout.version
        self._layout, self._host, self._model = layout, host, model
        self._listener = socket.create_server((host, ARM_PORT))
        self._tcp: socket.socket | None = None
        self._udp: socket.socket | None = None
        self._received = b""
        self._moving: int | None = None
        self._late: list[tuple[Command, int, int]] = []
        """Answers that wait for a state that shows what they say: command, its id, status."""
        self._message_id = 0

    def cycle(self) -> None:
        """One millisecond of the arm: answer commands, move, report."""
        try:
            self._accept()
            self._read_commands()
            self._move()
            self._report()
        except (ConnectionError, BrokenPipeError):
            self.drop()

    def drop(self) -> None:
        """Close the connection, as when the cable is pulled; the arm ends what it is doing."""
        for connection in (self._tcp, self._udp):
            if connection is not None:
                connection.close()
        self._tcp = self._udp = self._moving = None
        self._received, self._late = b"", []
        self.body.end()

    def finish(self, status: MoveStatus) -> None:
        """Tell the client how its motion ended."""
        if self._moving is not None:
            self._late.append((Command.MOVE, self._moving, self._layout.statuses[status]))
            self._moving = None

    # --- commands ---------------------------------------------------------------------------------

    def _accept(self) -> None:
        if self._tcp is None and select.select([self._listener], [], [], 0)[0]:
            self._tcp, (self._peer, _) = self._listener.accept()
            self._tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _read_commands(self) -> None:
        if self._tcp is None:
            return
        if select.select([self._tcp], [], [], 0)[0]:
            data = self._tcp.recv(65536)
            if not data:
                raise ConnectionResetError
            self._received += data
        while len(self._received) >= ARM_HEADER.size:
            number, command_id, size = ARM_HEADER.unpack_from(self._received)
            if len(self._received) < size:
                return
            payload, self._received = self._received[ARM_HEADER.size : size], self._received[size:]
            command = self._layout.commands[number]
            self.commands[command] += 1
            status, answer = self._obey(command, command_id, payload)
            if command == Command.AUTOMATIC_ERROR_RECOVERY:
                self._late.append((command, command_id, status))
            else:
                self._reply(command, command_id, status, answer)

    def _reply(self, command: Command, command_id: int, status: int, payload: bytes = b"") -> None:
        assert self._tcp is not None
        number = self._layout.commands.index(command)
        size = ARM_HEADER.size + 1 + len(payload)
        self._tcp.sendall(ARM_HEADER.pack(number, command_id, size) + bytes([status]) + payload)

    def _obey(self, command: Command, command_id: int, payload: bytes) -> tuple[int, bytes]:
        """Status and payload of the answer."""
        body = self.body
        match command:
            case Command.CONNECT:
                return self._connect(payload)
            case Command.MOVE:
                return self._layout.statuses[self._begin(command_id, payload)], b""
            case Command.STOP_MOVE:
                self.finish(MoveStatus.PREEMPTED)
                body.end()
            case Command.AUTOMATIC_ERROR_RECOVERY:
                if body.user_stop:
                    return 1, b""
                body.recover()
            case Command.GET_ROBOT_MODEL | Command.LOAD_MODEL_LIBRARY:
                return 0, self._model
            case Command.GET_CARTESIAN_LIMIT:
                return 0, CARTESIAN_LIMIT.pack(*[0.0] * 19, False)
            case Command.SET_NE_TO_EE:
                body.nominal_to_tool = _matrix(MATRIX.unpack(payload))
            case Command.SET_EE_TO_K:
                body.tool_to_stiffness = _matrix(MATRIX.unpack(payload))
            case _:
                pass  # thresholds and impedances are taken, there is nothing here that they would change
        return 0, b""

    def _connect(self, payload: bytes) -> tuple[int, bytes]:
        version, port = CONNECT.unpack_from(payload)
        answer = CONNECTED.pack(self.claimed_version)
        if version != self.claimed_version:
            return 1, answer
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((self._host, 0))
        self._udp.connect((self._peer, port))
        self._udp.setblocking(False)
        return 0, answer

    def _begin(self, command_id: int, payload: bytes) -> MoveStatus:
        controller, kind = MOVE.unpack_from(payload)
        if self.body.mode != RobotMode.IDLE:
            return MoveStatus.NOT_POSSIBLE
        self.body.begin(Motion(command_id, Controller(controller), Generator(kind + 1)))
        self._moving = command_id
        return MoveStatus.STARTED

    # --- motion -----------------------------------------------------------------------------------

    def _move(self) -> None:
        status = self.body.step(self._newest_setpoint())
        if status is not None:
            self.finish(status)

    def _newest_setpoint(self) -> Setpoint | None:
        """What answers the last state, waited for while a motion is under way, or the newest before."""
        if self._udp is None:
            return None
        newest = None
        deadline = time.monotonic() + (LOCK_STEP if self.body.answered else 0.0)
        while True:
            wait = max(0.0, deadline - time.monotonic())
            ready = select.select([self._udp, self._tcp], [], [], wait)[0]
            if self._udp not in ready:
                break
            try:
                data = self._udp.recv(4096)
            except ConnectionRefusedError:  # nobody listens there any more
                break
            if len(data) != self._layout.command.size:
                continue
            newest = self._layout.command.unpack(data)
            if newest[0] >= self._message_id:
                break
        return None if newest is None else _setpoint(newest)

    def _report(self) -> None:
        if self._udp is None:
            return
        self._message_id += 1
        with contextlib.suppress(OSError):  # a client that has just gone; TCP tells
            self._udp.send(pack_state(self._layout, self.body, self._message_id))
        late, self._late = self._late, []
        for command, command_id, status in late:
            self._reply(command, command_id, status)


def _setpoint(fields: tuple) -> Setpoint:
    numbers = np.array(fields[1:39])
    finished = bool(fields[40]) or any(fields[48:])
    return Setpoint(
        numbers[0:7],
        numbers[7:14],
        _matrix(numbers[14:30]),
        numbers[30:36],
        np.array(fields[41:48]),
        finished,
    )


def _matrix(columns: tuple[float, ...] | Matrix) -> Matrix:
    return np.array(columns).reshape(4, 4).T
