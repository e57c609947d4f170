"""Owns the port: a sandbox over HTTP with uvicorn, blocking or in a thread."""

from __future__ import annotations

import errno
import ipaddress
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from reconciler.sandbox import messages
from reconciler.sandbox.correctable import SandboxError
from reconciler.sandbox.faults import Dropped

if TYPE_CHECKING:
    import uvicorn

    from reconciler.sandbox.app import Sandbox
    from reconciler.sandbox.messages import AsgiScope, Receive, Send


class RunningServer(NamedTuple):
    """A server in a thread: its address, and how to stop it."""

    base_url: str
    stop: Callable[[], None]


class ServerError(SandboxError):
    """The server could not start: the port is taken, or the address is not this machine's."""


def serve(
    sandbox: Sandbox,
    host: str = "127.0.0.1",
    port: int = 8080,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serves until SIGINT or SIGTERM. `ready` is called with the base URL; port 0 picks a free port.

    Raises ServerError.
    """
    with _listen(host, port) as listening:
        _server(sandbox, host, ready or (lambda _url: None)).run(sockets=[listening])


def start_in_thread(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> RunningServer:
    """Serves in a thread, for tests. Returns the base URL and a function that stops it. Raises ServerError."""
    listening = _listen(host, port)
    started = threading.Event()
    server = _server(sandbox, host, lambda _url: started.set())
    thread = threading.Thread(target=server.run, args=([listening],), name="sandbox", daemon=True)
    thread.start()
    started.wait()

    def stop() -> None:
        server.should_exit = True
        thread.join()

    return RunningServer(_url(listening), stop)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only then; without that, each answer waits 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(2048)
    except (OSError, OverflowError) as problem:
        listening.close()
        why = getattr(problem, "strerror", None) or problem
        elsewhere = isinstance(problem, OSError) and problem.errno == errno.EADDRNOTAVAIL
        fix = "use an address of this machine for --host" if elsewhere else "choose another port, or 0"
        raise ServerError(f"{host}:{port}: cannot listen here: {why}", fix) from None
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


_FOREIGN = {"message": "address this sandbox by an IP address, as localhost, or by the name it was started with"}


def _is_ours(scope: AsgiScope, host: str) -> bool:
    """Whether a request names this server. A web page that points its own host name at this machine does not."""
    named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    try:
        found = urlsplit(f"//{named[0]}").hostname if len(named) == 1 else None
    except ValueError:
        return False
    if found in ("localhost", host.lower()):
        return True
    try:
        ipaddress.ip_address(found or "")
    except ValueError:
        return False
    return True


def _server(sandbox: Sandbox, host: str, ready: Callable[[str], None]) -> uvicorn.Server:
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    connections: dict[Any, Any] = {}

    class Protocol(H11Protocol):
        """Keeps track of its connections, so that a scripted fault can close one without an answer."""

        def connection_made(self, transport: Any) -> None:
            connections[tuple(transport.get_extra_info("peername")[:2])] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.pop(tuple(self.transport.get_extra_info("peername")[:2]), None)
            super().connection_lost(exc)

    async def application(scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_ours(scope, host):
            await messages.respond(send, messages.HttpResponse(403, messages.encoded(_FOREIGN)))
            return
        try:
            await sandbox(scope, receive, send)
        except Dropped:
            transport = connections.get(tuple(scope["client"]))
            if transport is not None:
                transport.close()
            while (await receive())["type"] != "http.disconnect":
                pass  # uvicorn must see the connection gone, otherwise it would answer 500

    class SandboxServer(uvicorn.Server):
        """Reports when it is ready, and stops on a signal without raising it again."""

        def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ARG002 - uvicorn's signature
            self.force_exit = self.should_exit  # the second signal does not wait for open connections
            self.should_exit = True

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                ready(_url((sockets or [])[0]))

    config = uvicorn.Config(
        application, http=Protocol, ws="none", loop="asyncio", lifespan="off",
        log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=2,
    )  # fmt: skip
    return SandboxServer(config)
