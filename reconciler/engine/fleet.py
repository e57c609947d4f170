"""Many sites at once: the only loop over sites, and the only place that turns an error into a site's result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from typing import Any, Final, Generic, TypeVar

from reconciler.api.errors import ApiError
from reconciler.config.sites import SiteEntry
from reconciler.engine.policy_checks import CheckFailed
from reconciler.engine.results import Emit
from reconciler.engine.site_results import SiteFailed, SiteStarted
from reconciler.model.diagnostics import InvalidFiles, UsageError
from reconciler.planner.targets import SiteLabels
from reconciler.planner.unseen import UnseenPosts
from reconciler.state.errors import StateError
from reconciler.state.lease import Locked

SiteT = TypeVar("SiteT")
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

AHEAD: Final = 4
"""How many finished sites may wait for a slow site before them, as a multiple of the sites worked on at once."""

UNDER_WAY: Final = 1000
"""How many sites may be begun and not ended, if results are reported as they end. Most of them are waiting.

It bounds their memory however long a generation takes, and the number of requests that ask whether one has ended.
"""

READ_AT_ONCE: Final = 10
"""How many documents of the state are read at once if no project sets a number."""


class Turn:
    """A site's place among those that are worked on at once; the site can give it up while it only waits."""

    def __init__(self, gate: asyncio.Semaphore) -> None:
        self._gate = gate
        self._held = True
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    @property
    def seconds(self) -> float:
        """How long the site has been worked on, in real time: not by the clock of a sandbox."""
        return self._loop.time() - self._began

    async def aside(self, waiting: Awaitable[None]) -> None:
        """Waits without a place, then takes one again."""
        self.end()
        await waiting
        await self._gate.acquire()
        self._held = True

    def end(self) -> None:
        """Gives the place to another site."""
        if self._held:
            self._held = False
            self._gate.release()


def over_sites(
    sites: Iterable[SiteT],
    work: Callable[[SiteT, Turn], Awaitable[ResultT]],
    *,
    named: Callable[[SiteT], SiteLabels],
    at_once: int,
    emit: Emit = lambda _: None,
    failed: Callable[[SiteFailed], ResultT | SiteFailed] = lambda result: result,
    unseen: Callable[[SiteT, Exception], Awaitable[UnseenPosts]] | None = None,
    ordered: bool = True,
    debug: bool = False,
) -> AsyncIterator[ResultT | SiteFailed]:
    """The result of each site, in the order of the sites or, with `ordered` False, in the order in which they end.

    At most `at_once` are worked on at a time, not counting those that only wait. In order, no more than `AHEAD` times
    as many are taken from `sites` beyond the last one reported; otherwise, no more than `UNDER_WAY` are begun and not
    reported. So a long input is never in memory as a whole. An error that concerns only one site becomes its result
    (`unseen` says what still goes out there, and `failed` turns it into another result). An error that concerns the
    run, such as a missing key, ends it; with `debug`, so does a bug. If the caller stops early, everything under way is
    cancelled.
    """

    async def outcome(site: SiteT, turn: Turn) -> ResultT | SiteFailed:
        try:
            emit(SiteStarted(named(site).name))
            return await work(site, turn)
        except Exception as error:
            if _concerns_the_run(error, debug=debug):
                raise
            going_out = UnseenPosts() if unseen is None else await unseen(site, error)
            return failed(_failed(named(site), error, turn, going_out))
        finally:
            turn.end()

    return _Fleet(sites, outcome, at_once, ordered=ordered).results()


def in_turn(
    items: Iterable[ItemT], work: Callable[[ItemT], Awaitable[ResultT]], *, at_once: int
) -> AsyncIterator[ResultT]:
    """The result of the work on each item, in order: on parts of a run or documents of the state, not on sites.

    At most `at_once` are worked on at a time. An error ends it, and everything is cancelled if the caller stops early.
    """

    async def outcome(item: ItemT, turn: Turn) -> ResultT:
        try:
            return await work(item)
        finally:
            turn.end()

    return _Fleet(items, outcome, at_once, ordered=True).results()


class _Fleet(Generic[SiteT, ResultT]):
    """One loop over sites: a feeder starts them as places become free, and their results are taken off a queue."""

    def __init__(
        self,
        sites: Iterable[SiteT],
        outcome: Callable[[SiteT, Turn], Awaitable[ResultT]],
        at_once: int,
        *,
        ordered: bool,
    ) -> None:
        self._sites = sites
        self._outcome = outcome
        self._ordered = ordered
        self._gate = asyncio.Semaphore(at_once)
        self._room = asyncio.Semaphore(at_once * AHEAD if ordered else UNDER_WAY)
        self._ended: asyncio.Queue[tuple[int, ResultT] | BaseException | int] = asyncio.Queue()
        """Results with the numbers of their sites, an error that ends the run, or how many sites there were."""
        self._tasks: dict[asyncio.Task[None], None] = {}

    async def results(self) -> AsyncIterator[ResultT]:
        """The results, as `over_sites` returns them."""
        self._start(self._feed())
        waiting: dict[int, ResultT] = {}
        total, delivered = -1, 0
        try:
            while delivered != total:
                match await self._ended.get():
                    case int() as total:
                        continue
                    case BaseException() as error:
                        raise error
                    case number, result:
                        waiting[number if self._ordered else delivered] = result
                while delivered in waiting:
                    found = waiting.pop(delivered)
                    delivered += 1
                    self._room.release()
                    yield found
        finally:
            left = tuple(self._tasks)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _feed(self) -> None:
        number = 0
        for site in self._sites:
            await self._room.acquire()
            await self._gate.acquire()
            self._start(self._one(number, site))
            number += 1
        self._ended.put_nowait(number)

    async def _one(self, number: int, site: SiteT) -> None:
        self._ended.put_nowait((number, await self._outcome(site, Turn(self._gate))))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks[task] = None
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._ended.put_nowait(error)


def named_by_file(entry: SiteEntry) -> SiteLabels:
    """A site's name and labels, as in its file."""
    return SiteLabels(entry.name, entry.labels)


def _failed(site: SiteLabels, error: Exception, turn: Turn, unseen: UnseenPosts) -> SiteFailed:
    from reconciler.engine.problems import diagnostics_of

    problems, refused = diagnostics_of(error, site.name), isinstance(error, Locked)
    return SiteFailed(site.name, problems, refused, site.labels, turn.seconds, unseen)


def _concerns_the_run(error: Exception, *, debug: bool) -> bool:
    """Whether an error is about more than the site at which it occurred."""
    if isinstance(error, ApiError | StateError | Locked | InvalidFiles | CheckFailed):
        return False
    return debug or isinstance(error, UsageError)
