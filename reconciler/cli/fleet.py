"""Many sites at once: at most so many under way, and their results in the order they were asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Final, TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")

AHEAD: Final = 4
"""How many times the number of workers may be finished and waiting for a slow one before them."""


async def in_order(items: Iterable[Item], work: Callable[[Item], Awaitable[Done]], at_once: int) -> AsyncIterator[Done]:
    """The result of each item, in order. Items are taken as workers get free, so a long input is never all held.

    The first exception of a worker ends the run of all; left early, everything under way is cancelled.
    """
    gate = asyncio.Semaphore(at_once)

    async def guarded(item: Item) -> Done:
        async with gate:
            return await work(item)

    window: deque[asyncio.Task[Done]] = deque()
    try:
        for item in items:
            window.append(asyncio.ensure_future(guarded(item)))
            while window and (len(window) >= at_once * AHEAD or window[0].done()):
                yield await window.popleft()
        while window:
            yield await window.popleft()
    finally:
        for task in window:
            task.cancel()
        await asyncio.gather(*window, return_exceptions=True)
