"""Whether the machine runs what is to run: how long something takes must not be its neighbours' doing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, Self, TypeVar

import pytest

T = TypeVar("T")

TRIES = 3
LATE = 0.03
"""A process that waits for its turn longer than this [s] would be late whatever it did."""
TOO_BUSY = f"machine too busy: {TRIES} times, a process waited longer than {LATE:g} s for its turn"
PROGRAM = """
import select, sys, time
late = 0.0
while not select.select([sys.stdin], [], [], 0)[0]:
    began = time.monotonic()
    time.sleep(0.005)
    late = max(late, time.monotonic() - began - 0.005)
print(late)
"""


class Metronome:
    """A context manager: beside what is measured, a process that does nothing but wake up every 5 ms.

    Attributes:
        late: How late it woke up at worst [s]; known once the context has ended.
    """

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        said, _ = self._process.communicate()
        self.late = float(said)


def counts_when_punctual(test: Callable[..., None]) -> Callable[..., None]:
    """Decorate a test that a machine may make fail: it fails if it fails while the machine was punctual.

    On one that never is, it is skipped. What must hold on any machine the test asserts with ``pytest.fail``.
    """

    @wraps(test)
    def attempt(*arguments: Any, **named: Any) -> None:
        for _ in range(TRIES):
            error: AssertionError | None = None
            with Metronome() as metronome:
                try:
                    test(*arguments, **named)
                except AssertionError as caught:
                    error = caught
            if error is None:
                return
            if metronome.late <= LATE:
                raise error
        pytest.skip(f"{TOO_BUSY}; the last time: {error}")

    return attempt


def measured(measure: Callable[[], T | None]) -> T:
    """What was measured while the machine was punctual; the test that asks is skipped if it never was."""
    result = when_punctual(measure)
    if result is None:
        pytest.skip(TOO_BUSY)
    return result


def when_punctual(measure: Callable[[], T | None]) -> T | None:
    """What was measured while the machine was punctual; None if it never was.

    Args:
        measure: Called up to three times; it returns None where it cannot tell anything either.
    """
    for _ in range(TRIES):
        with Metronome() as metronome:
            measured = measure()
        if measured is not None and metronome.late <= LATE:
            return measured
    return None
