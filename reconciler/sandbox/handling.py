"""Owns a request's way to its handler and back: route, identity, site, handler, log entry, in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from reconciler.sandbox import auth, marketing_plan, messages, planting, routes, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import Refused, application, not_found
from reconciler.sandbox.messages import Answer, Request
from reconciler.sandbox.seed import Seed
from reconciler.sandbox.state import Site
from reconciler.sandbox.world import Transaction

Json = dict[str, Any]


def perform(request: Request, store: Transaction, now: datetime, seed: Seed, acting: tuple[Json, ...]) -> Answer:
    """The API's answer. Its effect and its log entry are in the transaction that was handed in."""
    call = Call(
        method=request.method,
        path=request.path,
        headers=request.headers,
        now=now,
        seed=seed,
        store=store,
        find_site=lambda site_id: find_site(store, site_id, now, seed),
        directives=acting,
    )
    value: Json | None
    try:
        status, value = 200, _handle(call, request)  # every success is 200 (S-sdk)
        if seed.switches.addedFields:
            value = _with_added_fields(value)
    except Refused as refused:
        status, value = refused.status, refused.body
        call.wrote = call.moved = False
        if call.found_site is not None:
            store.forget(call.found_site.id)  # a refusal leaves nothing behind
    if (call.wrote or call.moved) and call.found_site is not None:
        store.save(call.found_site)
    site = None if call.found_site is None else call.found_site.id
    number = log(store, request, now, status, call.wrote, acting[0]["kind"] if acting else None, site)
    return messages.answer(status, value, x_wix_request_id=request_id(number))  # on every response (S-sdk)


def _handle(call: Call, request: Request) -> Json:
    found = routes.find(call.method, call.path)
    if found is None:
        call.store.add_gap(call.method, call.path)
        raise not_found(f"{call.method} {call.path} is no route of this sandbox")
    route, call.params = found
    call.query = request.parameters()
    if route.level != "nobody":
        _admit(call, route)
    call.body = request.json()
    answer = route.handler(call)
    if route.keeps_active and call.found_site is not None:
        _touch(call.store, call.found_site, call.now)
    return answer


def _admit(call: Call, route: routes.Route) -> None:
    """Identity, rate limit, site or account, scope: in this order, each with its refusal."""
    identity = auth.identify(call.headers, call.seed, call.store, call.now)
    if route.level == "account":
        call.account = auth.account_of(identity, call.headers, call.seed)
        auth.require_scope(identity, route.scope)
        return
    site_id = auth.site_of(identity, call.headers)
    limit = call.seed.requests_per_minute
    if limit is not None and call.store.requests_since(site_id, call.later(-60)) >= limit:
        raise application(429, "RESOURCE_EXHAUSTED", f"more than {limit} requests in a minute")  # D: 200 a minute
    auth.require_scope(identity, route.scope)
    call.found_site = call.find_site(site_id)
    if call.found_site is None:
        raise not_found(f"site {site_id} does not exist")


def _with_added_fields(value: Any) -> Any:
    # A Developer Preview grows: clients must pass over what they do not know (13.1).
    if isinstance(value, dict):
        return {**{name: _with_added_fields(each) for name, each in value.items()}, "addedLater": {"kind": "NOVEL"}}
    return [_with_added_fields(each) for each in value] if isinstance(value, list) else value


def _touch(store: Transaction, site: Site, now: datetime) -> None:
    # Idleness is counted in weeks; noting every request would only cost time.
    if not site.touched or now - times.must(site.touched) > timedelta(minutes=1):
        store.touch(site, times.show(now))


def find_site(store: Transaction, site_id: str, now: datetime, seed: Seed) -> Site | None:
    """A site with everything that was due by now; made on first sight, or None where that is off."""
    site = store.site(site_id)
    if site is None:
        if not seed.create_sites and site_id not in seed.sites:
            return None
        site = planting.plant(site_id, dict(seed.sites.get(site_id, seed.defaults)), now, seed)
        store.save(site)
    if marketing_plan.settle(site, now, seed):
        store.save(site)
    return site


def named_site(request: Request, store: Transaction) -> str | None:
    """The site a request is about: its header's, or its access token's."""
    named = request.headers.get("wix-site-id")
    if named is not None:
        return named.lower()
    token = store.token(request.headers.get("authorization", "").rpartition(" ")[2])
    return None if token is None else token[0]


def log(
    store: Transaction, request: Request, now: datetime, status: int | None, wrote: bool, fault: str | None,
    site: str | None = None,
) -> int:  # fmt: skip
    """Adds a request to the log; returns its number. A log holds no secrets."""
    return store.log({
        "at": times.show(now),
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "site": site or named_site(request, store),
        "body": "***" if request.path.startswith("/oauth2/") else request.text,
        "status": status,
        "wrote": int(wrote),
        "fault": fault,
    })  # fmt: skip


def request_id(number: int) -> str:
    """The value of `x-wix-request-id`, from a counter so that runs repeat."""
    return f"sandbox.{number:012d}"
