"""Workers: parts of a run, worked on elsewhere. The only port is `concurrent.futures.Executor`, bytes to bytes.

A worker does what a single process would do with the sites of its part. Here the parts are made, handed out, retried if
a worker was lost, and put in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from concurrent.futures import BrokenExecutor, Executor
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reconciler.config.sites import SiteEntry
from reconciler.engine.fleet import READ_AT_ONCE, Turn, in_turn, named_by_file, over_sites
from reconciler.engine.parts import (
    Job,
    OtherVersion,
    PartResult,
    Ready,
    Setup,
    SiteOutcome,
    Task,
    from_bytes,
    site_values,
    to_bytes,
)
from reconciler.engine.problems import WorkerFailed
from reconciler.engine.results import Emit
from reconciler.engine.site_results import SiteFailed
from reconciler.model.diagnostics import Diagnostic, UsageError
from reconciler.planner.targets import SiteLabels
from reconciler.planner.unseen import UnseenPosts
from reconciler.version import __version__

SiteT = TypeVar("SiteT")

ATTEMPTS: Final = 3
"""How many workers may be lost over a part before it is given up."""

LARGEST_PART: Final = 100
"""The most sites in a part that is only read.

Few enough that workers end at about the same time, and that little work has to be repeated.
"""


LOST: Final = Diagnostic(
    "worker-lost",
    f"the workers for this site were lost {ATTEMPTS} times",
    "run again; if it happens again, give the workers more memory, or use fewer of them",
)


def lost_sites(
    sites: Iterable[SiteT],
    named: Callable[[SiteT], SiteLabels],
    unseen: Callable[[SiteT, Exception], Awaitable[UnseenPosts]],
) -> AsyncIterator[SiteFailed]:
    """The results of sites whose workers were lost, with the posts that still go out there."""

    async def work(_site: SiteT, _turn: Turn) -> SiteFailed:
        raise WorkerFailed(LOST)

    def failed(result: SiteFailed) -> SiteFailed:
        if result.unseen.known:
            return result
        what = f"{LOST.message}, and it is not known whether posts are waiting to go out there"
        return replace(result, problems=(replace(result.problem, message=what),))

    return over_sites(sites, work, named=named, at_once=READ_AT_ONCE, failed=failed, unseen=unseen)


class GivenUp(Exception):
    """Raised by an executor that has itself retried a part as often as it is willing to."""


class PartFailed(UsageError):
    """A worker could not work at all: for example, it lacks a key, and no other part would fare better.

    `problem` is what the worker reported, if it could.
    """

    @classmethod
    def with_problem(cls, problem: Diagnostic) -> PartFailed:
        """The failure of a worker that reported its problem."""
        there = problem.while_("on a worker")
        failed = cls(there.message, there.fix, there.place)
        failed.problem = there
        return failed


class Workers:
    """The workers of one run, each an executor of its own that takes one part at a time.

    `make` starts one, and is called again to replace a lost one. `work` is the function that they run. They are started
    as needed, and ended by `close`, which calls `end` last. `files`: workers see the project's files at the same place.
    """

    def __init__(
        self,
        make: Callable[[], Executor],
        work: Callable[[bytes], bytes],
        count: int,
        setup: Setup,
        *,
        files: bool = True,
        end: Callable[[], object] = lambda: None,
    ) -> None:
        self.count = min(count, setup.parallelism)
        self.share = setup.parallelism // self.count
        """How many sites each of them works on at once."""
        self._make = make
        self._work = work
        self._setup = replace(setup, parallelism=self.share, files=files)
        self.files = files
        self.clock_ahead: float | None = None
        """Of the worker whose clock is furthest off: how many seconds it is ahead of the remote side's."""
        self._end = end
        self._idle: list[Executor] = []

    async def run(self, job: Job, sites: Sequence[SiteEntry], ready: Iterable[Ready] = ()) -> PartResult | None:
        """The result of a part; None if its workers were lost ATTEMPTS times. Raises PartFailed."""
        task = to_bytes(Task(self._setup, job, tuple(map(site_values, sites))), ready)
        for _ in range(ATTEMPTS):
            worker = self._idle.pop() if self._idle else self._make()
            try:
                data = await asyncio.wrap_future(worker.submit(self._work, task))
            except BrokenExecutor:
                worker.shutdown(wait=False)
                continue
            except GivenUp:
                self._idle.append(worker)
                return None
            except BaseException:
                worker.shutdown(wait=False, cancel_futures=True)
                raise
            self._idle.append(worker)
            answer = answer_of(data)
            if answer.clock_ahead is not None:
                self.clock_ahead = max(self.clock_ahead or 0.0, answer.clock_ahead, key=abs)
            return answer
        return None

    def close(self) -> None:
        """Ends the workers."""
        for worker in self._idle:
            worker.shutdown(wait=False)
        self._idle.clear()
        self._end()


def answer_of(data: bytes) -> PartResult:
    """The answer of a worker. Raises PartFailed if it says that there is no result, or comes from another version."""
    try:
        answer = from_bytes(PartResult, data)
    except OtherVersion:
        raise PartFailed(
            f"--workers: a worker runs a different version of reconciler (this run uses {__version__})",
            "install the same version on all of them",
        ) from None
    if answer.problem is not None:
        raise PartFailed.with_problem(answer.problem)
    return answer


class SiteBatch(Struct, frozen=True):
    """Some sites of a run, and what is to be done there. Every site in it gets an outcome."""

    job: Job
    sites: tuple[SiteEntry, ...]


def outcomes(
    workers: Workers,
    job: Job,
    sites: Sequence[SiteEntry],
    emit: Emit,
    unseen: Callable[[SiteEntry, Exception], Awaitable[UnseenPosts]],
) -> AsyncIterator[SiteOutcome]:
    """The results of some sites, in order.

    What was reported about a part comes before its sites. `unseen` says what goes out at a site of a part that was
    lost. Raises PartFailed.
    """

    def lost(part: SiteBatch) -> AsyncIterator[SiteFailed]:
        return lost_sites(part.sites, named_by_file, unseen)

    size = part_size(len(sites), workers.count)
    parts = (SiteBatch(job, tuple(sites[start : start + size])) for start in range(0, len(sites), size))
    return in_parts(workers, parts, emit, lost)


async def in_parts(
    workers: Workers,
    parts: Iterable[SiteBatch],
    emit: Emit,
    lost: Callable[[SiteBatch], AsyncIterator[SiteFailed]],
) -> AsyncIterator[SiteOutcome]:
    """`outcomes` of parts that already exist. `lost` says what is known about the sites of a lost part."""

    async def work(part: SiteBatch) -> PartResult:
        if (answer := await workers.run(part.job, part.sites)) is not None:
            return answer
        return PartResult(outcomes=tuple([site async for site in lost(part)]))

    async for answer in in_turn(parts, work, at_once=workers.count):
        for report in answer.reported:
            emit(report)
        for outcome in answer.outcomes:
            yield outcome


def part_size(sites: int, count: int) -> int:
    """How many sites make up a part that is only read or checked."""
    return max(1, min(LARGEST_PART, -(-sites // count)))
