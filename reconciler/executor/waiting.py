"""Polls for results that take time, by a clock that is passed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct

from reconciler.api.errors import ApiError, ErrorKind
from reconciler.executor.ports import PollPolicy
from reconciler.model.clock import Clock

T = TypeVar("T")

PASSING: Final = frozenset({ErrorKind.THROTTLED, ErrorKind.SERVER, ErrorKind.NETWORK, ErrorKind.UNREADABLE})
"""Errors of a read that may not recur at the next one."""


class TimedOut(Struct, frozen=True):
    """The deadline passed before there was an answer."""


class Stopped(Struct, frozen=True):
    """The run was asked to stop before there was an answer."""


NotOver: TypeAlias = TimedOut | Stopped


async def poll(
    clock: Clock,
    policy: PollPolicy,
    probe: Callable[[], Awaitable[T | None]],
    stop: Callable[[], bool],
    *,
    at_once: bool = False,
) -> T | NotOver:
    """Calls `probe` every interval until it has an answer, the timeout has passed, or the run is to stop.

    The first call is after one interval, or `at_once`; the last is at the deadline. A read that fails temporarily is
    not an answer; any other ApiError is raised.
    """
    deadline = clock.now() + policy.timeout
    pause = not at_once
    while True:
        if stop():
            return Stopped()
        if pause:
            left = (deadline - clock.now()).total_seconds()
            if left <= 0:
                return TimedOut()
            await clock.sleep(min(policy.interval.total_seconds(), left))
        pause = True
        try:
            found = await probe()
        except ApiError as error:
            if error.kind not in PASSING:
                raise
            found = None
        if found is not None:
            return found
