"""The robot: its control interface on the network, and the library that speaks to it."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version

from farl_ros.arm.robots import RobotSpec
from farl_ros.preflight.outcome import Check, Outcome

FCI_PORT = 1337
PROBE_TIMEOUT = 1.0
"""Longest wait for an answer [s]. franky itself would wait 60 s for a host that is silent."""
LONGEST_ROUND_TRIP = 1e-3
"""The control interface wants an answer in each of its 1 ms cycles [s]."""


class Contact(StrEnum):
    """How a host answered."""

    ANSWERED = "answered"
    REFUSED = "refused"
    SILENT = "silent"
    UNKNOWN_HOST = "unknown host"
    NO_ROUTE = "no route"


@dataclass(frozen=True, slots=True)
class PortFacts:
    """A TCP port.

    Attributes:
        address: Host and port.
        contact: How it answered.
        round_trips: Time that each connection took, one round trip each [s]; empty unless it answered.
        detail: The system's own words where it did not.
    """

    address: str
    contact: Contact
    round_trips: tuple[float, ...] = ()
    detail: str = ""


def probe_port(
    host: str, port: int = FCI_PORT, timeout: float = PROBE_TIMEOUT, attempts: int = 3
) -> PortFacts:
    """Connect ``attempts`` times and say nothing; the first connection that fails is the last.

    Args:
        host: Name or address.
        port: TCP port.
        timeout: Longest wait for each connection [s].
        attempts: How often; at least once.
    """
    address = f"{host}:{port}"
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        return PortFacts(address, Contact.UNKNOWN_HOST, detail=str(error))
    round_trips = []
    for _ in range(attempts):
        with socket.socket(family, kind, protocol) as connection:
            connection.settimeout(timeout)
            begin = time.perf_counter()
            try:
                connection.connect(place)
            except ConnectionRefusedError as error:
                return PortFacts(address, Contact.REFUSED, detail=str(error))
            except TimeoutError as error:
                return PortFacts(address, Contact.SILENT, detail=f"{error} ({timeout:g} s)")
            except OSError as error:
                return PortFacts(address, Contact.NO_ROUTE, detail=str(error))
            round_trips.append(time.perf_counter() - begin)
    return PortFacts(address, Contact.ANSWERED, tuple(round_trips))


def check_port(facts: PortFacts) -> Check:
    """The robot must be there, and near."""
    if facts.contact != Contact.ANSWERED:
        to_do = {
            Contact.REFUSED: "switch on FCI in Desk (Activate FCI), brakes open; is it the robot's address?",
            Contact.SILENT: "is the robot on, the address right, the cable in the control box's LAN port, "
            "no firewall in between?",
            Contact.UNKNOWN_HOST: "give the robot's address: --host 172.16.0.2",
            Contact.NO_ROUTE: "give this computer an address in the robot's network, such as 172.16.0.1/24",
        }[facts.contact]
        return Check("robot", Outcome.FAIL, f"{facts.address}: {facts.contact.value} ({facts.detail})", to_do)
    # The shortest is the network's; what the others take longer is this computer's own scheduling.
    shortest, longest = min(facts.round_trips), max(facts.round_trips)
    found = f"{facts.address}: round trip {shortest * 1e3:.2f} ms (longest {longest * 1e3:.2f} ms)"
    if shortest > LONGEST_ROUND_TRIP:
        to_do = "connect robot and computer by one cable, without Wi-Fi, switch or USB adapter"
        return Check("robot", Outcome.WARN, found, to_do)
    return Check("robot", Outcome.PASS, found)


def probe_library() -> str | None:
    """Version of the installed franky; None without one."""
    try:
        return version("franky-control")
    except PackageNotFoundError:
        return None


def check_library(installed: str | None, robot: RobotSpec) -> Check:
    """Panda and FR3 speak different versions of one protocol, and no franky speaks both."""
    wanted = f"{robot.name} speaks version {robot.fci_server_version}: franky-control {robot.franky_version}"
    if installed == robot.franky_version:
        return Check("franky", Outcome.PASS, wanted)
    found = "not installed" if installed is None else f"franky-control {installed}"
    return Check("franky", Outcome.FAIL, f"{found}; {wanted}", robot.install)
