"""Workers on this machine: spawned processes, each an executor of its own, so that one that dies breaks no other.

They leave Ctrl-C to the run, and end with it: a worker whose run is gone starts nothing more.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from reconciler.config.project import ProjectConfig
from reconciler.config.sites import FilesRead
from reconciler.engine.parts import Setup, files_read, files_task, to_bytes
from reconciler.engine.workers import Workers, answer_of
from reconciler.worker import ALONE, WRITING, run_part

AT_ONCE: Final = 250
"""How many files are in one task: enough that few tasks are sent, and few enough that all workers end together."""


class Processes:
    """`count` processes, started as needed: to read the files of a project, and as its workers."""

    def __init__(self, count: int, work: Callable[[bytes], bytes] = run_part) -> None:
        self._count = count
        self._work = work
        self._started: list[WorkerProcess] = []

    def __call__(self, setup: Setup) -> Workers:
        """The workers of a run, including those that have read its files."""
        return Workers(self._next, self._work, self._count, setup, end=self._close)

    def read(self, project: ProjectConfig, files: Sequence[Path]) -> Iterator[FilesRead | None]:
        """Site files, read by all of them; see `config.sites.ReadElsewhere`. Raises PartFailed."""
        self._started.extend(WorkerProcess() for _ in range(self._count - len(self._started)))
        parts = (files[start : start + AT_ONCE] for start in range(0, len(files), AT_ONCE))
        try:
            reading = [
                worker.submit(self._work, to_bytes(files_task(project, part)))
                for worker, part in zip(cycle(self._started), parts, strict=False)
            ]
            for answer in reading:
                found = answer_of(answer.result()).files
                yield None if found is None else files_read(found)
        except BrokenExecutor:
            self._close()  # others are started when there is work to do
            yield None

    def _next(self) -> WorkerProcess:
        return self._started.pop() if self._started else WorkerProcess()

    def _close(self) -> None:
        for worker in self._started:
            worker.shutdown(wait=False)
        self._started.clear()


class WorkerProcess(ProcessPoolExecutor):
    """A child process, which ends together with its parent: it waits for the parent's end of a pipe to close.

    It collects cyclic garbage as rarely as its parent.
    """

    def __init__(self) -> None:
        context = get_context("spawn")
        watched, self._held = context.Pipe(duplex=False)
        super().__init__(1, mp_context=context, initializer=_begin, initargs=(watched, gc.get_threshold()))

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        """As in the base class; starts the process if it is not running yet."""
        with _no_interrupt():
            return super().submit(*args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the process; with `cancel_futures`, in the middle of what it is doing."""
        if cancel_futures:
            self._held.close()
        super().shutdown(wait, cancel_futures=cancel_futures)


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """In this block, new processes do not get a terminal's Ctrl-C; this one gets it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(watched: Connection, garbage: tuple[int, int, int]) -> None:
    """What a worker does first."""
    gc.set_threshold(*garbage)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(watched,), daemon=True).start()


def _watch(watched: Connection) -> None:
    """Ends this process when the one that started it closes its end of the pipe, or is gone.

    A part that writes is ended cleanly first.
    """
    watched.poll(None)
    ALONE.set()
    WRITING.wait()
    os._exit(0)
