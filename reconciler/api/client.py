"""The client of a run: one that can only read, and one that can write.

async with ReadClient(WIX, credentials=..., limits=Limits(), clock=clock) as client:
    observed = await client.reader().read(site, needs)
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Self

from reconciler.api.endpoints import Endpoints
from reconciler.api.limits import USUAL, Limits, Timeouts
from reconciler.api.reader import SiteReader
from reconciler.api.surroundings import Surroundings
from reconciler.api.transport import Connection, Credentials, FullTransport, ReadTransport
from reconciler.model.clock import Clock

if TYPE_CHECKING:
    import httpx

    from reconciler.api.fence import Fence
    from reconciler.api.writer import Learned, SiteWriter


class ReadClient:
    """Reads live sites. Holds a run's only connection pool, budget and set of tokens.

    `base_url`: https, or http only on this machine (UsageError otherwise). `credentials`: returns the credentials for a
    site, called once per request. `transport`: another way to the remote side, such as httpx.ASGITransport; closed with
    the client. `jitter`: numbers from 0 to 1, for the pauses between attempts. `surroundings`: the environment
    variables that name a proxy and certificates (UsageError if these cannot be used).
    """

    def __init__(
        self,
        base_url: str,
        *,
        credentials: Credentials,
        limits: Limits,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
        jitter: Callable[[], float] = random.random,
        timeouts: Timeouts = USUAL,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._connection = Connection(
            base_url,
            credentials=credentials,
            limits=limits,
            clock=clock,
            transport=transport,
            jitter=jitter,
            timeouts=timeouts,
            surroundings=surroundings,
        )
        self.endpoints: Final = Endpoints(ReadTransport(self._connection))
        self._reader = SiteReader(self.endpoints, clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.aclose()

    @property
    def clock_ahead(self) -> float | None:
        """How many seconds the local clock is ahead of the remote side's; None before an answer has given the time."""
        return self._connection.clock_ahead

    @property
    def answered(self) -> bool:
        """Whether the remote side has answered anything yet."""
        return self._connection.answered

    def reader(self) -> SiteReader:
        """A reader over a transport that cannot write."""
        return self._reader


class FullClient(ReadClient):
    """Reads and writes live sites."""

    _learned: Learned | None = None

    def writer(self, fence: Fence | None = None) -> SiteWriter:
        """A writer. `fence` is the lease of the site, checked before every attempt of every write.

        All writers of a client share what they learn about the remote side (which of two body keys it understands).
        """
        from reconciler.api.writer import Learned, SiteWriter

        if self._learned is None:
            self._learned = Learned()
        return SiteWriter(FullTransport(self._connection), fence, self._learned)
