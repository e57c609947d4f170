"""Owns one world and its way in: an ASGI application that answers as the remote API does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from reconciler.sandbox import auth, clock, control, faults, marketing_plan, planting, routes, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.dashboard import Dashboard
from reconciler.sandbox.errors import Refused, not_found, unparsable
from reconciler.sandbox.seed import Seed, load_seed, read_seed
from reconciler.sandbox.state import Site
from reconciler.sandbox.world import Transaction, World

Json = dict[str, Any]
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Hook = Callable[["Seen"], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a hook is told of a request: when (before or after its effect), method, path, site, body."""

    when: str
    method: str
    path: str
    site: str | None
    body: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def site(self) -> str | None:
        named = self.headers.get("wix-site-id")
        return None if named is None else named.lower()


@dataclass(slots=True)
class _Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def _real_now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """The remote API, small: one instance is one world, an ASGI 3 application.

    `database` is a file, or `:memory:`. `seed` is a mapping as in `seed.py`; None takes the seed that the file was
    made with. `now` stands for real time. `sleep` is awaited for latency and slow faults.
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
        source = dict(seed) if seed is not None else None
        self._seed = read_seed(source or {})
        self._source = source
        self.world_store = World(database)
        self.dashboard = Dashboard(self)
        with self.world_store.transaction() as store:
            self._begin(store)

    @classmethod
    def open(cls, database: str | Path, seed_file: str | Path | None = None, **options: Any) -> Sandbox:
        """The world in a file, seeded from a sandbox.yaml if that exists. Raises SeedError."""
        seed = load_seed(seed_file) if seed_file is not None and Path(seed_file).exists() else None
        return cls(database, seed, **options)

    @property
    def seed(self) -> Seed:
        """The options this world runs by."""
        return self._seed

    def _begin(self, store: Transaction) -> None:
        """Makes the world where there is none, and what a changed seed adds where there is one."""
        stored = store.meta("seed")
        if self._source is None and stored is not None:
            self._source = stored
            self._seed = read_seed(stored)
        source = json.loads(json.dumps(self._source or {}, default=_json_of))
        if store.meta("clock") is None:
            clock.start(store, self._seed, self._real_now())
        if stored != source:
            store.set_meta("seed", source)
            store.clear_faults()
            for fault in self._seed.faults:
                store.add_fault(fault)
            now = clock.read(store, self._real_now)
            for site_id, fields in self._seed.sites.items():
                if store.site(site_id) is None:
                    store.save(planting.plant(site_id, dict(fields), now, self._seed))

    # What tests and control routes do with a world

    def now(self) -> datetime:
        """The time in this world."""
        with self.world_store.transaction() as store:
            return clock.read(store, self._real_now)

    def advance(self, by: timedelta) -> datetime:
        """Moves the clock and says what it shows."""
        with self.world_store.transaction() as store:
            clock.move(store, by.total_seconds())
            return clock.read(store, self._real_now)

    def requests(self) -> list[Json]:
        """The requests so far (the newest 20,000): n, at, method, path, query, site, body, status, wrote, fault."""
        with self.world_store.transaction() as store:
            return store.requests()

    def gaps(self) -> list[Json]:
        """The unknown routes that were asked for."""
        with self.world_store.transaction() as store:
            return store.gaps()

    def world(self) -> Json:
        """Clock and sites, as plain values."""
        with self.world_store.transaction() as store:
            now = clock.read(store, self._real_now)
            sites = {}
            for site_id in store.site_ids():
                site = self._settled(store, site_id, now)
                sites[site_id] = {**json.loads(site.dump()), "touched": site.touched}
            return {"clock": times.show(now), "sites": sites, "gaps": store.gaps()}

    def reset(self) -> None:
        """Makes the world anew from its seed."""
        with self.world_store.transaction() as store:
            store.wipe()
            self._begin(store)

    def add_fault(self, fault: Mapping[str, Any]) -> None:
        """Scripts a fault (see faults.py). Raises FaultError."""
        spec = faults.check_fault(fault)
        with self.world_store.transaction() as store:
            store.add_fault(spec)

    def clear_faults(self) -> None:
        """Removes all scripted faults and hooks."""
        self._hooks.clear()
        with self.world_store.transaction() as store:
            store.clear_faults()

    def add_hook(self, route: str, hook: Hook) -> None:
        """Has a function called before and after each request to a route (as in a fault), outside of transactions."""
        self._hooks.append((route, hook))

    def edit(self, site_id: str, change: Callable[[Site, datetime, Seed], Any]) -> Any:
        """Changes a site directly, as people do in the dashboard; makes the site if it is not there yet."""
        with self.world_store.transaction() as store:
            now = clock.read(store, self._real_now)
            site = self._settled(store, site_id.lower(), now)
            result = change(site, now, self._seed)
            store.save(site)
            return result

    def close(self) -> None:
        """Closes the file."""
        self.world_store.close()

    # The way in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one ASGI connection: `http` or `lifespan`."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise NotImplementedError(f"the sandbox speaks http, not {scope['type']}")
        request = await _read(scope, receive)
        if request.path.startswith(control.PREFIX):
            status, value = control.answer(self, request.method, request.path, request.body, scope.get("client"))
            await _respond(send, _Answer(status, json.dumps(value).encode()))
            return
        await self._serve(request, send)

    async def _serve(self, request: _Request, send: Send) -> None:
        if self._seed.latency.request:
            await self._sleep(self._seed.latency.request)
        acting = self._take_faults(request)
        for do in acting:
            if do["kind"] == "slow":
                await self._sleep(do.get("seconds", 1))
        instead = next((do for do in acting if do["kind"] in faults.INSTEAD), None)
        if instead is not None:
            answer = self._forge(request, instead)
        else:
            self._call_hooks("before", request, None)
            answer = self._perform(request, tuple(acting))
            self._call_hooks("after", request, answer.status)
        after = next((do for do in acting if do["kind"] in faults.AFTER), None)
        if after is not None and instead is None:
            answer = await self._spoil(answer, after, send)
        await _respond(send, answer)

    def _take_faults(self, request: _Request) -> list[Json]:
        """The scripted faults that act on this request; each match is counted before anything else happens."""
        acting: list[Json] = []
        with self.world_store.transaction() as store:
            if self._seed.clock_step:
                clock.move(store, self._seed.clock_step)
            for number, fault, seen in store.faults():
                if faults.matches(fault, request.method, request.path, request.site):
                    store.count_fault(number)
                    if faults.acts(fault, seen):
                        acting.append(fault["do"])
        return acting

    def _forge(self, request: _Request, do: Json) -> _Answer:
        lost = do["kind"] == "drop-before"
        status, headers, body = (0, {}, b"") if lost else faults.answer(do)
        with self.world_store.transaction() as store:
            now = clock.read(store, self._real_now)
            number = self._log(store, request, now, None if lost else status, wrote=False, fault=do["kind"])
        if lost:
            raise faults.dropped(f"{request.method} {request.path}: connection lost before the effect")
        return _Answer(status, body, {**headers, "x-wix-request-id": _request_id(number)})

    async def _spoil(self, answer: _Answer, do: Json, send: Send) -> _Answer:
        if do["kind"] == "drop-after":
            raise faults.dropped("connection lost after the effect")
        if do["kind"] == "error-after":
            status, headers, body = faults.answer(do)
            return _Answer(status, body, {**headers, "x-wix-request-id": answer.headers["x-wix-request-id"]})
        half = _Answer(answer.status, answer.body[: len(answer.body) // 2], answer.headers)
        if do.get("connection"):
            await _respond(send, half, announced=len(answer.body))
            raise faults.dropped("connection lost in the middle of the answer")
        return half

    def _perform(self, request: _Request, acting: tuple[Json, ...]) -> _Answer:
        """The handler's answer; its effect and its log entry are one transaction."""
        with self.world_store.transaction() as store:
            now = clock.read(store, self._real_now)
            call = Call(
                request.method, request.path, {}, {}, request.headers, {}, now, self._seed, store,
                lambda site_id: self._site(store, site_id, now), acting,
            )  # fmt: skip
            try:
                value: Json | None = self._handle(call, request)
                status = 200
            except Refused as refused:
                status, value = refused.status, refused.body
                call.wrote = False
                if call.found_site is not None:
                    store.forget(call.found_site.id)  # a refusal leaves nothing behind
            else:
                if call.wrote and call.found_site is not None:
                    store.save(call.found_site)
            body = b"" if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
            fault = acting[0]["kind"] if acting else None
            number = self._log(store, request, now, status, call.wrote, fault, call)
        headers = {"x-wix-request-id": _request_id(number)}  # on every response (S-sdk)
        return _Answer(status, body, headers)

    def _handle(self, call: Call, request: _Request) -> Json:
        found = routes.find(call.method, call.path)
        if found is None:
            call.store.add_gap(call.method, call.path)
            raise not_found(f"{call.method} {call.path} is no route of this sandbox")
        route, call.params = found
        for name, value in parse_qsl(request.query, keep_blank_values=True):
            call.query.setdefault(name, []).append(value)
        if route.level != "nobody":
            identity = auth.identify(call.headers, self._seed, call.store, call.now)
            if route.level == "account":
                call.account = auth.account_of(identity, call.headers, self._seed)
                if self._seed.account_id is None:
                    call.account = None
            else:
                site_id = auth.site_of(identity, call.headers)
                auth.require_scope(identity, route.scope)
                call.found_site = self._site(call.store, site_id, call.now)
                if call.found_site is None:
                    raise not_found(f"site {site_id} does not exist")
            auth.require_scope(identity, route.scope)
        call.body = _parse(request)
        answer = route.handler(call)
        if route.marketing and call.found_site is not None:
            self._touch(call.store, call.found_site, call.now)
        return answer

    def _touch(self, store: Transaction, site: Site, now: datetime) -> None:
        # Idleness is counted in weeks; noting every request would only cost time.
        if not site.touched or now - times.must(site.touched) > timedelta(minutes=1):
            store.touch(site, times.show(now))

    def _site(self, store: Transaction, site_id: str, now: datetime) -> Site | None:
        """A site with everything that was due by now; made on first sight where that is on."""
        site = store.site(site_id)
        if site is None:
            if not self._seed.create_sites and site_id not in self._seed.sites:
                return None
            fields = self._seed.sites.get(site_id, self._seed.defaults)
            site = planting.plant(site_id, dict(fields), now, self._seed)
            store.save(site)
        if marketing_plan.settle(site, now, self._seed):
            store.save(site)
        return site

    def _settled(self, store: Transaction, site_id: str, now: datetime) -> Site:
        site = self._site(store, site_id, now)
        if site is None:
            raise KeyError(f"there is no site {site_id} in this sandbox")
        return site

    def _log(
        self, store: Transaction, request: _Request, now: datetime, status: int | None, wrote: bool,
        fault: str | None, call: Call | None = None,
    ) -> int:  # fmt: skip
        site = call.found_site.id if call is not None and call.found_site is not None else request.site
        secret = request.path == "/oauth2/token"  # a log holds no secrets
        return store.log({
            "at": times.show(now), "method": request.method, "path": request.path, "query": request.query,
            "site": site, "body": "***" if secret else request.body.decode("utf-8", "replace"), "status": status,
            "wrote": int(wrote), "fault": fault,
        })  # fmt: skip

    def _call_hooks(self, when: str, request: _Request, status: int | None) -> None:
        for route, hook in list(self._hooks):
            spec = {"route": route, "site": None}
            if faults.matches(spec, request.method, request.path, request.site):
                body = request.body.decode("utf-8", "replace")
                hook(Seen(when, request.method, request.path, request.site, body, status))


def _json_of(value: object) -> object:
    if isinstance(value, datetime):
        return times.show(value if value.tzinfo else value.replace(tzinfo=UTC))
    return str(value)


def _request_id(number: int) -> str:
    return f"sandbox.{number:012d}"


def _parse(request: _Request) -> Json:
    """The body: a JSON object; none at all counts as an empty one. Anything else is 400 (S)."""
    if not request.body.strip():
        return {}
    try:
        value = json.loads(request.body)
    except (ValueError, RecursionError):
        raise unparsable() from None
    if not isinstance(value, dict):
        raise unparsable()
    return value


async def _read(scope: Scope, receive: Receive) -> _Request:
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return _Request(
        method=scope["method"].upper(),
        path=unquote(scope["path"]),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=b"".join(parts),
    )


async def _respond(send: Send, answer: _Answer, announced: int | None = None) -> None:
    headers = {"content-type": "application/json", **answer.headers}
    if not answer.body and announced is None:
        headers.pop("content-type")
    headers["content-length"] = str(len(answer.body) if announced is None else announced)
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body, "more_body": announced is not None})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
