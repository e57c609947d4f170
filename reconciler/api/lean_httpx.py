"""httpx, imported without its command line, which would bring rich and pygments along.

A run over the network never imports it: only a transport of httpx that is passed in needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _httpx_alone() -> Iterator[None]:
    """In this block, httpx finds no command line, and does without it as if rich were not installed."""
    if "httpx" in sys.modules:
        yield
        return
    sys.modules["httpx._main"] = None  # type: ignore[assignment] # what Python has for "there is no such module"
    try:
        yield
    finally:
        del sys.modules["httpx._main"]


with _httpx_alone():
    import httpx as httpx
