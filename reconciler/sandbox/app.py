"""Owns one world and the way into it: an ASGI application that answers as the remote API does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.sandbox import clock, consistency, control, dispatch, faults, messages, pictures, seeding, times
from reconciler.sandbox.dashboard import Dashboard
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.messages import AsgiScope, HttpRequest, HttpResponse, Receive, Send
from reconciler.sandbox.seed import Seed, read_seed
from reconciler.sandbox.state import Site
from reconciler.sandbox.world import Transaction, World


@dataclass(frozen=True, slots=True)
class Seen:
    """What a hook is given about a request: when (before or after its effect), method, path, site, body, status."""

    when: str
    method: str
    path: str
    site: str | None
    body: str
    status: int | None = None


Hook = Callable[[Seen], None]


def _real_now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """An emulator of the remote API: one instance is one world, an ASGI 3 application.

    `database` is a file, or `:memory:`. `seed` is a mapping as in `seed.py`; None uses the one that the file already
    has. A file whose seed has changed keeps its clock and its sites, adopts the new options and faults, and gets the
    new sites; `reset` starts over. `now` replaces the real clock. `sleep` is awaited for latency and slow faults.
    Raises SeedError, and WorldError for a file that cannot be used.
    """

    def __init__(
        self,
        database: str | Path = ":memory:",
        seed: Mapping[str, Any] | None = None,
        now: Callable[[], datetime] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._real_now = now or _real_now
        self._sleep = sleep
        self._hooks: list[tuple[str, Hook]] = []
        self._seed = read_seed({} if seed is None else seed)
        self._source = None if seed is None else dict(seed)
        self._world = World(database)
        self.dashboard = Dashboard(self.edit)
        with self._world.transaction() as store:
            self._begin(store)

    def _begin(self, store: Transaction) -> None:
        """Creates the world if there is none, or adds what a changed seed adds."""
        stored = store.meta("seed")
        if self._source is None and stored is not None:
            self._source, self._seed = stored, read_seed(stored)
        source = json.loads(json.dumps(self._source or {}, default=_plain))
        if store.meta("clock") is None:
            clock.start(store, self._seed, self._real_now())
        if stored == source:
            return
        store.set_meta("seed", source)
        store.clear_faults()
        for fault in self._seed.faults:
            store.add_fault(fault)
        now = clock.read(store, self._real_now)
        for site_id, fields in self._seed.sites.items():
            if store.site(site_id) is None:
                site = seeding.create(site_id, dict(fields), now, self._seed)
                store.save(site)
                consistency.remember(store, site, now, self._seed.unknowns)

    # What tests, control routes and the command line do with a world

    @property
    def seed(self) -> Seed:
        """The options this world runs with."""
        return self._seed

    def now(self) -> datetime:
        """The time in this world."""
        with self._world.transaction() as store:
            return clock.read(store, self._real_now)

    def advance(self, by: timedelta) -> datetime:
        """Moves the clock and returns its new time."""
        with self._world.transaction() as store:
            clock.move(store, by.total_seconds())
            return clock.read(store, self._real_now)

    def requests(self) -> list[JsonDict]:
        """The requests so far (the newest 20,000): n, at, method, path, query, site, body, status, wrote, fault.

        `status` is None if the connection was lost; `wrote` is 1 if a client's request changed the world.
        """
        with self._world.transaction() as store:
            return store.requests()

    def gaps(self) -> list[JsonDict]:
        """The unknown routes that were requested: method, path, count."""
        with self._world.transaction() as store:
            return store.gaps()

    def world(self) -> JsonDict:
        """Clock, sites and gaps, as plain values."""
        with self._world.transaction() as store:
            now = clock.read(store, self._real_now)
            sites = {}
            for site_id in store.site_ids():
                site = self._known_site(store, site_id, now)
                sites[site_id] = {**json.loads(site.dump()), "touched": site.touched}
            return {"clock": times.show(now), "sites": sites, "gaps": store.gaps()}

    def reset(self) -> None:
        """Resets the world to its seed."""
        with self._world.transaction() as store:
            store.wipe()
            self._begin(store)

    def add_fault(self, fault: Mapping[str, Any]) -> None:
        """Scripts a fault (see faults.py). Raises FaultError."""
        spec = faults.check_fault(fault)
        with self._world.transaction() as store:
            store.add_fault(spec)

    def clear_faults(self) -> None:
        """Removes all scripted faults and hooks."""
        self._hooks.clear()
        with self._world.transaction() as store:
            store.clear_faults()

    def add_hook(self, route: str, hook: Hook) -> None:
        """Registers a function to call before and after each request to a route, outside transactions.

        The route is written as in a fault. What the function raises reaches an in-process client, which is how a test
        ends a run at any request.
        """
        self._hooks.append((route, hook))

    def edit(self, site_id: str, change: Callable[[Site, datetime, Seed], Any]) -> Any:
        """Changes a site directly, as people do. Creates a missing site; raises KeyError if that is disabled."""
        with self._world.transaction() as store:
            now = clock.read(store, self._real_now)
            site = self._known_site(store, site_id.lower(), now)
            result = change(site, now, self._seed)
            store.save(site)
            consistency.remember(store, site, now, self._seed.unknowns)
            return result

    def close(self) -> None:
        """Closes the file."""
        self._world.close()

    def _known_site(self, store: Transaction, site_id: str, now: datetime) -> Site:
        site = dispatch.find_site(store, site_id, now, self._seed)
        if site is None:
            raise KeyError(f"there is no site {site_id} in this sandbox")
        return site

    # The entry point

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serves one ASGI connection: `http` or `lifespan`."""
        if scope["type"] == "lifespan":
            await messages.lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise NotImplementedError(f"the sandbox speaks http, not {scope['type']}")
        try:
            request = await messages.read(scope, receive)
        except messages.TooLarge as large:
            await messages.respond(send, HttpResponse(413, messages.encoded({"message": str(large), "details": {}})))
            return
        if request.path.startswith(control.PREFIX):
            status, value = control.answer(self, request, scope.get("client"))
            await messages.respond(send, HttpResponse(status, messages.encoded(value)))
            return
        if request.method == "GET" and request.path.startswith(pictures.PREFIX):
            await messages.respond(send, _picture(request.path))
            return
        await self._serve(request, send)

    async def _serve(self, request: HttpRequest, send: Send) -> None:
        if self._seed.latency.request:
            await self._sleep(self._seed.latency.request)
        acting = self._take_faults(request)
        for do in acting:
            if do["kind"] == "slow":
                await self._sleep(do.get("seconds", 1))
        instead = next((do for do in acting if do["kind"] in faults.INSTEAD), None)
        if instead is not None:
            await messages.respond(send, self._forge(request, instead))
            return
        self._call_hooks("before", request, None)
        with self._world.transaction() as store:
            now = clock.read(store, self._real_now)
            answer = dispatch.perform(request, store, now, self._seed, tuple(acting))
        self._call_hooks("after", request, answer.status)
        after = next((do for do in acting if do["kind"] in faults.AFTER), None)
        await messages.respond(send, answer if after is None else await _spoil(answer, after, send))

    def _take_faults(self, request: HttpRequest) -> list[JsonDict]:
        """The scripted faults that act on this request. Counts every match, and moves the clock by `clockStep`."""
        if not self._seed.clock_step and not self._world.has_faults():
            return []
        acting: list[JsonDict] = []
        with self._world.transaction() as store:
            if self._seed.clock_step:
                clock.move(store, self._seed.clock_step)
            site = dispatch.named_site(request, store)
            for number, fault, seen in store.faults():
                if faults.matches(fault, request.method, request.path, site):
                    store.count_fault(number)
                    if faults.acts(fault, seen):
                        acting.append(fault["do"])
        return acting

    def _forge(self, request: HttpRequest, do: JsonDict) -> HttpResponse:
        """The answer of a fault that replaces the handler; logged like any other."""
        lost = do["kind"] == "drop-before"
        status, headers, body = (None, {}, b"") if lost else faults.answer(do)
        with self._world.transaction() as store:
            now = clock.read(store, self._real_now)
            number = dispatch.log(store, request, now, status, wrote=False, fault=do["kind"])
        if status is None:
            raise faults.dropped("connection lost before the effect")
        return HttpResponse(status, body, {**headers, "x-wix-request-id": dispatch.request_id(number)})

    def _call_hooks(self, when: str, request: HttpRequest, status: int | None) -> None:
        for route, hook in list(self._hooks):
            site = request.headers.get("wix-site-id")
            if faults.matches({"route": route, "site": None}, request.method, request.path, site):
                hook(Seen(when, request.method, request.path, site, request.text, status))


def _picture(path: str) -> HttpResponse:
    """A picture from the media store. It needs no key, and no title in it can run as a script."""
    headers = {"content-type": pictures.CONTENT_TYPE, "content-security-policy": "default-src 'none'"}
    return HttpResponse(200, pictures.draw(path), {**headers, "x-content-type-options": "nosniff"})


async def _spoil(answer: HttpResponse, do: JsonDict, send: Send) -> HttpResponse:
    """What a client sees of the answer to a request that has taken effect."""
    if do["kind"] == "drop-after":
        raise faults.dropped("connection lost after the effect")
    if do["kind"] == "error-after":
        status, headers, body = faults.answer(do)
        return HttpResponse(status, body, {**answer.headers, **headers})
    half = HttpResponse(answer.status, answer.body[: len(answer.body) // 2], answer.headers)
    if do.get("connection"):
        await messages.respond(send, half, announced=len(answer.body))
        raise faults.dropped("connection lost in the middle of the response")
    return half


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return times.show(value if value.tzinfo else value.replace(tzinfo=UTC))
    return str(value)
