"""One thread that makes calls which may block, for callers that must not."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


class Worker:
    """Runs calls one after the other. The thread is a daemon: a call that never returns keeps nobody."""

    def __init__(self, name: str) -> None:
        self._queue: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        Thread(target=self._run, name=name, daemon=True).start()

    def call(self, function: Callable[[], T], timeout: float) -> T:
        """The function's result.

        Raises:
            TimeoutError: It takes longer than ``timeout`` [s]; it goes on all the same.
            Exception: What the function raised.
        """
        future: Future[T] = Future()
        self._queue.put((function, future))
        return future.result(timeout)

    def end(self) -> None:
        """End the thread after the calls that wait already."""
        self._queue.put(None)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            function, future = item
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)
            del item, function, future  # what they refer to may be gone for good while the thread waits
