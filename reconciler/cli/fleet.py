"""Many sites at once: at most so many under way, and their results in the order they were asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Final, Self, TypeVar

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


class Slot:
    """A place among those that may work at once, which can be left while there is nothing to do but wait."""

    def __init__(self, gate: asyncio.Semaphore) -> None:
        self._gate = gate
        self._held = False

    async def __aenter__(self) -> Self:
        await self._gate.acquire()
        self._held = True
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._held:
            self._gate.release()

    async def aside(self, waiting: Awaitable[None]) -> None:
        """Waits without a place, then takes one again."""
        self._held = False
        self._gate.release()
        await waiting
        await self._gate.acquire()
        self._held = True
