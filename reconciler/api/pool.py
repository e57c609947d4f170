"""The one connection pool of a run: httpx's transport API over aiohttp's connections.

Those do not slow down with their number. aiohttp is imported when the first request is made over the network, and never
if a transport was handed in.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from reconciler.api.lean_imports import httpx, import_aiohttp
from reconciler.api.surroundings import ProxyRefused, Surroundings, Untrusted
from reconciler.model.diagnostics import UsageError
from reconciler.model.locations import is_loopback

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

KEPT_OPEN: Final = 15.0
"""Seconds that a connection without a request is kept."""


def address_of(text: str) -> httpx.URL:
    """The address of an API, checked: https, or http on this machine alone. Raises UsageError."""
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError, TypeError):
        raise UsageError(f"{text!r} is not the address of an API; write it like https://www.wixapis.com") from None
    if url.userinfo:
        raise UsageError("the address of the API holds a user or password; credentials belong in `credentials`")
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise UsageError(f"{text!r} is not the address of an API; write it like https://www.wixapis.com")
    if url.scheme == "http" and not is_loopback(url.host):
        raise UsageError(f"{text!r} would send credentials unencrypted; use https (http only on this machine)")
    return url


def open_transport(base: httpx.URL, parallelism: int, surroundings: Surroundings) -> httpx.AsyncBaseTransport:
    """A transport that follows no redirect, keeps no cookie and reads no `.netrc`.

    Raises UsageError where the environment names certificates or a proxy that cannot be used.
    """
    import_aiohttp()
    import aiohttp
    from httpx_aiohttp import AiohttpTransport

    # Reading certificates takes longer than a hundred requests; plain http needs none of them.
    trusted = surroundings.certificates() if base.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    transport = AiohttpTransport(verify=trusted, proxy=surroundings.proxy_for(base))

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=parallelism, keepalive_timeout=KEPT_OPEN, ssl=trusted)
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), middlewares=(_exactly_once,)
        )

    transport.client = session
    return transport


async def _exactly_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Says what became of a request in httpx's words, and keeps aiohttp from sending it again by itself.

    aiohttp repeats a DELETE or PUT whose connection was lost, and httpx-aiohttp calls a connection that was lost
    after sending a ConnectTimeout. Here the difference decides whether a write may be sent again: whatever is not
    known to have happened before the request was sent is an error after it.
    """
    import aiohttp

    try:
        return await handler(request)
    except aiohttp.ClientConnectorCertificateError as error:
        why = getattr(error.certificate_error, "verify_message", "") or "it cannot be verified"
        raise Untrusted(f"the server's certificate is not trusted: {why}") from error
    except aiohttp.ClientHttpProxyError as error:
        if error.status in (401, 403, 407):
            raise ProxyRefused(f"the proxy answered {error.status}") from error
        raise httpx.ProxyError(f"the proxy answered {error.status}") from error
    except (aiohttp.ClientConnectorError, aiohttp.ClientConnectorSSLError, aiohttp.ConnectionTimeoutError) as error:
        raise httpx.ConnectError(str(error)) from error
    except TimeoutError as error:
        raise httpx.ReadTimeout("no answer in time") from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.RemoteProtocolError(str(error) or "the connection was lost") from error
