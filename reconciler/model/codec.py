"""Frozen values <-> JSON, for the state and its journal, saved plans, reports and workers alike.

msgspec does the work from the types of the fields; the base classes in `frozen.py` define what a document looks like. A
struct is an object, ABSENT is a member that is not written, sets are sorted, instants are RFC 3339 and durations ISO
8601.

Reading is strict: a document must say exactly what writing its value again would say, in any layout and order of
members. Whatever is unknown, missing, duplicated or spelled differently is refused. A program that skipped what it does
not know would lose it, or would carry out something other than what was reviewed.
"""

from __future__ import annotations

import json
import threading
from datetime import datetime
from functools import cache
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from reconciler.model.address import Address
from reconciler.model.canonical import Json, JsonObject, freeze
from reconciler.model.frozen import ApiInstant, Joined, instant
from reconciler.model.text import in_quotes

T = TypeVar("T")


class Malformed(Exception):
    """A document that does not follow its format: the path within it, and what is wrong there."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path or 'the document'}: {what}")
        self.path = path
        self.what = what


def to_plain(value: Any) -> Any:
    """A value as plain dicts, sequences, texts and numbers."""
    return msgspec.to_builtins(value, enc_hook=_write, order="deterministic")


def to_json(value: Any) -> bytes:
    """The JSON text of a value, on one line. Equal values have equal texts."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:  # half of a surrogate pair: a remote text may contain one, but UTF-8 cannot
        return json.dumps(to_plain(value), separators=(",", ":")).encode("ascii")


def sorted_json(plain: object) -> bytes:
    """The JSON text of a plain value, with sorted members: digests of documents are computed from it."""
    try:
        return _SORTED.encode(plain)
    except UnicodeEncodeError:  # half of a surrogate pair again
        return json.dumps(plain, separators=(",", ":"), sort_keys=True).encode("ascii")


def sorted_again(data: bytes) -> bytes:
    """A JSON text as `sorted_json` writes it. Raises Malformed."""
    try:
        return sorted_json(msgspec.json.decode(data))
    except (msgspec.DecodeError, RecursionError):  # half of a surrogate pair again, or something that is not JSON
        return sorted_json(parse(data))


def laid_out(data: bytes) -> bytes:
    """A JSON text with a line for each member, so that people and `git diff` can read it."""
    try:
        return msgspec.json.format(data, indent=1) + b"\n"
    except msgspec.DecodeError:  # half of a surrogate pair again
        return json.dumps(json.loads(data), indent=1).encode("ascii") + b"\n"


def from_plain(kind: type[T], plain: object, *, exact: bool = True) -> T:
    """The value of plain dicts and lists. Raises Malformed.

    With `exact` False, as for documents of earlier versions, members that have a default may be missing, and values may
    be spelled differently.
    """
    hint: Any = kind
    _decoder(hint)
    try:
        value: T = msgspec.convert(plain, hint, dec_hook=_read)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        raise Malformed(path.rstrip("`").lstrip("."), what[:1].lower() + what[1:]) from None
    except (OverflowError, RecursionError):
        raise Malformed("", "it holds values that are too large or nested too deeply") from None
    if exact and (found := _difference(to_plain(value), plain, "")) is not None:
        raise found
    return value


def from_json(kind: type[T], data: bytes) -> T:
    """The value of a JSON text. Raises Malformed."""
    try:
        hint: Any = kind
        value: T = _decoder(hint).decode(data)
        if to_json(value) == msgspec.json.format(data, indent=-1):
            return value
    except (msgspec.MsgspecError, UnicodeDecodeError, OverflowError, RecursionError):
        pass  # whatever is wrong is found below
    return from_plain(kind, parse(data))


def parse(data: bytes) -> Any:
    """The plain value of a JSON text in which no member occurs twice. Raises Malformed."""
    try:
        return json.loads(data, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite)
    except ValueError as error:
        raise Malformed("", f"it is not valid JSON ({error})") from None
    except RecursionError:
        raise Malformed("", "it is nested too deeply") from None


def taken_from(value: object, kind: type[T]) -> T:
    """A record of `kind` whose fields are taken from a value's attributes by name, at every level."""
    return msgspec.convert(value, kind, from_attributes=True, dec_hook=_taken)


def report_text(value: Any) -> str:
    """The JSON text of a value in a report, on one line, with the members of objects in their original order."""
    return ascii_text(members_of(value))


def ascii_text(plain: object, *, indent: int | None = None) -> str:
    """The JSON text of a plain value, with its members in their order: on one line, or with a line for each member.

    ASCII only: no terminal escape, bidi control or lone surrogate of a remote text can reach a terminal or break a
    reader.
    """
    return json.dumps(plain, indent=indent)


def members_of(value: Any) -> Any:
    """A value of a report as plain dicts, sequences, texts and numbers, with members in their original order."""
    return msgspec.to_builtins(value, enc_hook=_write)


def _write(value: Any) -> Any:
    if isinstance(value, JsonObject):
        return dict(value.items())
    if isinstance(value, Joined):
        return {key: member for part in value.parts for key, member in members_of(part).items()}
    if isinstance(value, Address | ApiInstant):
        return str(value)
    raise NotImplementedError(f"there is no way to write a {type(value).__name__}")


def _taken(kind: type, value: Any) -> Any:
    return ApiInstant(instant(value)) if kind is ApiInstant and isinstance(value, datetime) else value


def _read(kind: type, plain: Any) -> Any:
    if kind is Address:
        if not isinstance(plain, str):
            raise ValueError("Expected an address")
        return Address.parse(plain)
    if kind is JsonObject and not isinstance(plain, dict):
        raise ValueError("Expected `object`")
    if kind in (JsonObject, Json):
        return freeze(plain)
    raise NotImplementedError(f"there is no way to read a {kind.__name__}")


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    # msgspec analyses a type on first use, which must not happen in two threads at once.
    with _LEARNING:
        return msgspec.json.Decoder(kind, dec_hook=_read)


_LEARNING: Final = threading.Lock()


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_write, order="deterministic")
_SORTED: Final = msgspec.json.Encoder(order="sorted")


def _difference(written: Any, found: object, path: str) -> Malformed | None:
    """Where a document differs from what would be written for it."""
    if isinstance(written, dict) and isinstance(found, dict):
        for key in (*found, *(key for key in written if key not in found)):
            inner = f"{path}.{key}" if path else str(key)
            if key not in written:
                return Malformed(inner, "is unknown")
            if key not in found:
                return Malformed(inner, "is missing")
            if (difference := _difference(written[key], found[key], inner)) is not None:
                return difference
        return None
    if isinstance(written, list | tuple) and isinstance(found, list | tuple) and len(written) == len(found):
        each = (
            _difference(item, other, f"{path}[{n}]") for n, (item, other) in enumerate(zip(written, found, strict=True))
        )
        return next((difference for difference in each if difference is not None), None)
    same = written == found and isinstance(written, bool) == isinstance(found, bool)
    return None if same else Malformed(path, "is not in canonical form")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"{in_quotes(twice)} is defined twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large for a number")
    return number
