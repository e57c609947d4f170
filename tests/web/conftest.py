"""One browser for all tests of the page, and pages that it can reach."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.web.app import ReviewPage
from reconciler.web.guard import Guard
from reconciler.web.server import listen, server_of
from tests.browser import chromium, complaints, requested
from tests.cli.conftest import project, reconciler

__all__ = ["browser", "one_browser", "pottery", "project", "reconciler"]


@pytest.fixture(scope="module")
def one_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture
def browser(one_browser: Any) -> Any:
    """The module's browser, without the page, complaints and requests of the previous test."""
    one_browser.get("about:blank")
    complaints(one_browser)
    requested(one_browser)
    return one_browser


@contextmanager
def served(page: ReviewPage) -> Iterator[str]:
    """The link to a page that a thread serves."""
    listening: socket.socket = listen(0)
    guard = Guard(page.app, listening.getsockname()[1], "'self' https: data:")
    started = threading.Event()
    server = server_of(guard, started.set)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield guard.url
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


@pytest.fixture
def pottery(tmp_path: Path) -> Path:
    return tmp_path / "pottery"
