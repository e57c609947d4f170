"""Owns a request's way to its handler and back: route, identity, site, handler, log entry, in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.sandbox import auth, consistency, forms, marketing_plan, routes, seeding, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import HttpError, application, empty_throttle, not_found
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.messages import HttpRequest, HttpResponse
from reconciler.sandbox.seed import Seed
from reconciler.sandbox.state import Site
from reconciler.sandbox.world import Transaction

_ELSEWHERE = {"POST /items": "createActivityPath", "POST /events/query": "queryEventsPath",
              "GET /publisher/items/{id}": "getItemPath"}  # fmt: skip
"""Routes with an inferred path (I), and the switch that moves each to a path that nobody requests."""


def perform(
    request: HttpRequest, store: Transaction, now: datetime, seed: Seed, acting: tuple[JsonDict, ...]
) -> HttpResponse:
    """The API's answer to a request, whose effect and log entry are part of the given transaction."""
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
    try:
        route, value = _handle(call, request)
        status, body = forms.success(route, value, seed.unknowns)
    except HttpError as refused:
        status, body = forms.refusal(refused, seed.unknowns)
        call.wrote = call.moved = False
        if call.found_site is not None:
            store.forget(call.found_site.id)  # a refusal leaves nothing behind
        headers = refused.headers
    else:
        headers = {}
    if (call.wrote or call.moved) and call.found_site is not None and not call.lagging:
        if call.wrote:
            consistency.note_write(call.found_site, call.path)
        store.save(call.found_site)
        consistency.remember(store, call.found_site, now, seed.unknowns)
    site = None if call.found_site is None else call.found_site.id
    number = log(store, request, now, status, call.wrote, acting[0]["kind"] if acting else None, site)
    headers = {**headers, **consistency.headers(call.found_site, seed.unknowns)}
    return HttpResponse(status, body, {**headers, "x-wix-request-id": request_id(number)})  # on every response (S-sdk)


def _handle(call: Call, request: HttpRequest) -> tuple[routes.Route, JsonDict]:
    found = routes.find(call.method, call.path)
    if found is None or getattr(call.seed.unknowns, _ELSEWHERE.get(found[0].name, ""), None) == "elsewhere":
        call.store.add_gap(call.method, call.path)
        raise not_found(f"{call.method} {call.path} is not a route of this sandbox")
    route, call.params = found
    call.query = request.parameters()
    if route.level != "nobody":
        _admit(call, route)
    call.body = request.json()
    if route.reads and call.found_site is not None:
        lagging = consistency.lagging(call.store, call.found_site, call.path, call.headers, call.now, call.seed)
        if lagging is not None:
            call.found_site, call.lagging = lagging, True
    answer = route.handler(call)
    if route.keeps_active and call.found_site is not None:
        _touch(call.store, call.found_site, call.now)
    return route, answer


def _admit(call: Call, route: routes.Route) -> None:
    """Checks identity, site or account, rate limit and scope, in this order, each with its own refusal."""
    identity = auth.identify(call.headers, call.seed, call.store, call.now)
    if route.level == "account":
        call.account = auth.account_of(identity, call.headers, call.seed)
        auth.require_scope(identity, route.scope)
        return
    site_id = auth.site_of(identity, call.headers)
    limit = call.seed.requests_per_minute
    if limit is not None and call.store.requests_since(site_id, call.later(-60)) >= limit:
        raise _throttled(limit, call.seed)
    auth.require_scope(identity, route.scope)
    if call.seed.unknowns.apiKeys == "refused" and identity.site is None and "marketing-plan-service" in call.path:
        raise auth.denied("this method is for Wix apps and Wix users")  # D; whether keys are users is not known
    call.found_site = call.find_site(site_id)
    if call.found_site is None:
        raise not_found(f"site {site_id} does not exist")


def _throttled(limit: int, seed: Seed) -> HttpError:
    """HTTP 429 (D: 200 a minute). Its body and `Retry-After` are not documented: switchable (I)."""
    headers = {"retry-after": "60"} if seed.unknowns.throttleRetryAfter else {}
    if seed.unknowns.throttleAnswer != "envelope":
        return empty_throttle(headers, html=seed.unknowns.throttleAnswer == "html")
    refused = application(429, "RESOURCE_EXHAUSTED", f"more than {limit} requests in a minute")
    refused.headers.update(headers)
    return refused


def _touch(store: Transaction, site: Site, now: datetime) -> None:
    # Idleness is counted in weeks; recording every request would only cost time.
    if not site.touched or now - times.must(site.touched) > timedelta(minutes=1):
        store.touch(site, times.show(now))


def find_site(store: Transaction, site_id: str, now: datetime, seed: Seed) -> Site | None:
    """A site, after carrying out what was due by now; created on first sight, or None if that is disabled."""
    site = store.site(site_id)
    if site is None:
        if not seed.create_sites and site_id not in seed.sites:
            return None
        site = seeding.create(site_id, dict(seed.sites.get(site_id, seed.defaults)), now, seed)
        store.save(site)
        consistency.remember(store, site, now, seed.unknowns)
    if marketing_plan.finish_due(site, now, seed):
        store.save(site)
        consistency.remember(store, site, now, seed.unknowns)
    return site


def named_site(request: HttpRequest, store: Transaction) -> str | None:
    """The site a request is about: from its header, or from its access token."""
    named = request.headers.get("wix-site-id")
    if named is not None:
        return named.lower()
    token = store.token(request.headers.get("authorization", "").rpartition(" ")[2])
    return None if token is None else token[0]


def log(
    store: Transaction, request: HttpRequest, now: datetime, status: int | None, wrote: bool, fault: str | None,
    site: str | None = None,
) -> int:  # fmt: skip
    """Adds a request to the log; returns its number. A log contains no secrets."""
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
    """The value of `x-wix-request-id`, from a counter so that runs are reproducible."""
    return f"sandbox.{number:012d}"
