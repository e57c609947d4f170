"""The same tests in process and over HTTP, each with a fresh world and a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, cast

import httpx
import pytest

from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.messages import AsgiScope, Receive, Send
from reconciler.sandbox.server import start_in_thread
from tests.sandbox.remote import TUESDAY, Json, Remote


class _Current:
    """An application that is whichever sandbox the running test has made."""

    sandbox: Sandbox

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        await self.sandbox(scope, receive, send)


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[_Current, httpx.Client]]:
    current = _Current()
    running = start_in_thread(cast(Sandbox, current))
    with httpx.Client(verify=False, base_url=running.base_url) as client:
        yield current, client
    running.stop()


@pytest.fixture(params=["in process", "server"])
def make(request: pytest.FixtureRequest) -> Callable[..., Remote]:
    """Makes a remote from a seed; the clock stands still on a Tuesday unless the seed says otherwise."""

    def over_asgi(sandbox: Sandbox) -> Callable[[httpx.Request], httpx.Response]:
        async def send(given: httpx.Request) -> httpx.Response:
            answer = await httpx.ASGITransport(app=sandbox).handle_async_request(given)
            await answer.aread()
            return answer

        return lambda given: asyncio.run(send(given))

    def over_http(sandbox: Sandbox) -> Callable[[httpx.Request], httpx.Response]:
        current, client = request.getfixturevalue("served")
        current.sandbox = sandbox

        def send(given: httpx.Request) -> httpx.Response:
            given.url = client.base_url.join(given.url.raw_path.decode())
            given.headers["host"] = f"{given.url.host}:{given.url.port}"
            return cast(httpx.Response, client.send(given))

        return send

    def made(seed: Json | None = None, **options: Any) -> Remote:
        sandbox = Sandbox(seed={"clock": TUESDAY, "freeze": True, **(seed or {})}, **options)
        return Remote(sandbox, over_asgi(sandbox) if request.param == "in process" else over_http(sandbox))

    return made


@pytest.fixture
def remote(make: Callable[..., Remote]) -> Remote:
    """A remote with nothing seeded."""
    return make()


@pytest.fixture
def ready(make: Callable[..., Remote]) -> Remote:
    """A remote whose site has an active marketing plan."""
    made = make({"defaults": {"plan": "ACTIVE"}})
    assert made.activities()
    return made
