"""Preflight: every outcome of every check from made-up facts, and each probe on something real."""

import json
import re
import socket
import sys
import types
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from farl.files import write_json
from farl_ros.arm.port import Contact, PortFacts, probe_port
from farl_ros.arm.robots import load_robot
from farl_ros.commands.preflight import _table
from farl_ros.paths import share_folder
from farl_ros.preflight import files, machine
from farl_ros.preflight.camera import CameraDevice, CameraFacts, check_camera, probe_camera
from farl_ros.preflight.files import CalibrationFacts, ModelFacts
from farl_ros.preflight.machine import ClockFacts, KernelFacts
from farl_ros.preflight.outcome import Check, Outcome
from farl_ros.preflight.robot import check_library, check_port
from perception.calibration.board import Board
from perception.calibration.file import save_calibration
from perception.calibration.hand_eye import HandEye, Method, Mount, Residuals
from perception.calibration.lens import LensCheck
from perception.frame import Intrinsics

PASS, WARN, FAIL = Outcome.PASS, Outcome.WARN, Outcome.FAIL
NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def judged(check: Check, outcome: Outcome, found: str, to_do: str = "") -> None:
    """A check says what was found, and what to do exactly when something is to be done."""
    assert check.outcome == outcome
    assert found in check.found and to_do in check.to_do
    assert bool(check.to_do) == (outcome != PASS)


# The computer.


@pytest.mark.parametrize(
    ("realtime", "priority", "outcome", "to_do"),
    [
        (True, 99, PASS, ""),
        (False, 99, FAIL, "PREEMPT_RT kernel"),
        (True, 98, FAIL, "rtprio 99"),
        (True, 0, FAIL, "rtprio 99"),
    ],
)
def test_the_kernel(realtime, priority, outcome, to_do):
    judged(machine.check_kernel(KernelFacts("6.8.0-rt8", realtime, priority)), outcome, "6.8.0-rt8", to_do)


@pytest.mark.parametrize(("flag", "expected"), [("1\n", True), ("0\n", False), (None, False)])
def test_a_realtime_kernel_says_so_under_sys(tmp_path, monkeypatch, flag, expected):
    monkeypatch.setattr("platform.version", lambda: "#1 SMP PREEMPT_DYNAMIC")
    if flag is not None:
        (tmp_path / "sys" / "kernel").mkdir(parents=True)
        (tmp_path / "sys" / "kernel" / "realtime").write_text(flag)
    assert machine.probe_kernel(tmp_path).realtime is expected


def test_a_realtime_kernel_says_so_in_its_version(tmp_path, monkeypatch):
    monkeypatch.setattr("platform.version", lambda: "#1 SMP PREEMPT_RT Debian 6.1")
    assert machine.probe_kernel(tmp_path).realtime


def test_the_priority_is_the_limit_of_a_user_who_is_not_root(tmp_path, monkeypatch):
    monkeypatch.setattr("resource.getrlimit", lambda _: (40, 99))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert machine.probe_kernel(tmp_path).priority == 40
    monkeypatch.setattr("resource.getrlimit", lambda _: (-1, -1))
    assert machine.probe_kernel(tmp_path).priority == 99


@pytest.mark.parametrize(
    ("governors", "outcome", "found"),
    [
        ({"performance"}, PASS, "performance"),
        (set(), PASS, "no frequency scaling"),
        ({"powersave"}, WARN, "powersave"),
        ({"performance", "schedutil"}, WARN, "performance, schedutil"),
    ],
)
def test_the_governor(governors, outcome, found):
    judged(machine.check_governor(frozenset(governors)), outcome, found)


def test_governors_of_all_cpus_are_read(tmp_path):
    for cpu, governor in (("cpu0", "performance"), ("cpu11", "powersave")):
        folder = tmp_path / "sys" / "devices" / "system" / "cpu" / cpu / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"{governor}\n")
    assert machine.probe_governors(tmp_path) == {"performance", "powersave"}
    assert machine.probe_governors(tmp_path / "nowhere") == frozenset()


@pytest.mark.parametrize(
    ("free", "outcome"), [(20e9, PASS), (19.9e9, WARN), (2e9, WARN), (1.9e9, FAIL), (0.0, FAIL)]
)
def test_the_disk(free, outcome):
    judged(machine.check_disk(free, Path("/data")), outcome, "GB free in /data")


def test_the_disk_of_a_folder_is_asked(tmp_path):
    assert machine.probe_disk(tmp_path) > 0


def clock(synchronised=True, wall=0.05, steady=0.05, now=NOW) -> ClockFacts:
    return ClockFacts(now, synchronised, wall, steady)


@pytest.mark.parametrize(
    ("facts", "outcome", "found"),
    [
        (clock(), PASS, "2026-06-15 12:00:00 UTC, synchronised"),
        (clock(synchronised=False), WARN, "not synchronised"),
        (clock(synchronised=None), WARN, "does not say"),
        (clock(wall=0.0601), FAIL, "jumped by +0.010 s"),
        (clock(wall=-3600.0), FAIL, "jumped by -3600.050 s"),
        (clock(steady=0.0), FAIL, "steady clock stands still"),
        (clock(now=datetime(1970, 1, 1, tzinfo=UTC)), FAIL, "never set"),
    ],
)
def test_the_clock(facts, outcome, found):
    judged(machine.check_clock(facts), outcome, found)


def test_the_clocks_of_this_computer_agree():
    facts = machine.probe_clock(0.02)
    assert facts.steady_elapsed >= 0.02 and abs(facts.wall_elapsed - facts.steady_elapsed) < 0.01
    assert facts.synchronised in (True, False, None) and facts.now > datetime(2025, 1, 1, tzinfo=UTC)


# The robot.


@pytest.fixture
def port():
    """A socket that is bound, and not yet listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


def number(bound: socket.socket) -> int:
    return bound.getsockname()[1]


def test_a_port_that_listens_answers_in_the_round_trips_of_loopback(port):
    port.listen()
    facts = probe_port("127.0.0.1", number(port), timeout=1.0, attempts=4)
    assert facts.contact == Contact.ANSWERED and len(facts.round_trips) == 4
    assert all(0.0 < seconds < 0.5 for seconds in facts.round_trips)
    assert facts.address == f"127.0.0.1:{number(port)}"


def test_a_port_that_nobody_listens_to_refuses_at_once(port):
    facts = probe_port("127.0.0.1", number(port), timeout=5.0)
    assert facts.contact == Contact.REFUSED and facts.round_trips == ()
    judged(check_port(facts), FAIL, "refused (", "switch on FCI in Desk")


def test_a_port_that_accepts_nothing_is_silent_after_the_time_out(port):
    port.listen(0)  # one connection waits to be accepted; the system drops all others
    with socket.create_connection(("127.0.0.1", number(port))):
        facts = probe_port("127.0.0.1", number(port), timeout=0.2)
    assert facts.contact == Contact.SILENT
    judged(check_port(facts), FAIL, "silent (timed out (0.2 s))", "is the robot on")


def test_a_name_that_nobody_knows_is_an_unknown_host(monkeypatch):
    def nobody_knows(*_, **__):  # no name server is asked
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", nobody_knows)
    judged(check_port(probe_port("robott")), FAIL, "robott:1337: unknown host (", "--host")


def test_a_name_that_cannot_be_one_is_an_unknown_host():
    assert probe_port("robot..lab").contact == Contact.UNKNOWN_HOST


def test_a_network_without_a_way_there_is_told(monkeypatch):
    def unreachable(*_):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr("socket.socket.connect", unreachable)
    facts = probe_port("172.16.0.2")
    assert facts.contact == Contact.NO_ROUTE
    judged(check_port(facts), FAIL, "[Errno 101] Network is unreachable", "172.16.0.1/24")


@pytest.mark.parametrize(
    ("round_trips", "outcome", "found"),
    [
        ((3e-4, 2e-4, 9e-3), PASS, "round trip 0.20 ms (longest 9.00 ms)"),
        ((1e-3,), PASS, "1.00 ms"),
        ((1.1e-3, 4e-3), WARN, "1.10 ms"),
    ],
)
def test_the_round_trip(round_trips, outcome, found):
    judged(check_port(PortFacts("robot:1337", Contact.ANSWERED, round_trips)), outcome, found)


@pytest.mark.parametrize(
    ("robot", "installed", "outcome", "found"),
    [
        ("panda", "2.0.0+libfranka.0.9.2", PASS, "Panda speaks version 5"),
        ("panda", "2.0.0", FAIL, "franky-control 2.0.0; Panda speaks version 5"),
        ("panda", None, FAIL, "not installed; Panda speaks version 5"),
        ("fr3", "2.0.0", PASS, "FR3 speaks version 10"),
        ("fr3", "2.0.0+libfranka.0.9.2", FAIL, "FR3 speaks version 10"),
    ],
)
def test_the_library_must_be_the_robots(robot, installed, outcome, found):
    spec = load_robot(robot)
    judged(check_library(installed, spec), outcome, found, "" if outcome == PASS else spec.install)


# The camera.

D435 = CameraDevice("Intel RealSense D435", "8412", "3.2")


@pytest.mark.parametrize(
    ("facts", "outcome", "found"),
    [
        (CameraFacts((D435,)), PASS, "D435 8412 (USB 3.2)"),
        (CameraFacts((CameraDevice("D435", "8412", "2.1"),)), WARN, "USB 2.1"),
        (CameraFacts(()), FAIL, "no RealSense camera"),
        (CameraFacts(None, "No module named 'pyrealsense2'"), FAIL, "No module named"),
    ],
)
def test_the_camera(facts, outcome, found):
    judged(check_camera(facts), outcome, found)


class Device:
    """A camera that knows its name and serial number only."""

    def supports(self, info):
        return info != "usb"

    def get_info(self, info):
        return {"name": D435.name, "serial": D435.serial}[info]


def librealsense(devices) -> types.SimpleNamespace:
    info = types.SimpleNamespace(name="name", serial_number="serial", usb_type_descriptor="usb")
    return types.SimpleNamespace(
        camera_info=info, context=lambda: types.SimpleNamespace(query_devices=devices)
    )


def test_the_cameras_that_librealsense_sees_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyrealsense2", librealsense(lambda: [Device()]))
    assert probe_camera() == CameraFacts((CameraDevice(D435.name, D435.serial, "?"),))


def test_a_computer_without_librealsense_is_told_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    facts = probe_camera()
    assert facts.devices is None and "pyrealsense2" in facts.error
    judged(check_camera(facts), FAIL, "pyrealsense2", "pip install pyrealsense2")


def test_without_libusb_the_package_of_the_system_is_named():
    error = "libusb-1.0.so.0: cannot open shared object file: No such file or directory"
    judged(check_camera(CameraFacts(None, error)), FAIL, error, "sudo apt install libusb-1.0-0")


def test_a_librealsense_that_fails_is_told(monkeypatch):
    def broken():
        raise RuntimeError("failed to set power state")

    monkeypatch.setitem(sys.modules, "pyrealsense2", librealsense(broken))
    judged(check_camera(probe_camera()), FAIL, "librealsense: failed to set power state", "plug")


# The files.


@pytest.mark.parametrize(
    ("age", "outcome", "found"),
    [
        (timedelta(0), PASS, "0.0 days old, sha256 abcdefabcdef"),
        (timedelta(days=7), PASS, "7.0 days old"),
        (timedelta(days=7, seconds=1), WARN, "7.0 days old"),
        (timedelta(days=30), WARN, "30.0 days old"),
        (timedelta(days=30, seconds=1), FAIL, "older than 30 days"),
        (timedelta(minutes=-59), PASS, "-0.0 days old"),
        (timedelta(hours=-2), FAIL, "made in the future, 2026-06-15 14:00"),
    ],
)
def test_the_calibrations_age(age, outcome, found):
    to_do = "" if outcome == PASS else "give the file with --calibration"
    judged(files.check_calibration(CalibrationFacts(NOW - age, "abcdef" * 10), NOW), outcome, found, to_do)


def calibration(path, made=NOW, passed=True):
    residuals = {Method.PARK: Residuals(0.0011, 0.0025, 0.002, 18)}
    result = HandEye(Mount.BESIDE_ROBOT, np.eye(4), Method.PARK, residuals, passed)
    lens = LensCheck(0.25, 0.2, 1.001, 18, passed=True)
    save_calibration(
        path, result, lens, Intrinsics(640, 480, 615.0, 615.0, 320.0, 240.0), "A1", Board(), made
    )
    return path


def edited(path):
    path.write_text(calibration(path).read_text().replace("fx: 615.0", "fx: 600.0"))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.write_text("made: 2026-06-15"), "no calibration file"),
        (lambda path: path.write_text("{"), "not valid YAML"),
        (edited, "was changed after it was written"),
        (lambda path: calibration(path, passed=False), "has failed with a residual of 1.1 mm"),
        (lambda path: None, "no calibration .*camera.yaml"),
    ],
)
def test_a_calibration_that_may_not_be_used_fails(tmp_path, make, says):
    path = tmp_path / "camera.yaml"
    make(path)
    check = files.check_calibration(files.probe_calibration(path), NOW)
    assert check.outcome == FAIL and "--calibration" in check.to_do
    assert re.search(says, check.found)


def test_no_calibration_fails():
    judged(
        files.check_calibration(files.probe_calibration(None), NOW), FAIL, "no file given", "--calibration"
    )


def test_a_calibrations_date_is_read(tmp_path):
    facts = files.probe_calibration(calibration(tmp_path / "camera.yaml"))
    assert facts.made == NOW
    assert len(facts.sha256) == 64 and facts.error == ""


def test_models(spec):
    judged(
        files.check_models(ModelFacts("ab" * 32), spec),
        PASS,
        "made for DiscTable, world model sha256 abababababab",
    )
    judged(files.check_models(ModelFacts("", "damaged"), spec), FAIL, "damaged", "farl offline DiscTable")


def test_the_shipped_models_are_whole_and_the_cards_hash_is_shown(spec):
    folder = share_folder() / "models" / "DiscTable"
    card = json.loads((folder / "card.json").read_text())
    assert files.probe_models(spec, folder) == ModelFacts(card["sha256"]["world_model"])


def test_models_that_were_changed_made_for_another_task_or_missing_are_told(spec, tmp_path):
    shipped, copy = share_folder() / "models" / "DiscTable", tmp_path / "models"
    copy.mkdir()
    for file in shipped.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    weights = copy / "task_policy.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    assert "task_policy.safetensors" in files.probe_models(spec, copy).error
    weights.write_bytes((shipped / weights.name).read_bytes())
    card = json.loads((copy / "card.json").read_text())
    write_json(copy / "card.json", card | {"task": "BoundedPush"})
    assert "models for task 'BoundedPush'" in files.probe_models(spec, copy).error
    assert "cannot be read" in files.probe_models(spec, tmp_path / "nowhere").error


# The command.


def test_in_simulation_neither_robot_nor_camera_is_asked(farl, capsys, monkeypatch):
    def asked(*_):
        raise AssertionError("asked for something that a simulation does not need")

    for probe in ("probe_port", "probe_library", "probe_camera", "probe_kernel", "probe_calibration"):
        monkeypatch.setattr(f"farl_ros.commands.preflight.{probe}", asked)
    monkeypatch.setattr("farl_ros.commands.preflight.probe_disk", lambda _: 50_000_000_000)
    assert farl("preflight", "DiscTable", "--sim", "--json", "p.json") == 0
    figures = json.loads(Path("p.json").read_text())
    assert (figures["passed"], figures["task"], figures["sim"]) == (True, "DiscTable", True)
    outcomes = {check["name"]: check["outcome"] for check in figures["checks"]}
    skipped = {"kernel", "robot", "franky", "camera", "calibration"}
    assert {name for name, outcome in outcomes.items() if outcome == "skip"} == skipped
    assert outcomes["models"] == "pass" and outcomes["disk"] == "pass"
    assert "what to do" in capsys.readouterr().out


def test_what_fails_is_told_and_ends_with_1(farl, capsys, monkeypatch):
    monkeypatch.setattr(
        "farl_ros.commands.preflight.probe_port",
        lambda host: PortFacts(f"{host}:1337", Contact.REFUSED, detail="[Errno 111] Connection refused"),
    )
    monkeypatch.setattr("farl_ros.commands.preflight.probe_library", lambda: "2.0.0")
    monkeypatch.setattr("farl_ros.commands.preflight.probe_camera", lambda: CameraFacts((D435,)))
    arguments = ("preflight", "DiscTable", "--host", "10.0.0.9", "--models", "nowhere", "--json", "p.json")
    assert farl(*arguments) == 1
    figures = json.loads(Path("p.json").read_text())
    failed = {check["name"] for check in figures["checks"] if check["outcome"] == "fail"}
    assert figures["passed"] is False and figures["robot"] == "Panda"
    assert {"robot", "franky", "calibration", "models"} <= failed and "camera" not in failed
    (told,) = [check for check in figures["checks"] if check["name"] == "calibration"]
    assert "config/cameras/d435.calibration.yaml" in told["found"]  # the one that a run would take
    said = " ".join(capsys.readouterr().out.split())
    assert "10.0.0.9:1337" in said and "[Errno 111]" in said
    assert f"not ready: {', '.join(c['name'] for c in figures['checks'] if c['outcome'] == 'fail')}" in said


def test_commands_stay_whole_on_a_narrow_screen():
    command = "pip install " + "a" * 100
    console = Console(width=70, file=StringIO())
    console.print(_table([Check("franky", FAIL, "not installed", command)]))
    assert console.file.getvalue().count("a") >= 100 and "…" not in console.file.getvalue()


def test_an_unknown_robot_ends_with_2_and_one_clear_sentence(farl, capsys):
    assert farl("preflight", "DiscTable", "--robot", "pandaa") == 2
    assert "did you mean 'panda'" in " ".join(capsys.readouterr().out.split())
