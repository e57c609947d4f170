"""Reading JSON documents strictly: every member is there, of its type, and none is left over.

What a version does not know it would lose when it writes, so an unknown member is an error too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

from reconciler.model.canonical import Json, JsonObject, freeze
from reconciler.state.errors import StateError

T = TypeVar("T")

Migration: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns a document of one version into one of the next."""

RESTORE = "restore it from a backup, or move it away to start afresh"


class Malformed(Exception):
    """A value that is not what the format says, with its path in the document."""


class Members:
    """The members of a JSON object, taken one by one."""

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise Malformed(f"{path or 'the document'} is no object")
        self._left: dict[str, object] = dict(value)
        self.path = path

    def take(self, name: str, kind: type[T]) -> T:
        """A member that must be of a type; True is no number."""
        value = self._take(name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Malformed(f"{self._at(name)} is {_kind(value)}, not {_NAMES[kind]}")
        return value

    def text_or_none(self, name: str) -> str | None:
        return None if self._took_null(name) else self.take(name, str)

    def instant(self, name: str) -> datetime:
        text = self.take(name, str)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise Malformed(f"{self._at(name)} is no time") from None
        if moment.tzinfo is None:
            raise Malformed(f"{self._at(name)} has no time zone")
        return moment.astimezone(UTC)

    def instant_or_none(self, name: str) -> datetime | None:
        return None if self._took_null(name) else self.instant(name)

    def json(self, name: str) -> Json:
        return freeze(self._take(name))

    def json_object(self, name: str) -> JsonObject:
        return JsonObject({key: freeze(value) for key, value in self.take(name, dict).items()})

    def members(self, name: str) -> Members:
        return Members(self._take(name), self._at(name))

    def members_or_none(self, name: str) -> Members | None:
        return None if self._took_null(name) else self.members(name)

    def each(self, name: str) -> Iterator[Members]:
        for index, value in enumerate(self.take(name, list)):
            yield Members(value, f"{self._at(name)}.{index}")

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.take(name, list)
        if not all(isinstance(value, str) for value in values):
            raise Malformed(f"{self._at(name)} holds what is no text")
        return tuple(values)

    def rest(self) -> dict[str, Any]:
        """All members that are left, taken at once."""
        taken, self._left = self._left, {}
        return taken

    def end(self) -> None:
        """Says that every member was taken."""
        if self._left:
            raise Malformed(f"{self._at(sorted(self._left)[0])} is unknown")

    def _take(self, name: str) -> object:
        if name not in self._left:
            raise Malformed(f"{self._at(name)} is missing")
        return self._left.pop(name)

    def _took_null(self, name: str) -> bool:
        """Whether the member is there and null, in which case it is taken."""
        is_null = name in self._left and self._left[name] is None
        if is_null:
            del self._left[name]
        return is_null

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


_NAMES: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def _kind(value: object) -> str:
    return "null" if value is None else _NAMES.get(type(value), "a number")


def time_text(moment: datetime) -> str:
    """An instant as our documents write it: UTC, with all the digits it has."""
    return moment.astimezone(UTC).isoformat()


def to_bytes(document: Mapping[str, Any]) -> bytes:
    """The one text of a document: a line an object, so that people and `git diff` can read it.

    Every note of a run writes the whole document, so it is not laid out any finer: json's encoder for indented
    text takes several times as long.
    """
    return (_laid_out(document, 1) + "\n").encode("ascii")


def _laid_out(value: object, depth: int) -> str:
    """The members of objects on lines of their own, two levels deep, and so the members of the lists in them."""
    if depth <= 3 and isinstance(value, dict) and any(isinstance(one, list | dict) for one in value.values()):
        lines = [f"{json.dumps(key)}: {_laid_out(one, depth + 1)}" for key, one in value.items()]
        opening, closing = "{", "}"
    elif depth <= 3 and isinstance(value, list) and value:
        lines, opening, closing = [json.dumps(one) for one in value], "[", "]"
    else:
        return json.dumps(value)
    pad = "\n" + " " * depth
    return f"{opening}{pad}{(',' + pad).join(lines)}{pad[:-1]}{closing}"


def from_bytes(data: bytes, *, place: str, version: int, migrations: Mapping[int, Migration]) -> dict[str, Any]:
    """A document in the current version, without its `formatVersion`.

    Older ones are brought forward by `migrations`, keyed by the version they start from. Raises StateError
    for what is no document and for a version this program does not know.
    """
    try:
        document: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise StateError(place, f"is corrupt ({error})", RESTORE) from None
    if not isinstance(document, dict):
        raise StateError(place, "is corrupt (the document is no object)", RESTORE)
    found = document.pop("formatVersion", None)
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise StateError(place, "is corrupt (it has no formatVersion)", RESTORE)
    if found > version:
        raise StateError(
            place,
            f"was written by a newer reconciler (format {found}, this one knows up to {version})",
            "run that version or a newer one",
        )
    for step in range(found, version):
        migrate = migrations.get(step)
        if migrate is None:
            raise StateError(place, f"is of format {step}, which nothing brings forward", RESTORE)
        document = migrate(document)
    return document
