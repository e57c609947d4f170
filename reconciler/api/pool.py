"""A run's only connection pool: aiohttp's connections, which do not slow down as their number grows.

aiohttp is imported when the first request is made over the network, and never if a transport was passed in. It is used
directly: going through httpx took up to a third of the time of each request.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from reconciler.api.address import ApiAddress
from reconciler.api.lean_imports import import_aiohttp
from reconciler.api.network_words import network_words
from reconciler.api.sender import (
    NotHttp,
    NotSent,
    OtherHost,
    OutOfDate,
    ProxyRefused,
    ProxyUnreachable,
    Request,
    Untrusted,
    WireError,
)
from reconciler.api.surroundings import Surroundings

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

KEPT_OPEN: Final = 4.0
"""How many seconds an idle connection is kept: less than the five after which common servers close theirs.

A request sent just as the server closes the connection is lost. A read is repeated, but for a generation the outcome is
then unknown, and its site waits for the whole `poll.timeout`.
"""

_NO_TYPE: Final = ("Content-Type",)
"""What aiohttp must not add by itself. For anything but a GET, it would declare a type even if there is no body."""

_URLS: Final = 256
"""How many parsed addresses are kept: apart from those of posts, a run uses only a few."""


class Pool:
    """A Sender: connections to one address, opened as they are needed.

    Raises UsageError if the environment names certificates or a proxy that cannot be used. Follows no redirect, keeps
    no cookie, and by itself reads neither `.netrc` nor environment variables.
    """

    def __init__(self, base: ApiAddress, parallelism: int, surroundings: Surroundings) -> None:
        import_aiohttp()
        import aiohttp
        from yarl import URL

        # Reading certificates takes longer than a hundred requests; plain http needs none of them.
        trusted = surroundings.certificates() if base.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        proxy = surroundings.proxy_for(base)
        self._proxy = URL(proxy.url) if proxy else None
        self._proxy_headers = {"Proxy-Authorization": proxy.authorization} if proxy and proxy.authorization else None
        self._url_of = URL
        self._urls: dict[str, URL] = {}
        self._timeouts: dict[tuple[float, float], aiohttp.ClientTimeout] = {}
        self._timeout_of = aiohttp.ClientTimeout
        self._failures = (aiohttp.ClientError, OSError, ValueError)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=parallelism, keepalive_timeout=KEPT_OPEN, ssl=trusted),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_exactly_once,),
            auto_decompress=False,
            trust_env=False,
        )

    async def send(self, request: Request) -> PooledResponse:
        url = self._urls.get(request.url)
        if url is None:
            if len(self._urls) >= _URLS:
                self._urls.clear()
            url = self._urls[request.url] = self._url_of(request.url, encoded=True)
        limits = request.connect, request.silence
        timeout = self._timeouts.get(limits)
        if timeout is None:
            timeout = self._timeouts[limits] = self._timeout_of(sock_connect=limits[0], sock_read=limits[1])
        try:
            response = await self._session.request(
                request.method,
                url,
                headers=request.headers,
                skip_auto_headers=None if request.method == "GET" else _NO_TYPE,
                data=request.body,
                allow_redirects=False,
                timeout=timeout,
                proxy=self._proxy,
                proxy_headers=self._proxy_headers,
            )
        except self._failures as error:
            raise WireError(_text(error)) from error
        return PooledResponse(response, self._failures)

    async def aclose(self) -> None:
        await self._session.close()


class PooledResponse:
    """A Response: an answer of aiohttp."""

    def __init__(self, response: ClientResponse, failures: tuple[type[Exception], ...]) -> None:
        self._response = response
        self._failures = failures

    @property
    def status(self) -> int:
        return self._response.status

    def header(self, name: str) -> str:
        found = self._response.headers.getall(name, None)
        if found is None:
            return ""
        value = ", ".join(found)
        return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    def at_hand(self) -> bytes | None:
        content = self._response.content
        if not content.is_eof() or content.exception() is not None:
            return None
        pieces = []
        while not content.at_eof():
            pieces.append(content.read_nowait())
        return b"".join(pieces)

    async def body(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._response.content.iter_any():
                yield piece
        except self._failures as error:
            raise WireError(_text(error)) from error

    async def close(self) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


async def _exactly_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Reports what became of a request in this tool's terms, and keeps aiohttp from resending it by itself.

    aiohttp repeats a DELETE or PUT whose connection was lost. Here, whether a write may be sent again depends on
    knowing that it was not sent: an error counts as raised before sending only if that is certain, and otherwise as
    raised after.
    """
    import aiohttp

    try:
        return await handler(request)
    except aiohttp.ClientConnectorCertificateError as error:
        at_proxy = request.proxy is not None and error.host == request.proxy.host
        raise untrusted(error.certificate_error, "proxy" if at_proxy else "server") from error
    except aiohttp.ClientHttpProxyError as error:
        if error.status in (401, 403, 407):
            raise ProxyRefused(f"the proxy answered {error.status}") from error
        raise ProxyUnreachable(f"the proxy answered {error.status}") from error
    except aiohttp.ClientConnectorError as error:  # including TLS errors
        named, why = f"{error.host}:{error.port}", network_words(error.os_error)
        if request.proxy is not None and error.host == request.proxy.host:
            raise ProxyUnreachable(f"cannot connect to the proxy {named} ({why})") from error
        raise NotSent(f"cannot connect to {named} ({why})") from error
    except aiohttp.ConnectionTimeoutError as error:
        place = request.proxy or request.url
        named = f"{place.host}:{place.port}"
        if request.proxy is not None:
            raise ProxyUnreachable(f"cannot connect to the proxy {named} in time") from error
        raise NotSent(f"cannot connect to {named} in time") from error
    except aiohttp.ClientResponseError as error:
        if error.request_info.method == "CONNECT":
            raise ProxyUnreachable("the proxy does not speak HTTP") from error
        raise NotHttp("the server does not speak HTTP") from error
    except (aiohttp.ClientError, OSError) as error:
        raise WireError(_text(error)) from error


_OTHER_HOST: Final = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_NOT_YET: Final = 9  # X509_V_ERR_CERT_NOT_YET_VALID
_EXPIRED: Final = 10  # X509_V_ERR_CERT_HAS_EXPIRED


def untrusted(error: Exception, whose: str = "server") -> Untrusted:
    """What is wrong with the certificate of the server or the proxy, from the error of its check."""
    code = getattr(error, "verify_code", 0)
    if code in _OTHER_HOST:
        return OtherHost(f"the {whose}'s certificate is for another host")
    if code in (_NOT_YET, _EXPIRED):
        return OutOfDate(f"the {whose}'s certificate {'is not valid yet' if code == _NOT_YET else 'has expired'}")
    why = getattr(error, "verify_message", "") or "it cannot be verified"
    return Untrusted(f"the {whose}'s certificate is not trusted: {why}")


def _text(error: Exception) -> str:
    import aiohttp

    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection without a response"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "it is shorter than its Content-Length, or not valid HTTP"
    return network_words(error)
