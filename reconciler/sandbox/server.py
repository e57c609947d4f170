"""Owns the port: a sandbox over HTTP with uvicorn, blocking or in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.sandbox.faults import Dropped

if TYPE_CHECKING:
    import uvicorn

    from reconciler.sandbox.app import Sandbox
    from reconciler.sandbox.messages import Receive, Scope, Send


class Running(NamedTuple):
    """A server in a thread: where it answers, and how to end it."""

    base_url: str
    stop: Callable[[], None]


class ServerError(RuntimeError):
    """The server could not start: the port is taken, or the address is not this machine's."""


def serve(
    sandbox: Sandbox,
    host: str = "127.0.0.1",
    port: int = 8080,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serves until SIGINT or SIGTERM. `ready` is told the base URL; port 0 takes a free port. Raises ServerError."""
    server = _server(sandbox, host, port, ready or (lambda _url: None))
    try:
        server.run()
    except SystemExit:
        raise ServerError(f"{host}:{port}: cannot listen here; choose another port, or 0 for a free one") from None


def start_in_thread(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> Running:
    """Serves in a thread, for tests. Returns the base URL and the function that ends it. Raises ServerError."""
    found: list[str] = []
    started = threading.Event()

    def ready(url: str) -> None:
        found.append(url)
        started.set()

    server = _server(sandbox, host, port, ready)

    def run() -> None:
        try:
            server.run()
        except SystemExit:
            pass  # what uvicorn does when it cannot listen; the caller sees that nothing was found
        finally:
            started.set()

    thread = threading.Thread(target=run, name="sandbox", daemon=True)
    thread.start()
    started.wait()
    if not found:
        raise ServerError(f"{host}:{port}: cannot listen here")

    def stop() -> None:
        server.should_exit = True
        thread.join()

    return Running(found[0], stop)


def _server(sandbox: Sandbox, host: str, port: int, ready: Callable[[str], None]) -> uvicorn.Server:
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    connections: dict[Any, Any] = {}

    class Protocol(H11Protocol):
        """Knows its connections, so that a scripted fault can close one without an answer."""

        def connection_made(self, transport: Any) -> None:
            connections[tuple(transport.get_extra_info("peername")[:2])] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.pop(tuple(self.transport.get_extra_info("peername")[:2]), None)
            super().connection_lost(exc)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await sandbox(scope, receive, send)
        except Dropped:
            transport = connections.get(tuple(scope["client"]))
            if transport is not None:
                transport.close()
            while (await receive())["type"] != "http.disconnect":
                pass  # uvicorn must see the connection gone, else it would answer 500

    class Server(uvicorn.Server):
        """Says when it is ready, and ends on a signal without raising it again."""

        def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ARG002 - uvicorn's signature
            self.force_exit = self.should_exit  # the second signal does not wait for open connections
            self.should_exit = True

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                address = self.servers[0].sockets[0].getsockname()
                name = f"[{address[0]}]" if ":" in address[0] else address[0]
                ready(f"http://{name}:{address[1]}")

    config = uvicorn.Config(
        application, host=host, port=port, http=Protocol, ws="none", loop="asyncio", lifespan="off",
        log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=2,
    )  # fmt: skip
    return Server(config)
