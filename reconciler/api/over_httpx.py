"""Sends requests over a transport of httpx: the sandbox in this process, a cassette, or a caller's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

from reconciler.api.lean_httpx import httpx
from reconciler.api.sender import NotSent, Request, WireError

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class OverHttpx:
    """A Sender over a transport that was passed in, which it closes at the end."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def send(self, request: Request) -> HttpxResponse:
        prepared = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.body,
            extensions={"timeout": {"connect": request.connect, "read": request.silence}},
        )
        try:
            return HttpxResponse(await self._transport.handle_async_request(prepared))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise (NotSent if isinstance(error, _NEVER_SENT) else WireError)(_text(error)) from error

    async def aclose(self) -> None:
        await self._transport.aclose()


class HttpxResponse:
    """A Response: an answer of httpx."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    @property
    def status(self) -> int:
        return self._response.status_code

    def header(self, name: str) -> str:
        return str(self._response.headers.get(name, ""))

    def at_hand(self) -> bytes | None:
        return None

    async def body(self) -> AsyncIterator[bytes]:
        assert isinstance(self._response.stream, httpx.AsyncByteStream)
        try:
            async for chunk in self._response.stream:
                yield chunk
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise WireError(_text(error)) from error

    async def close(self) -> None:
        try:
            await self._response.aclose()
        except (httpx.HTTPError, OSError):
            pass  # the answer has been read, or its failure is known: an error while closing changes nothing


def _text(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "no response in time"
    return str(error) or "the connection was lost"
