"""The computer: real-time kernel, CPU governor, disk and clock."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from farl_ros.preflight.outcome import Check, Outcome

REALTIME_PRIORITY = 99
"""Priority that libfranka gives its 1 kHz thread: the highest that there is."""
LEAST_FREE, ENOUGH_FREE = 2e9, 20e9
"""Free disk [bytes]: below the first a run may stop half-way, below the second a day of episodes may."""
EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)
"""No clock that was ever set shows an earlier time."""
CLOCK_TOLERANCE = 0.01
"""Most that wall clock and steady clock may differ over the probe [s]; a clock that is slewed stays below."""
TIME_ERROR = 5
"""What adjtimex(2) returns while the kernel's clock is not synchronised."""


@dataclass(frozen=True, slots=True)
class KernelFacts:
    """The kernel.

    Attributes:
        release: Its version.
        realtime: Whether it is fully preemptible (PREEMPT_RT).
        priority: Highest real-time priority that this user may give a thread; 0 for none.
    """

    release: str
    realtime: bool
    priority: int


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """The clocks.

    Attributes:
        now: Wall clock.
        synchronised: Whether the kernel says that the wall clock is kept in time; None if it does not say.
        wall_elapsed: Of the probe on the wall clock [s].
        steady_elapsed: The same on the steady clock [s].
    """

    now: datetime
    synchronised: bool | None
    wall_elapsed: float
    steady_elapsed: float


def probe_kernel(root: Path = Path("/")) -> KernelFacts:
    """Ask the kernel.

    Args:
        root: Folder that holds ``sys``.
    """
    flag = root / "sys" / "kernel" / "realtime"
    version = platform.version()
    realtime = "PREEMPT_RT" in version or (flag.is_file() and flag.read_text().strip() == "1")
    soft, _ = resource.getrlimit(resource.RLIMIT_RTPRIO)
    unlimited = soft == resource.RLIM_INFINITY or os.geteuid() == 0
    return KernelFacts(platform.release(), realtime, REALTIME_PRIORITY if unlimited else soft)


def check_kernel(facts: KernelFacts) -> Check:
    """Franka's 1 kHz loop needs a real-time kernel and the right to use it."""
    found = f"{facts.release}, real-time {'yes' if facts.realtime else 'no'}, priority {facts.priority}"
    if not facts.realtime:
        to_do = "boot a PREEMPT_RT kernel (Franka's documentation, “Setting up the real-time kernel”)"
        return Check("kernel", Outcome.FAIL, found, to_do)
    if facts.priority < REALTIME_PRIORITY:
        to_do = (
            f"allow real-time priority {REALTIME_PRIORITY}: a group with `rtprio {REALTIME_PRIORITY}` in "
            "/etc/security/limits.conf, then log in again"
        )
        return Check("kernel", Outcome.FAIL, found, to_do)
    return Check("kernel", Outcome.PASS, found)


def probe_governors(root: Path = Path("/")) -> frozenset[str]:
    """Frequency governors of all CPUs; none where the kernel scales no frequency.

    Args:
        root: Folder that holds ``sys``.
    """
    files = (root / "sys" / "devices" / "system" / "cpu").glob("cpu[0-9]*/cpufreq/scaling_governor")
    return frozenset(file.read_text().strip() for file in files)


def check_governor(governors: frozenset[str]) -> Check:
    """A CPU that changes its frequency makes the control loop late."""
    if governors <= {"performance"}:
        return Check("CPU governor", Outcome.PASS, "performance" if governors else "no frequency scaling")
    return Check(
        "CPU governor",
        Outcome.WARN,
        ", ".join(sorted(governors)),
        "sudo cpupower frequency-set --governor performance",
    )


def probe_disk(folder: Path) -> int:
    """Free bytes where ``folder`` lies."""
    return shutil.disk_usage(folder).free


def check_disk(free: int, folder: Path) -> Check:
    """Every episode becomes a bag."""
    found = f"{free / 1e9:.1f} GB free in {folder}"
    if free >= ENOUGH_FREE:
        return Check("disk", Outcome.PASS, found)
    outcome = Outcome.WARN if free >= LEAST_FREE else Outcome.FAIL
    return Check("disk", outcome, found, f"free {ENOUGH_FREE / 1e9:.0f} GB, or start in another folder")


def probe_clock(duration: float = 0.05) -> ClockFacts:
    """Watch both clocks for ``duration`` [s], and ask the kernel whether the wall clock is synchronised."""
    wall, steady = time.time(), time.monotonic()
    time.sleep(duration)
    wall_elapsed, steady_elapsed = time.time() - wall, time.monotonic() - steady
    return ClockFacts(datetime.now(UTC), _synchronised(), wall_elapsed, steady_elapsed)


def _synchronised() -> bool | None:
    """What timedatectl calls “System clock synchronized”; adjtimex with no mode set only reads."""
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return None
    state = adjtimex(ctypes.create_string_buffer(512))  # struct timex has 208 bytes; all zeros: read
    return None if state < 0 else state != TIME_ERROR


def check_clock(facts: ClockFacts) -> Check:
    """Stamps are compared across machines, and watchdogs go by the steady clock."""
    found = f"{facts.now:%Y-%m-%d %H:%M:%S} UTC"
    if facts.steady_elapsed <= 0.0:
        return Check("clock", Outcome.FAIL, f"{found}; the steady clock stands still", "restart the computer")
    if facts.now < EARLIEST:
        return Check("clock", Outcome.FAIL, f"{found}: never set", "sudo timedatectl set-ntp true")
    if abs(facts.wall_elapsed - facts.steady_elapsed) > CLOCK_TOLERANCE:
        jump = facts.wall_elapsed - facts.steady_elapsed
        return Check(
            "clock",
            Outcome.FAIL,
            f"{found}; it jumped by {jump:+.3f} s while it was watched",
            "wait until the time service has set the clock, then check again",
        )
    if facts.synchronised:
        return Check("clock", Outcome.PASS, f"{found}, synchronised")
    state = "not synchronised" if facts.synchronised is False else "the kernel does not say if synchronised"
    to_do = "sudo timedatectl set-ntp true; needed as soon as a second computer takes part"
    return Check("clock", Outcome.WARN, f"{found}, {state}", to_do)
