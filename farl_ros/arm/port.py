"""Whether anybody answers where the robot's control interface should be."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

FCI_PORT = 1337
PROBE_TIMEOUT = 1.0
"""Longest wait for an answer [s]. franky itself would wait 60 s for a host that is silent."""


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
    """Connect ``attempts`` times and say nothing; the first connection that fails is the last at its address.

    Args:
        host: Name or address.
        port: TCP port.
        timeout: Longest wait for each connection [s].
        attempts: How often; at least once.
    """
    address = f"{host}:{port}"
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        return PortFacts(address, Contact.UNKNOWN_HOST, detail=str(error))
    for family, kind, protocol, _, place in places:  # a name may have several; one that answers will do
        facts = _probe_place(address, (family, kind, protocol), place, timeout, attempts)
        if facts.contact == Contact.ANSWERED:
            break
    return facts


def _probe_place(
    address: str, kind: tuple[int, int, int], place: tuple[Any, ...], timeout: float, attempts: int
) -> PortFacts:
    round_trips = []
    for _ in range(attempts):
        with socket.socket(*kind) as connection:
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
