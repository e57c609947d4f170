"""The address of an API, or of a proxy, parsed once and strictly.

So whatever opens a connection connects to the same host that was checked.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from reconciler.model.diagnostics import UsageError
from reconciler.model.locations import is_loopback
from reconciler.model.text import in_quotes

WIX: Final = "https://www.wixapis.com"  # D

_HOST: Final = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]*)|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
_ADDRESS: Final = re.compile(rf"(?P<scheme>https?)://{_HOST}(?P<path>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*)", re.I)
_PORTS: Final = {"http": "80", "https": "443"}


class ApiAddress(Struct, frozen=True):
    """Where an API is. `host` is without brackets; `text` is the whole address, without a final slash."""

    scheme: str
    host: str
    text: str


class Proxy(Struct, frozen=True):
    """A proxy: its address without user or password, and the authorization header for it ("" for none)."""

    url: str
    authorization: str = ""


def address_of(text: str) -> ApiAddress:
    """Parses the address of an API: https, or http only on this machine. Raises UsageError."""
    wrong = UsageError(f"{in_quotes(text)} is not a valid API URL", "write it like https://www.wixapis.com")
    written = text.strip()
    if "@" in written.partition("://")[2].partition("/")[0]:
        raise UsageError("the API's URL contains a user name or a password", "credentials belong in `credentials`")
    found = _ADDRESS.fullmatch(_in_ascii(written))
    if found is None or int(found["port"] or 1) not in range(1, 65536):
        raise wrong
    scheme, host = found["scheme"].lower(), found["host"].lower()
    if scheme == "http" and not is_loopback(host.strip("[]")):
        raise UsageError(
            f"{in_quotes(text)} would send credentials unencrypted", "use https (http is for loopback only)"
        )
    port = "" if found["port"] in (None, _PORTS[scheme]) else f":{int(found['port'])}"
    return ApiAddress(scheme, host.strip("[]"), f"{scheme}://{host}{port}{found['path']}".rstrip("/"))


def _in_ascii(address: str) -> str:
    """An address with its host in ASCII (IDNA); unchanged if that is not possible."""
    if address.isascii():
        return address
    scheme, _, rest = address.partition("://")
    authority, slash, path = rest.partition("/")
    try:
        return f"{scheme}://{authority.encode('idna').decode('ascii')}{slash}{path}"
    except UnicodeError:
        return address


def proxy_of(text: str) -> Proxy:
    """Parses the address of a proxy, with or without `http://`. Raises ValueError if it is not one."""
    parts = urlsplit(text if "://" in text else f"http://{text}")
    host, port = parts.hostname, parts.port  # ValueError if the port is not valid
    if (
        parts.scheme not in ("http", "https")
        or not host
        or port == 0
        or not re.fullmatch(_HOST, parts.netloc.rpartition("@")[2])
    ):
        raise ValueError(f"{in_quotes(parts.scheme)} proxies are not supported, or the address has no host")
    url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.username is None:
        return Proxy(url)
    known = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return Proxy(url, f"Basic {b64encode(known.encode()).decode('ascii')}")
