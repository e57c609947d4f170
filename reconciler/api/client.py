"""The client of a run: one that can only read, and one that can write.

async with ReadClient(WIX, credentials=..., limits=Limits(), clock=clock) as client:
    observed = await client.reader().read(site, needs)
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, Self

import httpx

from reconciler.api.limits import Clock, Limits
from reconciler.api.reader import SiteReader
from reconciler.api.services import Services
from reconciler.api.transport import Connection, Credentials, FullTransport, ReadTransport
from reconciler.api.writer import SiteWriter

WIX: Final = "https://www.wixapis.com"  # D


class ReadClient:
    """Reads live sites. Holds the one connection pool, budget and set of tokens of a run.

    `base_url`: https, or http on this machine alone (UsageError otherwise). `credentials`: who we are to a site,
    called once a request. `transport`: another way to the remote side, such as httpx.ASGITransport; closed with the
    client. `jitter`: numbers from 0 to 1, for the pauses between attempts.
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
    ) -> None:
        self._connection = Connection(
            base_url, credentials=credentials, limits=limits, clock=clock, transport=transport, jitter=jitter
        )
        self.services: Final = Services(ReadTransport(self._connection))
        self._reader = SiteReader(self.services, clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.aclose()

    def reader(self) -> SiteReader:
        """Reads over a transport that cannot write."""
        return self._reader


class FullClient(ReadClient):
    """Reads and writes live sites."""

    _writer: SiteWriter | None = None

    def writer(self) -> SiteWriter:
        """Carries out operations. One for the whole run: it remembers which of two body keys is understood."""
        if self._writer is None:
            self._writer = SiteWriter(FullTransport(self._connection))
        return self._writer
