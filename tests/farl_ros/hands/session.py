"""``farl record`` as a process at a pseudo terminal, as a person starts it."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ENDS_S = 20.0
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Session:
    """A recording session.

    Attributes:
        terminal: The controlling end of its terminal.
        output: What it has printed so far, without colours.
    """

    def __init__(
        self, arguments: Sequence[str], folder: Path, domain_id: int, program: Sequence[str] = ()
    ) -> None:
        """Start it.

        Args:
            arguments: Behind ``farl record``.
            folder: Working directory.
            domain_id: DDS domain.
            program: What runs ``farl``; by default its module.
        """
        self.terminal, end = pty.openpty()
        self._printed: list[str] = []
        environment = os.environ | {
            "ROS_DOMAIN_ID": str(domain_id),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
            "TERM": "xterm",
            "COLUMNS": "120",
            "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
        }
        command = [sys.executable, "-m", *(program or ("farl_ros.cli",)), "record", *arguments]
        self._process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=end, stdout=end, stderr=end, start_new_session=True
        )
        os.close(end)
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.terminal, 65536)
            except OSError:  # the other end is closed
                return
            self._printed.append(data.decode("utf-8", "replace"))

    @property
    def output(self) -> str:
        """What it has printed so far, without colours and cursor movements."""
        return _CONTROL.sub("", "".join(self._printed))

    def __enter__(self) -> Self:
        """It runs already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it if it runs, and close the terminal."""
        if self._process.poll() is None:
            self.kill()
        self._reader.join(2.0)
        os.close(self.terminal)

    def interrupt(self) -> int:
        """Press Ctrl-C; returns the exit code."""
        os.killpg(self._process.pid, signal.SIGINT)
        return self._process.wait(ENDS_S)

    def wait(self) -> int:
        """Wait for it to end by itself; returns the exit code."""
        return self._process.wait(ENDS_S)

    def kill(self) -> None:
        """As if the power went: kill -9, and nothing else."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        time.sleep(0.1)
