"""Workers on this machine: spawned processes, each an executor of its own, so that one that dies breaks no other.

They leave Ctrl-C to the run, and end with it: a worker whose run is gone starts nothing more.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from reconciler.engine.parts import Setup
from reconciler.engine.workers import Workers
from reconciler.worker import ALONE, WRITING, run_part


def processes(count: int, setup: Setup) -> Workers:
    """Workers in `count` processes, which are started as they are needed."""
    return Workers(WorkerProcess, run_part, count, setup)


class WorkerProcess(ProcessPoolExecutor):
    """One process. It ends with this one: a pipe between the two, of which nothing is read but its end."""

    def __init__(self) -> None:
        context = get_context("spawn")
        watched, self._held = context.Pipe(duplex=False)
        super().__init__(1, mp_context=context, initializer=_begin, initargs=(watched,))

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        """As ever; the process is started here when it is not there yet."""
        with _no_interrupt():
            return super().submit(*args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the process; with `cancel_futures` in the middle of what it does."""
        if cancel_futures:
            self._held.close()
        super().shutdown(wait, cancel_futures=cancel_futures)


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """A process that is started here never gets the Ctrl-C that a terminal sends to all; this one does, after."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(watched: Connection) -> None:
    """What a worker does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(watched,), daemon=True).start()


def _watch(watched: Connection) -> None:
    """Ends this process when the one that started it lets go of its end of the pipe, or is gone.

    A part that writes is ended in good order first.
    """
    watched.poll(None)
    ALONE.set()
    WRITING.wait()
    os._exit(0)
