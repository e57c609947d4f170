"""Values that stand alone in a saved plan <-> JSON: texts, numbers, times, addresses, each in one exact spelling."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from msgspec import Struct

from reconciler.model.address import Address
from reconciler.model.canonical import JsonObject, freeze, thaw


class Malformed(Exception):
    """A value that is not what the format says: its path in the document, and what is wrong with it."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path or 'the document'} {what}")
        self.path = path
        self.what = what


class Codec(Struct, frozen=True):
    """One type both ways. `read` gets the value and its path, for messages; it raises Malformed."""

    write: Callable[[Any], Any]
    read: Callable[[Any, str], Any]


def _exactly(kind: type, word: str) -> Codec:
    def read(value: object, path: str) -> Any:
        if type(value) is not kind:
            raise Malformed(path, f"is not {word}")
        return value

    return Codec(kind, read)


def _text(write: Callable[[Any], str], parse: Callable[[str], Any], word: str) -> Codec:
    """Values that are a text in one exact spelling."""

    def read(value: object, path: str) -> Any:
        try:
            parsed = parse(value) if isinstance(value, str) else None
        except (ValueError, OverflowError):
            parsed = None
        if parsed is None or write(parsed) != value:
            raise Malformed(path, f"is not {word}")
        return parsed

    return Codec(write, read)


def instant_text(moment: datetime) -> str:
    """An instant in UTC, with all the digits it has: `2026-07-08T09:00:00Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC) if text.endswith("Z") else None


UNITS: Final = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("m", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
    ("ms", timedelta(milliseconds=1)),
    ("us", timedelta(microseconds=1)),
)


def duration_text(length: timedelta) -> str:
    """A duration in the largest unit that leaves no rest: `21d`, `90m`."""
    unit, size = next((unit, size) for unit, size in UNITS if not length % size)
    return f"{length // size}{unit}"


def _duration(text: str) -> timedelta | None:
    found = re.fullmatch(r"(-?[0-9]{1,18})([a-z]+)", text)
    return int(found[1]) * dict(UNITS)[found[2]] if found and found[2] in dict(UNITS) else None


def _nothing() -> Codec:
    def read(value: object, path: str) -> None:
        if value is not None:
            raise Malformed(path, "is not null")

    return Codec(lambda _: None, read)


def any_json() -> Codec:
    def read(value: object, path: str) -> Any:
        try:
            return freeze(value)
        except TypeError:
            raise Malformed(path, "is no JSON value") from None

    return Codec(thaw, read)


def json_object() -> Codec:
    def read(value: object, path: str) -> Any:
        if not isinstance(value, dict):
            raise Malformed(path, "is no object")
        return freeze(value)

    return Codec(thaw, read)


PLAIN: Final[dict[Any, Codec]] = {
    str: _exactly(str, "a text"),
    int: _exactly(int, "a whole number"),
    bool: _exactly(bool, "true or false"),
    type(None): _nothing(),
    JsonObject: json_object(),
    Address: _text(str, Address.parse, "an address"),
    datetime: _text(instant_text, _instant, "an instant like 2026-07-08T09:00:00Z"),
    date: _text(date.isoformat, date.fromisoformat, "a day like 2026-07-08"),
    time: _text(time.isoformat, time.fromisoformat, "a time of day like 09:30:00"),
    timedelta: _text(duration_text, _duration, "a duration like 21d"),
}
