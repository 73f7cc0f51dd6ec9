"""Ends a wait of the executor at once: without it, one with work in its queue goes on until that is done.

For signals: who sets an exit code has something left in that queue, such as the result of a goal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rclpy.task import Future

_waiting: set[Future[None]] = set()


@contextmanager
def waiting() -> Iterator[Future[None]]:
    """Give a future for an executor to wait for; ``wake`` completes it."""
    future: Future[None] = Future()
    _waiting.add(future)
    try:
        yield future
    finally:
        _waiting.discard(future)


def wake() -> None:
    """End all waits in this process; who waits looks whether it was meant, and waits again if not."""
    for future in tuple(_waiting):
        future.set_result(None)
