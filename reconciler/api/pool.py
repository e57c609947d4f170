"""The one HTTP client of a run: httpx's API over aiohttp's connections, which do not slow down with their number.

aiohttp is imported when the first request is made over the network, and never where a transport was handed in.
"""

from __future__ import annotations

import ssl
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Final

import httpx

from reconciler import __version__
from reconciler.model.diagnostics import UsageError
from reconciler.model.locations import is_loopback

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

CONNECT_TIMEOUT: Final = 10.0
ANSWER_TIMEOUT: Final = 60.0
"""Seconds without a byte. Long, because giving up on a write too early makes its outcome unknown."""


def address_of(text: str) -> httpx.URL:
    """The address of an API, checked: https, or http on this machine alone. Raises UsageError."""
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError, TypeError):
        raise UsageError(f"{text!r} is no address of an API; write it like https://www.wixapis.com") from None
    if url.userinfo:
        raise UsageError("the address of the API holds a user or password; credentials belong in `credentials`")
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise UsageError(f"{text!r} is no address of an API; write it like https://www.wixapis.com")
    if url.scheme == "http" and not is_loopback(url.host):
        raise UsageError(f"{text!r} would send credentials unencrypted; use https (http only on this machine)")
    return url


def open_client(base: httpx.URL, parallelism: int, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """A client that follows no redirect, keeps no cookie and reads no `.netrc`. `transport`: use this one."""
    client = httpx.AsyncClient(
        transport=transport or _pooled(base, parallelism),
        timeout=httpx.Timeout(ANSWER_TIMEOUT, connect=CONNECT_TIMEOUT),
        headers={"Accept": "application/json", "User-Agent": f"reconciler/{__version__}"},
        follow_redirects=False,
        trust_env=False,
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # one site's cookie is not another's
    return client


def _pooled(base: httpx.URL, parallelism: int) -> httpx.AsyncBaseTransport:
    import aiohttp
    from httpx_aiohttp import AiohttpTransport

    limits = httpx.Limits(max_connections=parallelism, keepalive_expiry=15.0)
    # Reading the system's certificates takes longer than a hundred requests; plain http needs none of them.
    verify: ssl.SSLContext | bool = True if base.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    transport = AiohttpTransport(verify=verify, limits=limits, proxy=_proxy_for(base))

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=parallelism, keepalive_timeout=limits.keepalive_expiry, ssl=transport.ssl_context
        )
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), middlewares=(_exactly_once,)
        )

    transport.client = session
    return transport


async def _exactly_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Says what became of a request in httpx's words, and keeps aiohttp from sending it again by itself.

    aiohttp repeats a DELETE or PUT whose connection was lost, and httpx-aiohttp calls a connection that was lost
    after sending a ConnectTimeout. Here the difference decides whether a write may be sent again.
    """
    import aiohttp

    try:
        return await handler(request)
    except (
        aiohttp.ClientConnectorError,
        aiohttp.ClientConnectorSSLError,
        aiohttp.ClientConnectorCertificateError,
        aiohttp.ClientHttpProxyError,
        aiohttp.ConnectionTimeoutError,
    ) as error:
        raise httpx.ConnectError(str(error)) from error
    except TimeoutError as error:
        raise httpx.ReadTimeout("no answer in time") from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.RemoteProtocolError(str(error) or "the connection was lost") from error


def _proxy_for(base: httpx.URL) -> httpx.Proxy | None:
    """The proxy that the environment names for this address; none for this machine."""
    if is_loopback(base.host):
        return None
    from urllib.request import getproxies, proxy_bypass

    if proxy_bypass(base.host):
        return None
    proxies = getproxies()
    url = proxies.get(base.scheme) or proxies.get("all")
    try:
        return httpx.Proxy(url if "://" in url else f"http://{url}") if url else None
    except (ValueError, httpx.InvalidURL):
        raise UsageError("the proxy that the environment names is no address; check HTTPS_PROXY") from None
