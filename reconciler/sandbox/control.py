"""Owns the control routes under /_sandbox/: what a test or a person can do to a world over HTTP, from loopback."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from reconciler.sandbox.faults import FaultError

if TYPE_CHECKING:
    from reconciler.sandbox.dashboard import Dashboard
    from reconciler.sandbox.json_types import JsonDict
    from reconciler.sandbox.messages import HttpRequest

PREFIX = "/_sandbox/"
_LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1", "localhost", "testclient")


class Controlled(Protocol):
    """What can be controlled in a world."""

    dashboard: Dashboard

    def requests(self) -> list[JsonDict]:
        """The requests so far."""

    def gaps(self) -> list[JsonDict]:
        """What was asked for that the sandbox lacks."""

    def world(self) -> JsonDict:
        """Clock, sites and gaps."""

    def now(self) -> datetime:
        """The world's clock."""

    def advance(self, by: timedelta) -> datetime:
        """Moves the clock forward, and returns its new time."""

    def reset(self) -> None:
        """Starts over from the seed."""

    def add_fault(self, fault: Mapping[str, Any]) -> None:
        """Adds a fault."""

    def clear_faults(self) -> None:
        """Removes all faults."""


def answer(sandbox: Controlled, request: HttpRequest, client: Any) -> tuple[int, Any]:
    """Status and value of a control request. It must come from loopback, not from a web page, and be in JSON.

    GET requests, gaps, world, clock; POST reset, clock {"advance": seconds}, faults (one or a list), dashboard {"do":
    name, "site": id, ...arguments}; DELETE faults.
    """
    if client is not None and client[0] not in _LOOPBACK:
        return 403, {"message": "control routes are only available from this machine"}
    if "origin" in request.headers or request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return 403, {"message": "control routes are not available to web pages"}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method not in ("GET", "DELETE") and kind != "application/json":
        return 415, {"message": "control routes take JSON: send content-type: application/json"}
    try:
        given = json.loads(request.body) if request.body.strip() else {}
        return _answer(sandbox, f"{request.method} {request.path.removeprefix(PREFIX)}", given)
    except (ValueError, OverflowError, FaultError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        return 400, {"message": str(problem)}


def _answer(sandbox: Controlled, what: str, given: Any) -> tuple[int, Any]:
    match what:
        case "GET requests":
            return 200, {"requests": sandbox.requests()}
        case "GET gaps":
            return 200, {"gaps": sandbox.gaps()}
        case "GET world":
            return 200, sandbox.world()
        case "GET clock":
            return 200, {"clock": sandbox.now().isoformat()}
        case "POST reset":
            sandbox.reset()
            return 200, {}
        case "POST clock":
            return 200, {"clock": sandbox.advance(timedelta(seconds=given["advance"])).isoformat()}
        case "POST faults":
            for fault in given if isinstance(given, list) else [given]:
                sandbox.add_fault(fault)
            return 200, {}
        case "DELETE faults":
            sandbox.clear_faults()
            return 200, {}
        case "POST dashboard":
            arguments = dict(given)
            return 200, {"result": sandbox.dashboard.do(arguments.pop("do"), arguments)}
        case _:
            return 404, {"message": f"no control route {what}"}
