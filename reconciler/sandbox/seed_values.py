"""Owns the values in a seed: their types, and the messages that say what is wrong with one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from reconciler.sandbox import times
from reconciler.sandbox.checks import is_guid
from reconciler.sandbox.correctable import SandboxError
from reconciler.sandbox.json_types import JsonDict


class SeedError(SandboxError, ValueError):
    """A seed that cannot be used. The message says where, what, and what would be right."""


def mapping(where: str, value: object, known: tuple[str, ...]) -> JsonDict:
    """A mapping with known keys; a misspelt one is refused with a close match."""
    if not isinstance(value, Mapping):
        raise SeedError(f"{where} is {value!r}, but should be a mapping with keys such as {', '.join(known)}")
    for key in value:
        if key not in known:
            from difflib import get_close_matches

            close = get_close_matches(str(key), known, 1)
            raise SeedError(
                f"{where}: unknown key {key!r}",
                (f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"),
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
        raise SeedError(f"{where}: {value!r} is not a valid time; write it like 2026-12-01T09:00:00Z")
    return found


def span(where: str, value: object) -> float:
    """A span of time, in seconds."""
    found = times.span(value)
    if found is None:
        raise SeedError(
            f"{where}: {value!r} is not a valid span of time; write it like 500ms or 2s, or as a number of seconds"
        )
    return found


def flag(where: str, value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise SeedError(f"{where} is {value!r}, but should be true or false")
    return value


def number(where: str, value: object) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise SeedError(f"{where} is {value!r}, but should be a whole number")
    return value


def text(where: str, value: object) -> str | None:
    """A text, or None."""
    if value is not None and not isinstance(value, str):
        raise SeedError(f"{where} is {value!r}, but should be text")
    return value


def listing(where: str, value: object) -> list[Any]:
    """A list."""
    if not isinstance(value, list | tuple):
        raise SeedError(f"{where} is {value!r}, but should be a list")
    return list(value)


def one_of(where: str, value: object, choices: tuple[object, ...]) -> Any:
    """One of some values."""
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        raise SeedError(f"{where} is {value!r}, but should be one of {', '.join(map(str, choices))}")
    return value


def guid(where: str, value: object) -> str:
    """A GUID, in lower case."""
    if not is_guid(value):
        raise SeedError(f"{where}: {value!r} is not a valid GUID; write it like 3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")
    return str(value).lower()
