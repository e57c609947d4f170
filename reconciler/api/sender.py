"""Sender: how one request is sent and its answer received, whatever carries them.

In a run, that is aiohttp's connections (pool.py), or a transport of httpx that was passed in (over_httpx.py), such as
the sandbox in this process. There are no retries, redirects, cookies or `.netrc` here: what is sent is what was asked
for, once.
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Protocol

from msgspec import Struct


class WireError(Exception):
    """No complete answer came. The request may have been read and acted on."""


class NotHttp(WireError):
    """The other end does not speak HTTP."""


class NotSent(WireError):
    """The request was certainly not sent."""


class Untrusted(NotSent):
    """The server's certificate is not trusted."""


class OtherHost(Untrusted):
    """The server's certificate is that of another host."""


class OutOfDate(Untrusted):
    """The server's certificate has expired, or is not valid yet."""


class ProxyRefused(NotSent):
    """The proxy refused the connection."""


class ProxyUnreachable(NotSent):
    """The proxy could not be reached, or could not reach the server."""


class Request(Struct, frozen=True):
    """What is sent. `url` is already quoted. `connect` and `silence` are in seconds, as in limits.Timeouts."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    connect: float
    silence: float


class Response(Protocol):
    """The head of an answer, and access to its body as it came: nothing is decompressed."""

    @property
    def status(self) -> int:
        """The status code."""
        ...

    def header(self, name: str) -> str:
        """The value of a header, several of them joined by commas; "" if there is none."""
        ...

    def at_hand(self) -> bytes | None:
        """The whole body if it has come with the head, as most do; None if it must be waited for, with `body`."""
        ...

    def body(self) -> AsyncIterable[bytes]:
        """The body in pieces. Raises WireError if it breaks off."""
        ...

    async def close(self) -> None:
        """Returns the connection, or drops it if the body was not read to its end. Never raises."""
        ...


class Sender(Protocol):
    """What carries requests."""

    async def send(self, request: Request) -> Response:
        """Sends a request once, and returns the head of its answer. Raises WireError."""
        ...

    async def aclose(self) -> None:
        """Closes all connections."""
        ...
