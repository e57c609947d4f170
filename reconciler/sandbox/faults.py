"""Owns scripted faults: what a fault may say, which requests it matches, and the answers it forges.

A fault is a mapping:

    route: POST /marketing-plan/generate-marketing-plan    # method and path; * matches anything, the path may be
                                                           # just the end of the real one; `*` matches every request
    site: 3f0c...        # only this site's requests
    skip: 2              # let that many matching requests through first
    times: 1             # then act on that many; left out: on all
    do: {kind: ...}      # what happens

| kind | what happens | fields |
|---|---|---|
| throttle | 429, nothing is done | retryAfter (seconds), body: json (default), empty, html; code in the JSON |
| error | a 4xx or 5xx, nothing is done | status (500), body: empty (default), json, html; code; retryAfter |
| forbidden | 403 with an empty message, as seen when a burst was throttled (S-wix) | |
| slow | waits, then answers as usual | seconds |
| drop-before | the connection is lost, nothing is done | |
| drop-after | takes effect, but the connection is lost | |
| truncated | takes effect, but the JSON of the answer is cut in half | connection: true loses the connection too |
| error-after | takes effect, but the answer is an error | status (500), body, code |
| partial | of generated posts, those of every nth activity never come | every (2) |
| failed | the generation that this starts ends FAILED | |
| never-finishes | what this starts never ends | |
| not-published | the posts that this schedules fail when their time comes | message |

In process, a hook can also raise at any request (see Sandbox.add_hook). Seen through `httpx.ASGITransport` a lost
connection is `Dropped`; over HTTP the connection is closed without an answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from reconciler.sandbox.errors import HTML
from reconciler.sandbox.json_types import JsonDict

BODIES = ("empty", "json", "html")
_FIELDS: dict[str, tuple[str, ...]] = {
    "throttle": ("retryAfter", "body", "code"),
    "error": ("status", "body", "code", "retryAfter"),
    "forbidden": (),
    "slow": ("seconds",),
    "drop-before": (),
    "drop-after": (),
    "truncated": ("connection",),
    "error-after": ("status", "body", "code"),
    "partial": ("every",),
    "failed": (),
    "never-finishes": (),
    "not-published": ("message",),
}
KINDS = tuple(_FIELDS)
INSTEAD = frozenset({"throttle", "error", "forbidden", "drop-before"})  # the handler does not run
AFTER = frozenset({"drop-after", "truncated", "error-after"})  # the handler has run


class FaultError(ValueError):
    """A fault that cannot be scripted. The message says what would be right."""


class Dropped(ConnectionError):
    """The connection was lost: what an in-process client sees instead of an answer."""


def dropped(text: str) -> Dropped:
    """The exception for a lost connection.

    If httpx is in use, it is also an httpx.RemoteProtocolError, because that is what a client sees and catches over
    HTTP. The sandbox itself must not depend on an HTTP client, so it only checks whether httpx is loaded.
    """
    httpx = sys.modules.get("httpx")
    return Dropped(text) if httpx is None else _httpx_kind(httpx)(text)


@lru_cache(maxsize=1)
def _httpx_kind(httpx: Any) -> type[Dropped]:
    kind: type[Dropped] = type("Dropped", (Dropped, httpx.RemoteProtocolError), {"__init__": _no_request})
    return kind


def _no_request(self: Any, text: str) -> None:
    Exception.__init__(self, text)
    self._request = None  # httpx checks this before it fills in the request


def check_fault(source: object) -> JsonDict:
    """A scripted fault in full form. Raises FaultError with the first thing that is wrong with it."""
    for _, what, _ in wrong_fault(source):
        raise FaultError(what)
    assert isinstance(source, Mapping)
    site = source.get("site")
    return {
        "route": str(source.get("route", "*")),
        "site": None if site is None else str(site).lower(),
        "skip": source.get("skip", 0),
        "times": source.get("times"),
        "do": dict(source["do"]),
    }


def wrong_fault(source: object) -> Iterator[tuple[str, str, bool]]:
    """Everything that is wrong with a scripted fault: a path, what is wrong there, and whether it is with the key."""
    if not isinstance(source, Mapping):
        yield "", f"is {source!r}, but should be a mapping with the keys `route` and `do`", False
        return
    for key in source:
        if key not in ("route", "site", "skip", "times", "do"):
            yield str(key), f"unknown key {key!r}; known: route, site, skip, times, do", True
    given = source.get("do")
    do = given if isinstance(given, Mapping) else {}
    kind = do.get("kind") if isinstance(given, Mapping) else given
    known = _FIELDS.get(kind) if isinstance(kind, str) and do else None
    if known is None:
        from difflib import get_close_matches

        close = get_close_matches(str(kind), _FIELDS, 1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(_FIELDS)}"
        yield "do.kind", f"do.kind: {kind!r} is unknown; {hint}", False
        known = tuple(field for fields in _FIELDS.values() for field in fields)
    for key in do:
        if key != "kind" and key not in known:
            what = f"do: unknown key {key!r} for {kind}; known: {', '.join(known) or 'none'}"
            yield f"do.{key}", what, True
    if do.get("body", "empty") not in BODIES:
        yield "do.body", f"do.body is {do['body']!r}, but should be one of {', '.join(BODIES)}", False
    for name, value in (("skip", source.get("skip", 0)), ("times", source.get("times")),
                        ("do.status", do.get("status")), ("do.every", do.get("every"))):  # fmt: skip
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            yield name, f"{name} is {value!r}, but should be a whole number", False
    if not isinstance(do.get("retryAfter", 0), int | str):
        yield "do.retryAfter", f"do.retryAfter is {do['retryAfter']!r}, but should be seconds or an HTTP date", False
    if not isinstance(do.get("seconds", 0), int | float):
        yield "do.seconds", f"do.seconds is {do['seconds']!r}, but should be a number of seconds", False


def matches(fault: JsonDict, method: str, path: str, site: str | None) -> bool:
    """Whether a fault's route and site match a request."""
    if fault["site"] is not None and fault["site"] != site:
        return False
    route = str(fault["route"]).strip()
    if route == "*":
        return True
    wanted, _, pattern = route.rpartition(" ")
    if wanted and not fnmatchcase(method, wanted.strip().upper()):
        return False
    return fnmatchcase(path, pattern) or fnmatchcase(path, "*" + pattern)


def acts(fault: JsonDict, seen: int) -> bool:
    """Whether a fault acts on the next matching request, after `seen` of them."""
    times = fault["times"]
    return bool(seen >= fault["skip"] and (times is None or seen < fault["skip"] + times))


def answer(do: JsonDict) -> tuple[int, dict[str, str], bytes]:
    """The forged answer of a fault: status, headers, body."""
    headers: dict[str, str] = {}
    match do["kind"]:
        case "throttle":
            status, code, text = 429, "RESOURCE_EXHAUSTED", "too many requests"
        case "forbidden":
            return 403, {"content-type": "application/json"}, b'{"message":"","details":{}}'
        case _:
            status = do.get("status", 500)
            code, text = "INTERNAL", f"scripted {status}"
    if do.get("retryAfter") is not None:
        headers["retry-after"] = str(do["retryAfter"])
    form = do.get("body", "json" if status == 429 else "empty")
    if form == "html":
        return status, {**headers, "content-type": "text/html; charset=utf-8"}, HTML.encode()
    if form == "json":
        error = {"code": do.get("code", code), "description": text, "data": {}}
        body = {"message": text, "details": {"applicationError": error}}
        return status, {**headers, "content-type": "application/json"}, json.dumps(body).encode()
    return status, headers, b""
