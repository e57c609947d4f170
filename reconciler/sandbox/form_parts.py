"""Owns the building blocks of the forms of several routes: paged lists, renamed keys, created objects."""

from __future__ import annotations

from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.unknowns import Unknowns

UNHEARD_OF = "payload"
"""A key that no client can know."""

_PAGE = 10
"""How many entries a list shows if it says that there are more."""


def renamed(value: JsonDict, old: str, new: str) -> JsonDict:
    """The answer with another key for one of its members."""
    return {new if name == old else name: each for name, each in value.items()}


def paged(value: JsonDict, key: str, unknowns: Unknowns) -> JsonDict:
    """Says that there is more, and shows only the beginning; or says that this was all."""
    if unknowns.pagingSigns == "none":
        return value
    rows = value.get(key) or []
    more = len(rows) > _PAGE and unknowns.pagingSigns != "complete"
    shown = rows[:_PAGE] if more else rows
    value = {**value, key: shown}
    match unknowns.pagingSigns:
        case "cursor":
            cursors = {"next": "cGFnZTI"} if more else {}
            return {**value, "metadata": {"count": len(shown), "cursors": cursors, "hasNext": more}}
        case "total":
            return {**value, "pagingMetadata": {"count": len(shown), "total": len(rows)}}
        case _:
            return {**value, "pagingMetadata": {"count": len(shown), "hasNext": more}}


def created(key: str, form: str, value: JsonDict) -> JsonDict:
    """A created or changed object. `form`: `bare`, `no-id`, `empty`, or the key that it is sent under."""
    inner = dict(value[key])
    match form:
        case "bare":
            return inner
        case "no-id":
            inner.pop("id")
            return {key: inner}
        case "empty":
            return {}
        case _:
            return {form: inner}
