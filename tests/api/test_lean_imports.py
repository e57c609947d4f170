"""httpx and aiohttp work as usual, but import less at the start."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import ssl, sys
kept = dict(vars(ssl.SSLContext))
from reconciler.api.lean_httpx import httpx
from reconciler.api.lean_imports import import_aiohttp
assert httpx.AsyncClient and not {"rich", "pygments", "httpx._main"} & set(sys.modules)
import_aiohttp()
assert dict(vars(ssl.SSLContext)) == kept
from aiohttp import connector
usual = ssl.create_default_context()
trusting = connector._SSL_CONTEXT_VERIFIED
assert usual.cert_store_stats()["x509"] and not trusting.cert_store_stats()["x509"]
assert (trusting.verify_mode, trusting.check_hostname) == (ssl.CERT_REQUIRED, True)
for _ in range(2):
    trusting.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="example.com")
    assert trusting.cert_store_stats() == usual.cert_store_stats()
assert isinstance(trusting, ssl.SSLContext) and connector._SSL_CONTEXT_UNVERIFIED.verify_mode == ssl.CERT_NONE
import httpx._main
"""


def test_what_the_libraries_do_is_unchanged() -> None:
    """aiohttp's own TLS contexts, which other code in this process may use, load the usual certificates when used."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
