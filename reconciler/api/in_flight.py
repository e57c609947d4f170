"""How many requests are in flight: a fixed number, or as many as make the run faster.

If the number may grow, the run keeps raising it by half while that makes answers come faster. After a 429, a server
error or a network error, it halves the number, or goes back to the one it started with if that is lower, and then does
not raise it for a while.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final

FASTER: Final = 1.1
"""By how much a larger number must speed things up to be kept: answers per second, compared with the best so far."""

CALM: Final = 10.0
"""Seconds without growth after the remote side showed that it was overloaded."""


class InFlight:
    """Slots for requests, taken and released with `async with`, first come, first served.

    `most`: the limit of its growth; if it equals `start`, the number never changes.
    """

    def __init__(self, start: int, most: int, monotonic: Callable[[], float]) -> None:
        self.allowed = start
        self._start, self._most = start, most
        self._monotonic = monotonic
        self._busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._answers, self._since, self._full = 0, 0.0, False
        self._before, self._best = start, 0.0
        self._found_best = False
        self._calm_until = 0.0

    async def __aenter__(self) -> None:
        self._since = self._since or self._monotonic()
        if self._busy < self.allowed and not self._waiting:
            self._busy += 1
            return
        self._full = True
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():
                self._leave()  # the slot was given to us just now
            raise  # a cancelled place is passed over when a slot becomes free

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def answered(self) -> None:
        """An answer arrived that shows no overload."""
        self._answers += 1
        if self._start < self._most and self._answers >= 2 * self.allowed:
            self._judge()

    def pressed(self) -> None:
        """The remote side was overloaded, or could not be reached."""
        if self._start == self._most or self._monotonic() < self._calm_until - CALM + 1:  # already reported
            return
        self.allowed = self._before = max(1, min(self._start, self.allowed // 2))
        self._best, self._found_best = 0.0, False
        self._calm_until = self._monotonic() + CALM
        self._begin()

    def _judge(self) -> None:
        now = self._monotonic()
        rate = self._answers / max(now - self._since, 1e-6)
        if self._full and not self._found_best and now >= self._calm_until:
            if rate > self._best * FASTER:
                self._best, self._before = rate, self.allowed
                self.allowed = min(self._most, self.allowed + max(1, self.allowed // 2))
                self._found_best = self.allowed == self._before
            else:
                self.allowed, self._found_best = self._before, True
        self._begin()
        self._let_in()

    def _begin(self) -> None:
        self._answers, self._since, self._full = 0, self._monotonic(), bool(self._waiting)

    def _leave(self) -> None:
        self._busy -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._busy < self.allowed:
            place = self._waiting.popleft()
            if not place.done():
                self._busy += 1
                place.set_result(None)
