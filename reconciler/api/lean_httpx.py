"""httpx, imported without the command line that it brings, which takes rich and pygments along.

Nothing imports it in a run over the network: only what was handed in as a transport of httpx needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _httpx_alone() -> Iterator[None]:
    """While it lasts, httpx finds no command line, and does without it as where rich is not installed."""
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
