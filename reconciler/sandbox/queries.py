"""Owns the part of the API query language that the sandbox understands: filter, sort, offset paging (5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from reconciler.sandbox.errors import HttpError, unparsable, violation
from reconciler.sandbox.json_types import JsonDict

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda have, want: bool(have == want),
    "$ne": lambda have, want: bool(have != want),
    "$lt": lambda have, want: have is not None and have < want,
    "$lte": lambda have, want: have is not None and have <= want,
    "$gt": lambda have, want: have is not None and have > want,
    "$gte": lambda have, want: have is not None and have >= want,
    "$in": lambda have, want: have in want,
    "$hasSome": lambda have, want: any(each in want for each in (have if isinstance(have, list) else [have])),
    "$exists": lambda have, want: (have is not None) == want,
    "$startsWith": lambda have, want: isinstance(have, str) and have.startswith(want),
    "$contains": lambda have, want: isinstance(have, str) and want in have,
}


def read(value: JsonDict, path: str) -> Any:
    """The value at a dotted path, None if there is none."""
    here: Any = value
    for name in path.split("."):
        here = here.get(name) if isinstance(here, dict) else None
    return here


def matching(rows: Iterable[JsonDict], filter_: object, fields: tuple[str, ...]) -> list[JsonDict]:
    """The rows that a filter keeps; a field that is not declared is 400 (D + S-wix)."""
    if filter_ is None:
        return list(rows)
    if not isinstance(filter_, dict):
        raise unparsable()
    kept = list(rows)
    for field, condition in filter_.items():
        if field not in fields:
            raise _not_declared(field, "filterable")
        tests = condition if isinstance(condition, dict) else {"$eq": condition}
        for operator, wanted in tests.items():
            if operator not in _OPERATORS:
                raise violation("query.filter", f"operator {operator} is not supported")
            try:
                kept = [row for row in kept if _OPERATORS[operator](read(row, field), wanted)]
            except TypeError:
                raise violation("query.filter", f"{operator} of {field} does not fit {wanted!r}") from None
    return kept


def ordered(rows: list[JsonDict], sort: object, fields: tuple[str, ...]) -> list[JsonDict]:
    """The rows in the order that `sort` asks for."""
    if not sort:
        return rows
    if not isinstance(sort, list) or not all(isinstance(each, dict) for each in sort):
        raise unparsable()
    for each in reversed(sort):
        name = each.get("fieldName")
        if name not in fields:
            raise _not_declared(str(name), "sortable")
        rows = sorted(rows, key=partial(_text_at, name), reverse=each.get("order", "ASC") == "DESC")
    return rows


def _text_at(name: str, row: JsonDict) -> str:
    return str(read(row, name) or "")


def run(body: JsonDict, rows: Iterable[JsonDict], fields: tuple[str, ...]) -> tuple[list[JsonDict], JsonDict]:
    """One page of an offset-paged query (limit 50, offset 0 by default: D; at most 100: I) and its metadata."""
    query = body.get("query") or {}
    if not isinstance(query, dict):
        raise unparsable()
    paging = query.get("paging") or {}
    if not isinstance(paging, dict):
        raise unparsable()
    limit, offset = (
        bounded(paging.get("limit", 50), "limit", 1, 100),
        bounded(paging.get("offset", 0), "offset", 0, None),
    )
    found = ordered(matching(rows, query.get("filter"), fields), query.get("sort"), fields)
    page = found[offset : offset + limit]
    return page, {"count": len(page), "offset": offset, "total": len(found), "hasNext": offset + limit < len(found)}


def bounded(value: object, name: str, least: int, most: int | None) -> int:
    """A paging number inside its bounds."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise unparsable()
    if value < least or (most is not None and value > most):
        raise violation(f"query.paging.{name}", f"must be between {least} and {most}", "OUT_OF_RANGE")
    return value


def _not_declared(field: str, what: str) -> HttpError:
    text = f"Field '{field}' is not declared as {what}"
    body = {"fieldViolations": [{"field": "value", "description": text}]}
    return HttpError(400, {"message": f"value {text}", "details": {"validationError": body}})
