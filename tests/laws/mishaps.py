"""What can happen to one request: a transport to a sandbox on which something goes wrong, once, at a chosen request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import Enum

import httpx

from reconciler.sandbox.app import Sandbox


class Mishap(Enum):
    """What happens, and whether the request has had its effect by then."""

    NEVER_ARRIVED = "the connection is lost before the effect"
    NO_ANSWER = "the connection is lost after the effect"
    TOO_LATE = "the answer takes longer than the time limit"
    TRUNCATED = "half of the answer comes"
    BROKEN_OFF = "the connection is lost in the middle of the answer"
    ERROR_BEFORE = "500, and nothing was done"
    ERROR_AFTER = "500, and it was done"
    THROTTLED = "429"
    THROTTLED_FOR = "429 with Retry-After"


ALIKE_FOR_READS = frozenset({Mishap.NEVER_ARRIVED, Mishap.ERROR_BEFORE})
"""These cannot be told from NO_ANSWER and ERROR_AFTER if a request has no effect."""


class Way(httpx.AsyncBaseTransport):
    """A transport to a sandbox. The mishap happens to request number `at` (from 0); the others pass."""

    def __init__(self, sandbox: Sandbox, at: int, mishap: Mishap) -> None:
        self._inner = httpx.ASGITransport(app=sandbox)
        self._at, self._mishap = at, mishap
        self.count = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        mine, self.count = self.count == self._at, self.count + 1
        if not mine:
            return await self._inner.handle_async_request(request)
        before = self._before(request)
        if before is not None:
            return before
        response = await self._inner.handle_async_request(request)
        return self._after(request, response.status_code, await response.aread())

    def _before(self, request: httpx.Request) -> httpx.Response | None:
        """What happens instead of the effect; None if the request is to take effect."""
        match self._mishap:
            case Mishap.NEVER_ARRIVED:
                raise httpx.WriteError("the connection was lost", request=request)
            case Mishap.ERROR_BEFORE:
                return httpx.Response(500)
            case Mishap.THROTTLED:
                return httpx.Response(429)
            case Mishap.THROTTLED_FOR:
                return httpx.Response(429, headers={"retry-after": "7"})
            case _:
                return None

    def _after(self, request: httpx.Request, status: int, body: bytes) -> httpx.Response:
        """What is received in place of the answer."""
        match self._mishap:
            case Mishap.NO_ANSWER:
                raise httpx.RemoteProtocolError("the server hung up", request=request)
            case Mishap.TOO_LATE:
                raise httpx.ReadTimeout("no response in time", request=request)
            case Mishap.TRUNCATED:
                return httpx.Response(status, content=body[: len(body) // 2])
            case Mishap.BROKEN_OFF:
                return httpx.Response(status, stream=_BrokenOff(body[: len(body) // 2]))
            case _:
                return httpx.Response(500)


class _BrokenOff(httpx.AsyncByteStream):
    def __init__(self, start: bytes) -> None:
        self._start = start

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._start
        raise httpx.ReadError("the connection was lost")
