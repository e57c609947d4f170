"""Ends a run at a chosen moment, the hard way: SIGKILL, without any clean-up.

The moments of a run are counted: a request that is about to be sent, one that took effect and is not answered yet, one
that was answered, and a note that is about to be written or has just been written. A run over the same files has them
in the same order, so each moment is known by its number.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from reconciler.executor.ledger import ActionResult
from reconciler.sandbox.app import Sandbox, Seen
from reconciler.state.store import Any, Log, Store, Stored, Version
from tests.laws.pool import fork
from tests.laws.scenario import Undisturbed, at_rest, final_record, normal_world, once_only
from tests.laws.whole_run import Json, WholeRun


@dataclass
class Moments:
    """Counts the moments of a run; ends the process at number `end`."""

    end: int | None = None
    passed: list[str] = field(default_factory=list)

    def tick(self, name: str) -> None:
        if len(self.passed) == self.end:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed.append(name)

    def watch(self, run: WholeRun) -> None:
        """Counts the moments of a run from now on."""
        run.store = WatchedStore(run.store, self.tick)
        run.sandbox.add_hook("*", self._seen)
        run.way = lambda sandbox: WatchedWay(sandbox, self.tick)

    def _seen(self, seen: Seen) -> None:
        if seen.when == "after":
            self.tick(f"{seen.method} {seen.path} took effect")


class WatchedWay(httpx.AsyncBaseTransport):
    """A transport to a sandbox, with a moment before each request and one after its answer."""

    def __init__(self, sandbox: Sandbox, tick: Callable[[str], None]) -> None:
        self._inner = httpx.ASGITransport(app=sandbox)
        self._tick = tick

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = f"{request.method} {request.url.path}"
        self._tick(f"{name} is about to be sent")
        response = await self._inner.handle_async_request(request)
        self._tick(f"{name} was answered")
        return response


class WatchedStore(Store):
    """A store with a moment before and after each write."""

    def __init__(self, inner: Store, tick: Callable[[str], None]) -> None:
        self._inner = inner
        self._tick = tick

    def place(self, key: str) -> str:
        return self._inner.place(key)

    async def get(self, key: str) -> Stored | None:
        return await self._inner.get(key)

    async def put(self, key: str, data: bytes, *, expected: Version | None | Any, durable: bool = True) -> Version:
        self._tick("a note is about to be written")
        version = await self._inner.put(key, data, expected=expected, durable=durable)
        self._tick("a note was written")
        return version

    async def append(self, key: str, data: bytes, *, at: int) -> int:
        self._tick("a note is about to be appended")
        end = await self._inner.append(key, data, at=at)
        self._tick("a note was appended")
        return end

    async def read_log(self, key: str) -> Log:
        return await self._inner.read_log(key)

    async def delete_log(self, key: str) -> None:
        self._tick("a log is about to be removed")
        await self._inner.delete_log(key)

    async def delete(self, key: str) -> None:
        await self._inner.delete(key)

    def keys(self, prefix: str) -> AsyncIterator[str]:
        return self._inner.keys(prefix)


def moments_of(stage: Undisturbed, folder: Path) -> list[str]:
    """The moments of a stage's run, in order."""
    run, moments = fresh(stage, folder), Moments()
    moments.watch(run)
    run.apply()
    run.sandbox.close()
    return moments.passed


def killed_at(stage: Undisturbed, moment: int, folder: Path) -> None:
    """Starts a stage in `folder` and kills its process at a moment. AssertionError if it survived that."""
    fresh(stage, folder).sandbox.close()  # a connection to SQLite must not be carried over a fork
    child = fork()
    if child == 0:
        try:
            run = at_rest(folder)
            Moments(end=moment).watch(run)
            run.apply()
        except BaseException:  # nothing of the parent's may run in a forked child, whatever happens
            traceback.print_exc()
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"moment {moment} of {stage.stage.name!r} never came ({status})"
    assert os.WTERMSIG(status) == signal.SIGKILL


def left_behind(folder: Path) -> str:
    """What is on disk, without the log of requests and the random names of journal entries."""
    run = at_rest(folder)
    try:
        world = json.dumps(run.sandbox.world(), sort_keys=True)
    finally:
        run.sandbox.close()
    state = folder / ".reconciler"
    records = [path.read_text("utf-8") for path in sorted(state.glob("records/*")) + sorted(state.glob("journals/*"))]
    return _RANDOM.sub("", world + "".join(records))


_RANDOM = re.compile(r'"(?:id|written)": ?"[0-9a-f]{16}"')


def fresh(stage: Undisturbed, folder: Path) -> WholeRun:
    """A run over a copy of a stage's start."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stage.start, folder)
    return at_rest(folder)


def run_again(stage: Undisturbed, folder: Path) -> None:
    """Runs a disturbed stage to its end and compares it with the undisturbed one; AssertionError names what differs.

    It applies once, and again only if the first apply could not see the end of what the killed run had begun.
    """
    run = at_rest(folder)
    try:
        ledger = run.apply()
        if any(entry.result in UNFINISHED for entry in ledger.entries) and run.plan().actions:
            ledger = run.apply()
        assert ledger.error is None, ledger.error
        compare(stage, run)
    finally:
        run.sandbox.close()


def compare(stage: Undisturbed, run: WholeRun) -> None:
    """AssertionError if a stage did not end like the undisturbed one, or did something twice."""
    record = final_record(run)
    writes = [request for request in run.requests()[stage.requests_before :] if request["wrote"]]
    wanted, found = once_only(list(stage.writes)), once_only(writes)
    assert found == wanted, f"done too often: {found - wanted}, too seldom: {wanted - found}"
    _same(stage.world, normal_world(run.sandbox))
    _same(stage.record, record)


def _same(wanted: Json, found: Json) -> None:
    for key, value in wanted.items():
        if found[key] == value:
            continue
        if isinstance(value, list):
            lacking, more = (
                [member for member in value if member not in found[key]],
                [x for x in found[key] if x not in value],
            )
            raise AssertionError(f"{key}: lacks {lacking}, has {more} instead")
        raise AssertionError(f"{key}: is {found[key]}, should be {value}")


UNFINISHED = frozenset({ActionResult.PENDING, ActionResult.UNKNOWN, ActionResult.SKIPPED, ActionResult.NOT_STARTED})
