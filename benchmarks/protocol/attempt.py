"""One process of a run, watched: its output goes to a log, its processor time and memory are taken."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from benchmarks.protocol.sizes import ROOT

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)
_PERIOD_S = 0.2
_GRACE_S = 120.0  # a run that is asked to stop writes its report first


@dataclass(frozen=True)
class Attempt:
    """What a process took.

    Attributes:
        code: Exit code; negative for a signal.
        cpu_s: Processor time [s].
        max_rss_mb: Greatest resident memory [MiB]; 0 for a process that was gone at once.
    """

    code: int
    cpu_s: float
    max_rss_mb: float


def watch(command: Sequence[str], log: Path, lock: int, stop: Event) -> Attempt:
    """Run a command in the repository root until it ends, on one thread.

    Args:
        command: Program and arguments.
        log: File that its output is added to.
        lock: File descriptor that the process keeps open: what it locks stays locked if we are killed.
        stop: Once set, the process is interrupted, and killed if it does not end.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with log.open("ab") as output:
        # A session of its own: Ctrl-C at the terminal reaches it through us, once.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(lock,),
            start_new_session=True,
        )
    peak, interrupted_at = 0.0, None
    while True:
        peak = _peak_mb(process.pid) or peak
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if stop.is_set():
            now = time.monotonic()
            if interrupted_at is None:
                interrupted_at = now
                process.send_signal(signal.SIGINT)
            elif now - interrupted_at > _GRACE_S:
                process.kill()
        time.sleep(_PERIOD_S)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Attempt(process.returncode, usage.ru_utime + usage.ru_stime, peak)


def _peak_mb(pid: int) -> float | None:
    """Peak memory so far. Not ``ru_maxrss``: that of a child is at least the parent's own."""
    try:
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return None
    return None if found is None else int(found[1]) / 1024.0
