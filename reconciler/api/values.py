"""Typed looks into a decoded answer. What has the wrong type is Unreadable, with its path in the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from reconciler.model.canonical import EMPTY, Json, JsonObject, freeze
from reconciler.model.text import printable

Fields: TypeAlias = Mapping[str, Any]

DEEPEST: Final = 64
"""Levels of a value that is kept whole."""

_WHOLE: Final = re.compile(r"-?[0-9]{1,19}\Z")


class Unreadable(ValueError):
    """An answer that is not what it should be: where in it, and what stands there."""


def fields(value: object, where: str) -> Fields:
    """An object; null is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _unexpected(where, "an object", value)
    return value


def members(value: object, where: str) -> tuple[tuple[str, Fields], ...]:
    """A list of objects, each with its path; null is an empty list, and a null in it is passed over."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _unexpected(where, "a list", value)
    return tuple((f"{where}[{n}]", fields(one, f"{where}[{n}]")) for n, one in enumerate(value) if one is not None)


def text(source: Fields, where: str, *names: str) -> str:
    """The text under the first of these names that has one; "" where none does (proto3 leaves empty values out)."""
    for name in names:
        value = source.get(name)
        if isinstance(value, str):
            if value:
                return value
        elif value is not None:
            raise _unexpected(f"{where}.{name}", "a text", value)
    return ""


def id_of(source: Fields, where: str, *names: str) -> str:
    """The text under the first of these names; Unreadable where none has one."""
    found = text(source, where, *names)
    if not found:
        raise Unreadable(f"{where} has no {names[0]}")
    return found


def truth(source: Fields, where: str, name: str) -> bool | None:
    """A boolean; None where there is none."""
    value = source.get(name)
    if value is not None and not isinstance(value, bool):
        raise _unexpected(f"{where}.{name}", "true or false", value)
    return value


def number(source: Fields, where: str, name: str) -> int | None:
    """A whole number; None where there is none. 64-bit numbers come as texts in proto3 JSON."""
    value = source.get(name)
    if value is None:
        return None
    if isinstance(value, str) and _WHOLE.match(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _unexpected(f"{where}.{name}", "a whole number", value)
    return value


def moment(source: Fields, where: str, *names: str) -> datetime | None:
    """An instant in UTC; None where there is none. Without an offset it is taken as UTC (D: RFC 3339)."""
    written = text(source, where, *names)
    if not written:
        return None
    try:
        parsed = datetime.fromisoformat(written)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _unexpected(f"{where}.{names[0]}", "a time like 2026-07-08T09:00:00.000Z", written) from None


def kept(value: object, where: str) -> Json:
    """A value kept as it is, frozen."""
    if _deeper_than(value, DEEPEST):
        raise Unreadable(f"{where} is nested deeper than {DEEPEST} levels")
    return freeze(value)


def kept_object(value: object, where: str) -> JsonObject:
    """An object kept as it is, frozen; null is an empty one."""
    frozen = kept(dict(fields(value, where)), where)
    return frozen if isinstance(frozen, JsonObject) else EMPTY


def unwrapped(body: object, *wrappers: str) -> tuple[Fields, str]:
    """The object of an answer, whether it stands in a wrapper of its own or bare (the wrappers are I)."""
    outer = fields(body, "the answer")
    for name in wrappers:
        if isinstance(outer.get(name), dict):
            return outer[name], name
    return outer, "the answer"


def listed(body: object, *names: str) -> tuple[tuple[str, Fields], ...]:
    """The objects of an answer that is a list: under one of these names, else under whatever holds a list."""
    outer = fields(body, "the answer")
    for name in names:
        if name in outer:
            return members(outer[name], name)
    for name, value in outer.items():
        if isinstance(value, list):
            return members(value, name)
    return ()


def _unexpected(where: str, wanted: str, found: object) -> Unreadable:
    shown = f"{found!r:.60}" if isinstance(found, str | int | float | bool) else f"a {type(found).__name__}"
    return Unreadable(f"{printable(where)} should be {wanted}, is {shown}")


def _deeper_than(value: object, levels: int) -> bool:
    inner: Iterable[object] = ()
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, list):
        inner = value
    else:
        return False
    return levels <= 0 or any(_deeper_than(one, levels - 1) for one in inner)
