"""The client over real connections: what is sent only once, how a lost connection is reported, how many there are."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.api.client import FullClient
from reconciler.api.errors import ApiError, ErrorKind
from reconciler.api.limits import USUAL, Limits, Timeouts
from reconciler.model.activities import CreateActivity, DesiredActivity
from reconciler.model.credentials import ApiKey
from reconciler.model.marketing_plan import DeleteMarketingPlan, Generate
from reconciler.model.operations import Operation
from reconciler.model.outcomes import NotDone, Pending, Unknown
from reconciler.model.secret import Secret
from reconciler.model.sites import Need, SiteRef
from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.server import RunningServer, start_in_thread
from tests.api.bench import KEY, FakeClock

Serve = Callable[..., tuple[Sandbox, FullClient]]
EVERYTHING = frozenset({Need.SETTINGS, Need.MARKETING_PLAN, Need.EVENTS, Need.PROPERTIES})


@pytest.fixture
def serve(sandbox_of: Callable[..., Sandbox], clock: FakeClock) -> Iterator[Serve]:
    running: list[RunningServer] = []

    def start(faults: list[dict[str, Any]] | None = None, **fields: Any) -> tuple[Sandbox, FullClient]:
        box = sandbox_of(seed={"faults": faults or []}, **fields)
        running.append(start_in_thread(box))
        return box, client_to(running[-1].base_url, clock)

    yield start
    for server in running:
        server.stop()


def client_to(address: str, clock: FakeClock, parallelism: int = 4, timeouts: Timeouts = USUAL) -> FullClient:
    return FullClient(
        address,
        credentials=lambda _: ApiKey(Secret(KEY)),
        limits=Limits(parallelism),
        clock=clock.handed_in,
        jitter=lambda: 0.0,
        timeouts=timeouts,
    )


def test_reads_over_real_connections(serve: Serve, site: SiteRef) -> None:
    box, client = serve(plan="ACTIVE")

    async def read() -> None:
        async with client:
            observed = await client.reader().read(site, EVERYTHING)
            assert observed.marketing_plan is not None
            assert observed.marketing_plan.activities
            await asyncio.gather(*(client.endpoints.settings(site) for _ in range(40)))

    asyncio.run(read())
    assert box.gaps() == []


@pytest.mark.parametrize(
    ("kind", "operation"),
    [
        (kind, operation)
        for kind in ("drop-before", "drop-after")
        for operation in (
            Generate(),
            DeleteMarketingPlan(),
            CreateActivity(DesiredActivity("t", "d", datetime(2026, 12, 3, tzinfo=UTC), "BLOG")),
        )
    ],
)
def test_a_write_whose_connection_is_lost_is_unknown_and_not_sent_again(
    serve: Serve, site: SiteRef, kind: str, operation: Operation
) -> None:
    """Neither by this tool nor by the library below, which would repeat a DELETE by itself."""
    box, client = serve([{"route": "*", "skip": 1, "do": {"kind": kind}}], plan="NEVER_CREATED")

    async def write() -> object:
        async with client:
            await client.endpoints.settings(site)  # so that the connection is an old one
            return (await client.writer().perform(site, [operation]))[0]

    outcome = asyncio.run(write())
    assert isinstance(outcome, Unknown)
    assert len(box.requests()) == 2


def test_a_read_whose_connection_is_lost_is_sent_again(serve: Serve, site: SiteRef) -> None:
    faults = [
        {"route": "GET /marketing-plan", "times": 1, "do": {"kind": "drop-before"}},
        {"route": "GET /marketing-settings", "times": 1, "do": {"kind": "truncated", "connection": True}},
    ]
    _, client = serve(faults, plan="ACTIVE")

    async def read() -> None:
        async with client:
            observed = await client.reader().read(site, EVERYTHING)
            assert observed.settings is not None
            assert observed.marketing_plan is not None

    asyncio.run(read())


def test_if_nobody_listens_nothing_was_sent(clock: FakeClock, site: SiteRef) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"

        async def write() -> object:
            async with client_to(address, clock) as client:
                with pytest.raises(ApiError) as caught:
                    await client.endpoints.settings(site)
                assert (caught.value.kind, caught.value.sent) == (ErrorKind.NETWORK, False)
                return (await client.writer().perform(site, [Generate()]))[0]

        outcome = asyncio.run(write())
    assert isinstance(outcome, NotDone)
    assert outcome.problem.code == "api-network-error"


def test_a_write_goes_through(serve: Serve, site: SiteRef) -> None:
    _, client = serve(plan="NEVER_CREATED")

    async def write() -> object:
        async with client:
            return (await client.writer().perform(site, [Generate()]))[0]

    assert isinstance(asyncio.run(write()), Pending)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
BABBLE = [
    b"220 mail.example.com ESMTP\r\n",
    b"",
    HEAD,
    HEAD + b"content-length: 100\r\n\r\n{",
    HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
    HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    HEAD + b"x: " + b"y" * 100_000 + b"\r\ncontent-length: 2\r\n\r\n{}",
    HEAD + b"content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
]


@pytest.mark.parametrize("said", BABBLE, ids=range(len(BABBLE)))
def test_what_does_not_speak_http_well_is_an_error_and_a_write_to_it_is_unknown(
    clock: FakeClock, site: SiteRef, said: bytes
) -> None:
    asked = 0

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        writer.write(said)
        writer.close()

    async def ask() -> tuple[ApiError, object]:
        server = await asyncio.start_server(babble, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            async with client_to(f"http://127.0.0.1:{port}", clock) as client:
                (outcome,) = await client.writer().perform(site, [Generate()])
                assert asked == 1
                with pytest.raises(ApiError) as caught:
                    await client.endpoints.settings(site)
        finally:
            server.close()
            await server.wait_closed()
        return caught.value, outcome

    error, outcome = asyncio.run(ask())
    assert error.kind in (ErrorKind.NETWORK, ErrorKind.UNREADABLE)
    assert isinstance(outcome, Unknown)


class Counted:
    """A server that gives every request the same answer, and counts its connections."""

    connections = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(
                    b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{"id":"x"}'
                )
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    @asynccontextmanager
    async def started(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        server.close()
        await server.wait_closed()


def test_there_are_no_more_connections_than_requests_in_flight(clock: FakeClock, site: SiteRef) -> None:
    counted = Counted()

    async def read() -> None:
        async with counted.started() as address, client_to(address, clock, parallelism=3) as client:
            await asyncio.gather(*(client.endpoints.settings(site) for _ in range(60)))

    asyncio.run(read())
    assert counted.connections <= 3


@pytest.mark.parametrize(("idle", "connections"), [(3.5, 1), (4.5, 2)])
def test_a_connection_that_a_server_may_be_closing_is_not_used(
    clock: FakeClock, site: SiteRef, monkeypatch: pytest.MonkeyPatch, idle: float, connections: int
) -> None:
    """Common servers close it after five idle seconds, and what becomes of a write sent just then is unknown."""
    counted = Counted()

    now = 1000.0
    monkeypatch.setattr("aiohttp.connector.monotonic", lambda: now)

    async def read() -> None:
        nonlocal now
        async with counted.started() as address, client_to(address, clock) as client:
            await client.endpoints.settings(site)
            now += idle
            await client.endpoints.settings(site)

    asyncio.run(read())
    assert counted.connections == connections


def test_a_client_that_never_asks_opens_nothing(clock: FakeClock) -> None:
    async def idle() -> None:
        async with client_to("http://127.0.0.1:1", clock) as client:
            assert client._connection._opened is None

    asyncio.run(idle())


def test_a_time_out_after_the_request_was_sent_never_counts_as_not_sent(clock: FakeClock, site: SiteRef) -> None:
    """Without an answer in time, it is not known what was done: a call that must happen once is not sent again."""
    asked = 0

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        try:
            await reader.read()  # until the client hangs up
        finally:
            writer.close()

    async def write(timeouts: Timeouts) -> object:
        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with client_to(address, clock, timeouts=timeouts) as client:
            (outcome,) = await client.writer().perform(site, [Generate()])
        server.close()
        await server.wait_closed()
        return outcome

    for number, timeouts in enumerate((Timeouts(silence=0.3), Timeouts(first_byte=0.3)), start=1):
        # Long before the other of the two bounds would end it.
        assert isinstance(asyncio.run(asyncio.wait_for(write(timeouts), 20)), Unknown)
        assert asked == number


def reset(writer: asyncio.StreamWriter) -> None:
    at_once = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)


@pytest.mark.parametrize(
    ("scheme", "hang_up", "what", "todo"),
    [
        ("https", lambda writer: writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "does not speak TLS", "URL"),
        ("https", lambda _: None, "cannot connect", "URL"),
        ("http", reset, "the connection was reset", "run the command again"),
        ("http", lambda _: None, "closed the connection without a response", "run the command again"),
        ("http", lambda writer: writer.write(b"SSH-2.0-OpenSSH\r\n"), "does not speak HTTP", "the API's URL"),
    ],
    ids=["no-tls", "closed-in-tls", "reset", "closed", "no-http"],
)
def test_what_breaks_a_connection_is_reported_without_error_numbers_and_internals(
    clock: FakeClock,
    site: SiteRef,
    scheme: str,
    hang_up: Callable[[asyncio.StreamWriter], None],
    what: str,
    todo: str,
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        hang_up(writer)
        writer.close()

    async def ask() -> ApiError:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        address = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with client_to(address, clock) as client:
            with pytest.raises(ApiError) as caught:
                await client.endpoints.settings(site)
        server.close()
        await server.wait_closed()
        return caught.value

    error = asyncio.run(ask())
    assert what in error.what()
    assert todo in error.advice()
    assert not re.search(r"Errno|\[|_ssl|\\|url=|\b400\b", error.sentence())
