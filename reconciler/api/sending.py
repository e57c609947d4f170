"""How one request goes over the wire and its answer comes back, whatever carries them.

In a run those are aiohttp's connections (pool.py); or a transport of httpx that was handed in (over_httpx.py), such as
the sandbox in this process. A request has no retry, no redirect, no cookie and no `.netrc` here: what is sent is what
was asked for, once.
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Protocol

from msgspec import Struct


class WireError(Exception):
    """No whole answer came. The request may have been read and acted on."""


class NotHttp(WireError):
    """What answered does not speak HTTP."""


class NotSent(WireError):
    """The request was certainly not sent."""


class Untrusted(NotSent):
    """The server's certificate is not one that is trusted."""


class ProxyRefused(NotSent):
    """The proxy does not let us through."""


class ProxyUnreachable(NotSent):
    """No connection to the proxy, or none from it to the server."""


class Request(Struct, frozen=True):
    """What is sent. `url`: quoted already. `connect` and `silence`: seconds, as in limits.Timeouts."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    connect: float
    silence: float


class Response(Protocol):
    """The head of an answer, and the way to its body, which is as it came: nothing is decompressed."""

    @property
    def status(self) -> int:
        """The status code."""
        ...

    def header(self, name: str) -> str:
        """The value of a header, several of them joined by commas; "" where there is none."""
        ...

    def body(self) -> AsyncIterable[bytes]:
        """The body in pieces. Raises WireError if it breaks off."""
        ...

    async def close(self) -> None:
        """Gives the connection back, or drops it where the body was not read to its end. Raises nothing."""
        ...


class Sender(Protocol):
    """What carries requests."""

    async def send(self, request: Request) -> Response:
        """Sends a request once, and gives the head of its answer. Raises WireError."""
        ...

    async def aclose(self) -> None:
        """Closes all connections."""
        ...
