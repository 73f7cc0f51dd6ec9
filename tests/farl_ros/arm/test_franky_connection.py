"""Finding the robot: what is said when there is none, when it is silent, and when it is another one."""

import socket
import time

import pytest

from farl_ros.arm import franky_connection
from farl_ros.arm.backend import ArmError, FaultKind
from farl_ros.arm.franky import FrankyBackend
from farl_ros.arm.franky_connection import mismatch, probe
from farl_ros.arm.franky_options import FrankyOptions
from farl_ros.arm.robots import load_robot
from tests.farl_ros.arm.driving import backend
from tests.fci.process import FciProcess, free_host

PANDA_WHEELS = "https://timschneider42.github.io/franky/whl/by-robot-server-version/5/"


def enter(arm: FrankyBackend) -> ArmError:
    with pytest.raises(ArmError) as refused, arm:
        pass
    return refused.value


def options(host: str) -> FrankyOptions:
    return FrankyOptions(host, 0.2, enforce_real_time=False)


def test_no_robot_is_said_at_once():
    began = time.monotonic()
    with pytest.raises(ArmError, match=r"no robot at 127.*:1337 .*FCI is activated in Desk") as refused:
        probe(free_host())
    assert refused.value.kind == FaultKind.NETWORK
    assert time.monotonic() - began < 0.5


def test_a_silent_host_costs_a_second():
    host = free_host()
    with socket.create_server((host, 1337), backlog=0) as listener:
        waiting = []
        for _ in range(3):  # fills the queue: the next one gets no answer at all
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex((host, 1337))
            waiting.append(client)
        began = time.monotonic()
        with pytest.raises(ArmError, match="expected one within 1 s"):
            probe(host)
        assert 0.9 < time.monotonic() - began < 2.0
        for client in waiting:
            client.close()
        assert listener.fileno() >= 0


def test_a_panda_where_an_fr3_was_expected():
    pytest.importorskip("franky", reason="needs the franky library (requirements/franka.txt)")
    with FciProcess() as server:
        server.tell("version 5")
        error = enter(backend(server))
    assert error.kind == FaultKind.VERSION
    assert "speaks FCI version 5, the installed franky version 10" in str(error)
    assert PANDA_WHEELS in str(error)
    print(f"\n| wrong version | did not connect | - | - | {error.kind} | install what the message says |")


def test_a_version_that_no_franky_speaks():
    text = mismatch("Incompatible library version (server version: 8, library version: 10).", "robot")
    assert "No franky is known for version 8: update the robot's system" in text


def test_the_wheel_of_the_other_robot():
    pytest.importorskip("franky", reason="needs the franky library (requirements/franka.txt)")
    error = enter(FrankyBackend(load_robot("panda"), options(free_host()), 3, print))
    assert error.kind == FaultKind.VERSION
    assert PANDA_WHEELS in str(error)


def test_without_franky_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setattr(franky_connection, "franky", None)
    error = enter(FrankyBackend(load_robot("fr3"), options(free_host()), 3, print))
    assert error.kind == FaultKind.VERSION
    assert 'pip install "franky-control===2.0.0"' in str(error)


def test_a_kernel_without_real_time_is_refused_by_default(monkeypatch):
    franky = pytest.importorskip("franky", reason="needs the franky library (requirements/franka.txt)")
    monkeypatch.setattr(franky_connection, "probe", lambda host: None)
    asked = []

    def robot(host, realtime_config):
        asked.append(realtime_config)
        raise franky.RealtimeException("libfranka: Running kernel does not have realtime capabilities.")

    monkeypatch.setattr(franky, "Robot", robot)
    error = enter(FrankyBackend(load_robot("fr3"), FrankyOptions("robot", 0.2), 3, print))
    assert asked == [franky.RealtimeConfig.Enforce]
    assert error.kind == FaultKind.COMMUNICATION
    assert "PREEMPT_RT" in str(error)


def test_limits_are_those_of_the_robots_file():
    pytest.importorskip("franky", reason="needs the franky library (requirements/franka.txt)")
    with FciProcess() as server:
        arm = franky_connection.connect(load_robot("fr3"), options(server.host))
        # libfranka's header for the FR3, where franky's own 1.7 m/s and 2.61 rad/s are not less
        assert arm.translation_velocity_limit.get() == 1.7
        assert arm.translation_acceleration_limit.get() == 9.0
        assert arm.translation_jerk_limit.get() == 4500.0
        assert arm.rotation_acceleration_limit.get() == 17.0
        assert arm.joint_acceleration_limit.get().tolist() == [10, 7.5, 10, 10, 10, 10, 10]
        assert server.report()["commands"]["set_collision_behavior"] == 2  # franky's own, then ours
