"""The robot: its control interface on the network, and the library that speaks to it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from farl_ros.arm.port import Contact, PortFacts
from farl_ros.arm.robots import RobotSpec
from farl_ros.preflight.outcome import Check, Outcome

LONGEST_ROUND_TRIP = 1e-3
"""The control interface wants an answer in each of its 1 ms cycles [s]."""


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
