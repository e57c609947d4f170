"""Owns the form in which every answer is sent: what the handlers return, in the form that the world's unknowns give it.

The form of one route is next to its handler.
"""

from __future__ import annotations

import re
from typing import Any

from reconciler.sandbox import form_of_items
from reconciler.sandbox.errors import HttpError
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.messages import encoded
from reconciler.sandbox.routes import Route
from reconciler.sandbox.unknowns import Unknowns

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def success(route: Route, value: JsonDict, unknowns: Unknowns) -> tuple[int, bytes]:
    """Status and body of a success."""
    if route.name.startswith("POST /oauth2/"):
        return 200, encoded(value)  # OAuth, not the platform's JSON
    writes = not route.reads
    status = unknowns.successStatus if writes else 200  # every success is 200 (S-sdk)
    if route.name == "GET /marketing-plan" and value["status"] == "NEVER_CREATED":
        value = {**value}
        match unknowns.noPlanAnswer:
            case "no-status":
                del value["status"]
            case "empty-object":
                value = {}
            case "nothing":
                return 200, b""
            case "no-content":
                return 204, b""
            case "null":
                return 200, b"null"
            case "list":
                return 200, b"[]"
            case _:
                pass
    if writes and not value and unknowns.emptyAnswer != "object":
        return (204, b"") if unknowns.emptyAnswer == "no-content" else (status, b"")
    shaped: Any = form_of_items.shaped(route.name, value, unknowns)
    if route.form is not None and shaped:
        shaped = route.form(shaped, unknowns)
    return status, encoded(_everywhere(shaped, unknowns))


def refusal(refused: HttpError, unknowns: Unknowns) -> tuple[int, bytes]:
    """Status and body of a refusal."""
    status = unknowns.preconditionStatus if refused.status == 428 else refused.status
    if unknowns.refusalStatus == "200" and refused.body is not None and "details" in refused.body:
        status = 200
    return status, refused.text.encode() or encoded(refused.body)


# --- all routes ------------------------------------------------------------------------------------


def _everywhere(value: Any, unknowns: Unknowns) -> Any:
    """Numbers, times and lists in the form in which they are sent, and members that no client knows yet."""
    plain = (unknowns.numbers, unknowns.moments, unknowns.addedFields) == ("plain", "milliseconds", False)
    if plain and unknowns.emptyLists != "null":
        return value
    if isinstance(value, dict):
        changed = {name: _everywhere(each, unknowns) for name, each in value.items()}
        return {**changed, "addedLater": {"kind": "NOVEL"}} if unknowns.addedFields else changed
    if isinstance(value, list):
        if not value and unknowns.emptyLists == "null":
            return None
        return [_everywhere(each, unknowns) for each in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return {"text": str(value), "decimal": float(value)}.get(unknowns.numbers, value)
    if isinstance(value, str) and unknowns.moments != "milliseconds" and _MOMENT.fullmatch(value):
        return value[:-5] + ("Z" if unknowns.moments == "seconds" else "+00:00")
    return value
