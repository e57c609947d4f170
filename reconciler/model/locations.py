"""Facts about hosts and stores that the files, the requests and the state must agree on."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

WIX_HOST: Final = "www.wixapis.com"  # D 2
"""The only host beyond this machine that a file may send keys to."""

STORES: Final = ("s3", "gs", "az")
"""The kinds of object store, by URL scheme."""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, judging by its name or address alone: names are not looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
