"""Typed access to a decoded answer. A value of the wrong type is Unreadable, with its path in the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypeGuard, cast

from reconciler.model.canonical import EMPTY, Json, JsonObject, freeze
from reconciler.model.text import printable
from reconciler.model.yaml_text import in_sentence

Fields: TypeAlias = Mapping[str, Any]

DEEPEST: Final = 64
"""How many levels deep a value that is kept whole may be."""

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2999, 12, 31, tzinfo=UTC)
"""Instants outside this range are not real dates, and adding a few days to one could overflow."""

LONGEST_DAY: Final = len("2026-07-08")
"""The maximum length of a date without a time."""

LARGEST_NUMBER: Final = 2**53
"""Whole numbers up to this mean the same to every reader of JSON."""

_ID: Final = re.compile(r"[!-~]{1,128}\Z")
_WHOLE: Final = re.compile(r"-?[0-9]{1,16}\Z")


class Unreadable(ValueError):
    """An answer that is not what it should be: where in it, and what is there.

    `todo`: what a person can do, other than report the answer; may be empty.
    """

    def __init__(self, why: str, todo: str = "") -> None:
        super().__init__(why)
        self.todo = todo


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a decoded value is an object."""
    return isinstance(value, dict)


def fields(value: object, where: str) -> Fields:
    """An object within an answer; null is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _unexpected(where, "an object", value)
    return value


def members(value: object, where: str) -> tuple[tuple[str, Fields], ...]:
    """A list of objects, each with its path; null is an empty list."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _unexpected(where, "a list", value)
    for n, member in enumerate(value):
        if not isinstance(member, dict):
            raise _unexpected(f"{where}[{n}]", "an object", member)
    return tuple((f"{where}[{n}]", member) for n, member in enumerate(value))


def text(source: Fields, where: str, *names: str) -> str:
    """The text under the first of these names that has one; "" if none does (proto3 leaves empty values out)."""
    for name in names:
        value = source.get(name)
        if isinstance(value, str):
            if value:
                return value
        elif value is not None:
            raise _unexpected(f"{where}.{name}", "text", value)
    return ""


def id_of(source: Fields, where: str, *names: str) -> str:
    """The id under the first of these names: up to 128 visible ASCII characters. Unreadable if none has one."""
    found = text(source, where, *names)
    if not found:
        raise Unreadable(f"{where} should have {names[0]}, but has none")
    if not _ID.match(found):
        raise _unexpected(f"{where}.{names[0]}", "an id", found)
    return found


def truth(source: Fields, where: str, name: str) -> bool | None:
    """A boolean; None if there is none."""
    value = source.get(name)
    if value is not None and not isinstance(value, bool):
        raise _unexpected(f"{where}.{name}", "true or false", value)
    return value


def number(source: Fields, where: str, name: str) -> int | None:
    """A whole number; None if there is none. 64-bit numbers come as strings in proto3 JSON."""
    value = source.get(name)
    if value is None:
        return None
    if (isinstance(value, str) and _WHOLE.match(value)) or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST_NUMBER:
        raise _unexpected(f"{where}.{name}", "a whole number", value)
    return value


def moment(source: Fields, where: str, *names: str, may_be_day: bool = False) -> datetime | None:
    """An instant in UTC; None if there is none. Without an offset, it is taken as UTC (D: RFC 3339).

    A day without a time is midnight UTC where only the day matters (`may_be_day`). Anywhere else it is not understood:
    which day that is on the site depends on its time zone.
    """
    written = text(source, where, *names)
    if not written:
        return None
    try:
        parsed = datetime.fromisoformat(written)
        at = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        at = None
    if len(written) <= LONGEST_DAY and not may_be_day:
        at = None
    if at is None or not EARLIEST <= at <= LATEST:
        raise _unexpected(f"{where}.{names[0]}", "a time like 2026-07-08T09:00:00.000Z", written)
    return at


def kept(value: object, where: str) -> Json:
    """A value kept as it is, frozen."""
    if _deeper_than(value, DEEPEST):
        raise Unreadable(f"{where} should be nested at most {DEEPEST} levels deep, but is deeper")
    return freeze(value)


def kept_object(value: object, where: str) -> JsonObject:
    """An object kept as it is, frozen; null is an empty one."""
    frozen = kept(dict(fields(value, where)), where)
    return frozen if isinstance(frozen, JsonObject) else EMPTY


def _unexpected(where: str, wanted: str, found: object) -> Unreadable:
    match found:
        case str() | bool() | int() | float():
            shown = in_sentence(found[:60] if isinstance(found, str) else found)
        case list():
            shown = "a list"
        case _:
            shown = "null" if found is None else "an object"
    return Unreadable(f"{printable(where)} should be {wanted}, but is {shown}")


def _deeper_than(value: object, levels: int) -> bool:
    kind = type(value)  # a decoded value has no other types than these
    if kind is dict:
        inner: Iterable[object] = cast("dict[str, object]", value).values()
    elif kind is list:
        inner = cast("list[object]", value)
    else:
        return False
    if levels <= 0:
        return True
    for member in inner:  # noqa: SIM110 - a generator takes twice as long; most are texts, which need no call
        if type(member) is not str and _deeper_than(member, levels - 1):
            return True
    return False
