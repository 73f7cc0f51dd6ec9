"""Types a command into a shell, in the folder of its page, and tells what came of it."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path

from .classes import CTRL_C, Key, Run
from .collecting import ROOT, Command

LIMIT_S = 1500.0
"""A command that takes longer hangs; on an idle machine none takes a minute."""
HELD_S = 0.1
PREAMBLE = 'make() { command make -o setup "$@"; }; '
"""The environment is there already, and is not to be touched by its own test."""


@dataclass(frozen=True)
class Outcome:
    """What a command did.

    Attributes:
        code: Its exit code.
        output: All that it wrote, without the codes of a terminal.
    """

    code: int
    output: str


def prepare(folder: Path) -> None:
    """Make an empty folder look like a checkout to somebody who types commands into it."""
    for name in ("Makefile", ".venv"):
        (folder / name).symlink_to(ROOT / name if name == "Makefile" else sys.prefix)


def execute(command: Command, how: Run, folder: Path) -> Outcome:
    """Run a command as its page's table says.

    Args:
        command: The command.
        how: How it is run.
        folder: Where; it has been prepared.

    Raises:
        AssertionError: What comes before it does not work, or it takes too long.
    """
    if how.before:
        prepared = _on_pipe(f"set -e\n{how.before}", folder)
        assert prepared.code == 0, f"before {command}:\n{prepared.output}"
    text = PREAMBLE + how.text(command.text)
    return _on_terminal(text, folder, how.keys) if how.keys else _on_pipe(text, folder)


def _environment() -> dict[str, str]:
    programs = f"{sys.prefix}/bin:{os.environ['PATH']}"
    more = {"PATH": programs, "COLUMNS": "200", "OMP_NUM_THREADS": "1", "MODELS": str(ROOT / "models")}
    return {**os.environ, **more, "PYTHONPATH": str(ROOT), "TERM": "xterm"}


def _on_pipe(text: str, folder: Path) -> Outcome:
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return Outcome(done.returncode, plain(done.stdout))


def _on_terminal(text: str, folder: Path, keys: Sequence[Key]) -> Outcome:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, 200))
    process = subprocess.Popen(
        ["bash", "-c", text],
        cwd=folder,
        env=_environment(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    typist = _Typist(ours, keys)
    try:
        deadline = time.monotonic() + LIMIT_S
        while typist.turn():
            assert time.monotonic() < deadline, f"{text} hangs:\n{plain(typist.seen)[-2000:]}"
        code = process.wait(LIMIT_S)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        os.close(ours)
    assert not typist.left, f"{text} never showed {typist.left[0].wait_for!r}:\n{plain(typist.seen)[-2000:]}"
    return Outcome(code, plain(typist.seen))


class _Typist:
    """Reads a terminal, and presses each key when what it waits for has been shown."""

    def __init__(self, terminal: int, keys: Sequence[Key]) -> None:
        self._terminal, self.left, self.seen, self._read_to = terminal, list(keys), "", 0

    def turn(self) -> bool:
        """Read, and press what is due; False once nobody writes any more."""
        if select.select([self._terminal], [], [], 0.2)[0]:
            try:
                data = os.read(self._terminal, 65536)
            except OSError:  # how Linux says that the other end is closed
                return False
            self.seen += data.decode(errors="replace")
        if self.left and re.search(self.left[0].wait_for, plain(self.seen[self._read_to :])):
            key, self._read_to = self.left.pop(0), len(self.seen)
            for _ in range(key.times):
                os.write(self._terminal, key.press.encode())
                time.sleep(HELD_S if key.press != CTRL_C else 0.0)
        return True


def plain(text: str) -> str:
    """A terminal's output without its control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\r", "", text)


def not_shown(shown: Sequence[str], output: str) -> list[str]:
    """The parts of what a page shows that did not come; numbers, hashes and blanks may differ."""
    came = _without_numbers(output)
    parts = (part for line in shown for part in line.split("…"))
    return [part for part in parts if _without_numbers(part) not in came]


def _without_numbers(text: str) -> str:
    text = re.sub(r"\b(?=[a-f]*\d)[0-9a-f]{8}\b", "#", text)
    return " ".join(re.sub(r"-?\d[\d.]*\d(e[+-]?\d+)?|-?\d", "#", text).split())
