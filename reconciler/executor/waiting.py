"""Polls for results that take time, by a clock that is passed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct

from reconciler.api.errors import ApiError, ErrorKind
from reconciler.executor.ports import PollPolicy
from reconciler.model.clock import Clock
from reconciler.model.diagnostics import Diagnostic

T = TypeVar("T")

PASSING: Final = frozenset({ErrorKind.THROTTLED, ErrorKind.SERVER, ErrorKind.NETWORK, ErrorKind.UNREADABLE})
"""Errors of a read that may not recur at the next one."""


MOST_UNREADABLE: Final = 5
"""One unreadable read may be a gateway's page, but this many in a row end the wait."""


OFTEN: Final = 15
"""For how many intervals a short one stays as it is."""

SELDOM: Final = 1.0
"""Seconds to which a short interval grows, so that a long wait does not use up the site's requests a minute."""


class TimedOut(Struct, frozen=True):
    """The deadline passed before there was an answer."""

    failed: Diagnostic | None = None
    """Why the last read failed, if it did: then nobody knows whether the awaited work is still under way."""


class WaitStopped(Struct, frozen=True):
    """The run was asked to stop before there was an answer."""


NotOver: TypeAlias = TimedOut | WaitStopped


async def poll(
    clock: Clock,
    policy: PollPolicy,
    probe: Callable[[], Awaitable[T | None]],
    stop: Callable[[], bool],
    *,
    at_once: bool = False,
) -> T | NotOver:
    """Calls `probe` every interval until it has an answer, the timeout has passed, or the run is to stop.

    The first call is after one interval, or `at_once`; the last is at the deadline. An interval of less than a second
    grows to a second if the wait is long. If the clock is set back, the timeout begins again. A read that fails
    temporarily is not an answer. Any other ApiError is raised, and so is the last one if too many reads in a row are
    unreadable.
    """
    deadline = clock.now() + policy.timeout
    interval, waited = policy.interval.total_seconds(), 0.0
    pause, unreadable = not at_once, 0
    failed: Diagnostic | None = None
    while True:
        if stop():
            return WaitStopped()
        if pause:
            now = clock.now()
            deadline = min(deadline, now + policy.timeout)
            left = (deadline - now).total_seconds()
            if left <= 0:
                return TimedOut(failed)
            longer = min(waited / OFTEN, SELDOM)
            await clock.sleep(min(max(interval, longer), left))
            waited += max(interval, longer)
        pause = True
        try:
            found = await probe()
            failed, unreadable = None, 0
        except ApiError as error:
            unreadable = unreadable + 1 if error.kind is ErrorKind.UNREADABLE else 0
            if error.kind not in PASSING or unreadable >= MOST_UNREADABLE:
                raise
            found, failed = None, error.diagnostic()
        if found is not None:
            return found
