"""Owns the values in a seed: their types, and the messages that say what is wrong with one.

A wrong value is reported, and reading goes on with another one in its place, so that `all_at_once` raises SeedError
with everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any, Final

from reconciler.sandbox import times
from reconciler.sandbox.checks import is_guid
from reconciler.sandbox.correctable import SandboxError
from reconciler.sandbox.json_types import JsonDict

LONGEST: Final = 3660 * 86400
"""The longest span of time, in seconds."""


@dataclass(frozen=True, slots=True)
class SeedProblem:
    """What is wrong with one value. The message says where, what, and what would be right.

    `where` is the path of the value, such as `sites[0].id`, or of an unknown key if `key` is set. A number in brackets
    also stands for a key of a mapping whose keys are secret.
    """

    message: str
    fix: str = ""
    where: str = ""
    key: bool = False


class SeedError(SandboxError, ValueError):
    """A seed that cannot be used, with everything that is wrong with it."""

    def __init__(self, problems: tuple[SeedProblem, ...]) -> None:
        super().__init__("\n".join(f"{each.message}; {each.fix}" if each.fix else each.message for each in problems))
        self.problems = problems


_FOUND: ContextVar[dict[str, SeedProblem]] = ContextVar("found")
"""What is wrong with the seed that is being read, by path."""


@contextmanager
def all_at_once() -> Iterator[None]:
    """Raises SeedError at the end of the block if anything was reported in it."""
    found: dict[str, SeedProblem] = {}
    before = _FOUND.set(found)
    try:
        yield
    finally:
        _FOUND.reset(before)
    if found:
        raise SeedError(tuple(found.values()))


def wrong(message: str, fix: str = "", where: str = "", *, key: bool = False) -> None:
    """Reports what is wrong with a value, unless it follows from what was reported about it or what contains it."""
    found, part = _FOUND.get(), where
    while part not in found:
        if not part:
            found[where] = SeedProblem(message, fix, where, key)
            return
        part = part[: max(part.rfind("."), part.rfind("["), 0)]


def finite(source: object) -> None:
    """Reports each number that JSON does not have, such as `.nan`: the sandbox could not send it."""
    left: list[tuple[str, object]] = [("", source)]
    while left:
        where, value = left.pop()
        if isinstance(value, Mapping):
            left.extend((f"{where}.{name}".lstrip("."), each) for name, each in value.items())
        elif isinstance(value, list | tuple):
            left.extend((f"{where}[{place}]", each) for place, each in enumerate(value))
        elif isinstance(value, float) and not isfinite(value):
            wrong(f"{where} is {value}, which is not a number in JSON", where=where)


def mapping(where: str, value: object, known: tuple[str, ...]) -> JsonDict:
    """The known keys of a mapping; for a misspelt one, a close match is named. `where` is empty for the whole seed."""
    if not isinstance(value, Mapping):
        wrong(f"{where} is {value!r}, but should be a mapping with keys such as {', '.join(known)}", where=where)
        return {}
    for key in value:
        if key not in known:
            from difflib import get_close_matches

            close = get_close_matches(str(key), known, 1)
            wrong(
                f"{where}: unknown key {key!r}" if where else f"unknown key {key!r}",
                f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}",
                f"{where}.{key}" if where else str(key),
                key=True,
            )
    return {key: each for key, each in value.items() if key in known}


def moment(where: str, value: object) -> datetime | None:
    """A time, as text (also with a blank instead of the T) or as a value; None if there is none."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    written = value.replace(" ", "T", 1) if isinstance(value, str) else value
    found = times.parse(f"{written}T00:00:00Z" if isinstance(written, str) and len(written) == 10 else written)
    if found is None:
        wrong(f"{where}: {value!r} is not a valid time", "write it like 2026-12-01T09:00:00Z", where)
    return found


def span(where: str, value: object) -> float:
    """A span of time, in seconds."""
    found = times.span(value)
    if found is None:
        fix = "write it like 500ms or 2s, or as a number of seconds"
        wrong(f"{where}: {value!r} is not a valid span of time", fix, where)
        return 0.0
    if found > LONGEST:
        wrong(f"{where}: {value!r} is longer than ten years", where=where)
    return found


def flag(where: str, value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        wrong(f"{where} is {value!r}, but should be true or false", where=where)
    return value is True


def number(where: str, value: object) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        wrong(f"{where} is {value!r}, but should be a whole number", where=where)
        return 0
    return value


def text(where: str, value: object) -> str | None:
    """A text, or None."""
    if value is not None and not isinstance(value, str):
        wrong(f"{where} is {value!r}, but should be text", where=where)
        return None
    return value


def listing(where: str, value: object) -> list[Any]:
    """A list."""
    if not isinstance(value, list | tuple):
        wrong(f"{where} is {value!r}, but should be a list", where=where)
        return []
    return list(value)


def items(where: str, value: object) -> Iterator[tuple[str, Any]]:
    """The items of a list, each with its path."""
    return ((f"{where}[{place}]", each) for place, each in enumerate(listing(where, value)))


def one_of(where: str, value: object, choices: tuple[object, ...]) -> Any:
    """One of the choices."""
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        wrong(f"{where} is {value!r}, but should be one of {', '.join(map(str, choices))}", where=where)
        return choices[0]
    return value


def guid(where: str, value: object) -> str:
    """A GUID, in lower case."""
    if not is_guid(value):
        fix = "write it like 3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"
        wrong(f"{where}: {value!r} is not a valid GUID", fix, where)
    return str(value).lower()
