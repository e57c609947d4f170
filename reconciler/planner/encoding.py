"""Frozen values <-> JSON, by the fields of their types, so that a new operation is saved without more ado.

A struct is an object of its fields in camelCase; one that stands in a union also says its `kind`. ABSENT
is a field that is not written, null is null. Whatever is not exactly what encoding would have written is
refused when it is read: a saved plan is carried out as it stands, or not at all.
"""

from __future__ import annotations

import re
import types
import typing
from enum import Enum
from functools import cache
from typing import Any, Final, NewType

from msgspec import Struct, structs

from reconciler.model.canonical import ABSENT, Absent, JsonObject
from reconciler.planner.plain_values import PLAIN, Codec, Malformed, any_json


def encode(value: Any) -> Any:
    """A struct as plain dicts and lists."""
    kind: Any = type(value)
    return codec_of(kind).write(value)


def decode(kind: Any, value: object, path: str = "") -> Any:
    """The struct that a plain value stands for. Raises Malformed."""
    return codec_of(kind).read(value, path)


PAIRS: Final = {
    ("Inputs", "events"): ("name", "facts"),
    ("Bindings", "event_ids"): ("name", "id"),
    ("Bindings", "objects"): ("object", "facts"),
    ("Plan", "rules"): ("object", "facts"),
    ("PostsAre", "posts"): ("post", "digest"),
}
"""Fields that hold pairs, and what the two parts are called in a document."""


@cache
def codec_of(hint: Any) -> Codec:
    """The codec of a type, as an annotation gives it."""
    if isinstance(hint, NewType):
        return codec_of(hint.__supertype__)
    if hint in PLAIN:
        return PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return _record(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return any_json() if JsonObject in arguments and str in arguments else _union(arguments)
    if origin is tuple and arguments[1:] == (...,):
        return _many(codec_of(arguments[0]))
    if origin is frozenset:
        return _set(codec_of(arguments[0]))
    raise TypeError(f"no way to save a {hint}")


def _enum(kind: type[Enum]) -> Codec:
    members = {one.value: one for one in kind}

    def read(value: object, path: str) -> Any:
        if not isinstance(value, str) or value not in members:
            raise Malformed(path, f"is none of {', '.join(sorted(members))}")
        return members[value]

    return Codec(lambda value: value.value, read)


# --- values made of others -------------------------------------------------------------------------


def _list(value: object, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed(path, "is no list")
    return value


def _many(item: Codec) -> Codec:
    return Codec(
        lambda values: [item.write(one) for one in values],
        lambda value, path: tuple(item.read(one, f"{path}.{n}") for n, one in enumerate(_list(value, path))),
    )


def _set(item: Codec) -> Codec:
    """Sorted, so that the same set has the same text."""

    def write(values: frozenset[Any]) -> list[Any]:
        return sorted(item.write(one) for one in values)

    def read(value: object, path: str) -> frozenset[Any]:
        found = frozenset(item.read(one, f"{path}.{n}") for n, one in enumerate(_list(value, path)))
        if write(found) != value:
            raise Malformed(path, "is not sorted, or says something twice")
        return found

    return Codec(write, read)


def _pairs(first: tuple[str, Codec], second: tuple[str, Codec]) -> Codec:
    (one, left), (other, right) = first, second

    def read(value: object, path: str) -> tuple[Any, Any]:
        members = _members(value, path, {one, other})
        return left.read(members[one], f"{path}.{one}"), right.read(members[other], f"{path}.{other}")

    return _many(Codec(lambda pair: {one: left.write(pair[0]), other: right.write(pair[1])}, read))


def _members(value: object, path: str, names: set[str], optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The members of an object that has these names and no others."""
    if not isinstance(value, dict):
        raise Malformed(path, "is no object")
    if unknown := sorted(set(value) - names):
        raise Malformed(_at(path, unknown[0]), "is unknown")
    if missing := sorted(names - set(value) - optional):
        raise Malformed(_at(path, missing[0]), "is missing")
    return value


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


class _FieldOf(Struct, frozen=True):
    name: str
    key: str
    codec: Codec
    may_be_absent: bool


@cache
def _fields_of(kind: Any) -> tuple[_FieldOf, ...]:
    hints = typing.get_type_hints(kind)
    found = []
    for field in structs.fields(kind):
        hint = hints[field.name]
        arguments = typing.get_args(hint)
        absent = Absent in arguments
        if absent:
            left = tuple(one for one in arguments if one is not Absent)
            codec = codec_of(left[0]) if len(left) == 1 else _union(left)
        elif names := PAIRS.get((kind.__name__, field.name)):
            parts = typing.get_args(arguments[0])
            codec = _pairs((names[0], codec_of(parts[0])), (names[1], codec_of(parts[1])))
        else:
            codec = codec_of(hint)
        assert not absent or not field.required
        found.append(_FieldOf(field.name, camel(field.name), codec, absent))
    return tuple(found)


def camel(name: str) -> str:
    """`target_date` -> `targetDate`."""
    head, *rest = name.split("_")
    return head + "".join(one.capitalize() for one in rest)


def kind_of(kind: type) -> str:
    """How a type is called in a document: `UpdateSettings` -> `update-settings`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower()


def _record(kind: Any, tag: str | None = None) -> Codec:
    parts = _fields_of(kind)
    names = {one.key for one in parts} | ({"kind"} if tag else set())
    optional = frozenset(one.key for one in parts if one.may_be_absent)

    def write(value: Any) -> dict[str, Any]:
        members: dict[str, Any] = {"kind": tag} if tag else {}
        for one in parts:
            member = getattr(value, one.name)
            if member is not ABSENT:
                members[one.key] = one.codec.write(member)
        return members

    def read(value: object, path: str) -> Any:
        members = _members(value, path, names, optional)
        return kind(
            **{one.name: one.codec.read(members[one.key], _at(path, one.key)) for one in parts if one.key in members}
        )

    return Codec(write, read)


def _union(members: tuple[Any, ...]) -> Codec:
    """One of several: at most one plain type, or structs that tell themselves apart by `kind`; and null."""
    records = {kind_of(one): one for one in members if isinstance(one, type) and issubclass(one, Struct)}
    records = {tag: one for tag, one in records.items() if one not in PLAIN}
    plain = [one for one in members if one is not type(None) and one not in records.values()]
    nullable = type(None) in members
    if len(records) == 1 and not plain:
        only = codec_of(next(iter(records.values())))
    elif records and not plain:
        only = _tagged(records)
    else:
        assert len(plain) == 1, f"no way to tell these apart: {members}"
        assert not records, f"no way to tell these apart: {members}"
        only = codec_of(plain[0])

    def write(value: Any) -> Any:
        return None if value is None else only.write(value)

    def read(value: object, path: str) -> Any:
        return None if value is None and nullable else only.read(value, path)

    return Codec(write, read)


def _tagged(records: dict[str, Any]) -> Codec:
    codecs = {tag: _record(kind, tag) for tag, kind in records.items()}
    tags = {kind: tag for tag, kind in records.items()}

    def read(value: object, path: str) -> Any:
        tag = value.get("kind") if isinstance(value, dict) else None
        if not isinstance(tag, str) or tag not in codecs:
            raise Malformed(_at(path, "kind"), f"is none of {', '.join(sorted(codecs))}")
        return codecs[tag].read(value, path)

    return Codec(lambda value: codecs[tags[type(value)]].write(value), read)
