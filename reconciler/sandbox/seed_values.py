"""Owns the values in a seed: their types, and the messages that say what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any, Final

from reconciler.sandbox import times
from reconciler.sandbox.checks import is_guid
from reconciler.sandbox.correctable import SandboxError
from reconciler.sandbox.json_types import JsonDict

LONGEST: Final = 3660 * 86400
"""The longest span of time, in seconds."""


class SeedError(SandboxError, ValueError):
    """A seed that cannot be used. The message says where, what, and what would be right.

    `where` is the path of the value, such as `sites[0].id`, or of an unknown key if `key` is set. If the seed is in a
    file, `file`, `line` and `column` say where; 0 means the file as a whole.
    """

    file = ""
    line = 0
    column = 0

    def __init__(self, message: str, fix: str = "", where: str = "", *, key: bool = False) -> None:
        super().__init__(message, fix)
        self.where = where
        self.key = key

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {super().__str__()}" if place else super().__str__()


def finite(source: object) -> None:
    """Raises SeedError for a number that JSON does not have, such as `.nan`: the sandbox could not send it."""
    left: list[tuple[str, object]] = [("", source)]
    while left:
        where, value = left.pop()
        if isinstance(value, Mapping):
            left.extend((f"{where}.{name}".lstrip("."), each) for name, each in value.items())
        elif isinstance(value, list | tuple):
            left.extend((f"{where}[{place}]", each) for place, each in enumerate(value))
        elif isinstance(value, float) and not isfinite(value):
            raise SeedError(f"{where} is {value}, which is not a number in JSON", where=where)


def mapping(where: str, value: object, known: tuple[str, ...]) -> JsonDict:
    """A mapping with known keys; a misspelt one is refused with a close match. `where` is empty for the whole seed."""
    if not isinstance(value, Mapping):
        what = f"{where or 'the seed'} is {value!r}, but should be a mapping with keys such as {', '.join(known)}"
        raise SeedError(what, where=where)
    for key in value:
        if key not in known:
            from difflib import get_close_matches

            close = get_close_matches(str(key), known, 1)
            raise SeedError(
                f"{where}: unknown key {key!r}" if where else f"unknown key {key!r}",
                f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}",
                f"{where}.{key}" if where else str(key),
                key=True,
            )
    return dict(value)


def moment(where: str, value: object) -> datetime | None:
    """A time, as text or as YAML reads it; None if there is none."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    found = times.parse(f"{value}T00:00:00Z" if isinstance(value, str) and len(value) == 10 else value)
    if found is None:
        raise SeedError(f"{where}: {value!r} is not a valid time", "write it like 2026-12-01T09:00:00Z", where)
    return found


def span(where: str, value: object) -> float:
    """A span of time, in seconds."""
    found = times.span(value)
    if found is None:
        fix = "write it like 500ms or 2s, or as a number of seconds"
        raise SeedError(f"{where}: {value!r} is not a valid span of time", fix, where)
    if found > LONGEST:
        raise SeedError(f"{where}: {value!r} is longer than ten years", where=where)
    return found


def flag(where: str, value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise SeedError(f"{where} is {value!r}, but should be true or false", where=where)
    return value


def number(where: str, value: object) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise SeedError(f"{where} is {value!r}, but should be a whole number", where=where)
    return value


def text(where: str, value: object) -> str | None:
    """A text, or None."""
    if value is not None and not isinstance(value, str):
        raise SeedError(f"{where} is {value!r}, but should be text", where=where)
    return value


def listing(where: str, value: object) -> list[Any]:
    """A list."""
    if not isinstance(value, list | tuple):
        raise SeedError(f"{where} is {value!r}, but should be a list", where=where)
    return list(value)


def items(where: str, value: object) -> Iterator[tuple[str, Any]]:
    """The items of a list, each with its path."""
    return ((f"{where}[{place}]", each) for place, each in enumerate(listing(where, value)))


def one_of(where: str, value: object, choices: tuple[object, ...]) -> Any:
    """One of the choices."""
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        raise SeedError(f"{where} is {value!r}, but should be one of {', '.join(map(str, choices))}", where=where)
    return value


def guid(where: str, value: object) -> str:
    """A GUID, in lower case."""
    if not is_guid(value):
        fix = "write it like 3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"
        raise SeedError(f"{where}: {value!r} is not a valid GUID", fix, where)
    return str(value).lower()
