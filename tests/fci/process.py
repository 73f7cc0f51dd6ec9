"""A robot's server as a process of its own, which a test can break, freeze and kill."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
_NUMBERS = itertools.count()


def free_host() -> str:
    """A loopback address that no other test of this machine uses: the ports are fixed, the address is not."""
    return f"127.{64 + os.getpid() // 250 % 128}.{os.getpid() % 250}.{1 + next(_NUMBERS) % 250}"


class ServerProcess:
    """A context manager: starts a server of a robot, which says ``ready``, and ends it.

    Attributes:
        host: Where it listens.
    """

    def __init__(self, host: str, command: Sequence[str]) -> None:
        self.host, self._command = host, command

    def __enter__(self) -> Self:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout is not None
        first = self.process.stdout.readline().strip()
        if first != "ready":
            raise RuntimeError(f"{' '.join(self._command)} said {first!r}, expected 'ready'")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def tell(self, line: str) -> dict[str, Any]:
        """One line on its standard input; returns its report after it."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def report(self) -> dict[str, Any]:
        """What it knows of itself now."""
        return self.tell("report")


class FciProcess(ServerProcess):
    """The emulated arm (``tests/fci/__main__.py``) at a free loopback address."""

    def __init__(self, version: int = 10) -> None:
        host = free_host()
        super().__init__(host, [sys.executable, "-m", "tests.fci", "--version", str(version), "--host", host])
