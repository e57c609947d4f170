"""The page's server: one socket on loopback, until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import UsageError
from reconciler.web.guard import LOOPBACK

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp


def listen(port: int) -> socket.socket:
    """A socket that listens only on loopback; port 0 picks a free one. Raises UsageError."""
    # The protocol is named because asyncio sets TCP_NODELAY only then; without that, each answer waits 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((LOOPBACK, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise UsageError(
            f"--port {port}: cannot listen on {LOOPBACK}: {error.strerror}", "choose another port, or leave it out"
        ) from None
    return listening


def server_of(app: ASGIApp, ready: Callable[[], object]) -> uvicorn.Server:
    """The server of an application, not started. `ready` is called when the first request can be answered.

    It handles no signals: whoever starts it sets `should_exit`.
    """
    import uvicorn

    class PageServer(uvicorn.Server):
        """Leaves signals to whoever started it, and reports when it is up."""

        def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
            return nullcontext()

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    return PageServer(
        uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", server_header=False, timeout_graceful_shutdown=2
        )
    )
