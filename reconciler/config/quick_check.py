"""Whether a value fits a JSON Schema, in plain Python.

It knows the keywords of this project's schemas. Where validators disagree, it gives no answer. A full validator is
faster, but it takes 7 MiB and the time of hundreds of checks before its first answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, TypeAlias

Schema: TypeAlias = Mapping[str, Any]
ValueCheck: TypeAlias = Callable[[Any], bool]
"""Whether a value is valid. Raises CannotTell."""

LARGEST: Final = 2**53
"""Numbers beyond this are not the same everywhere."""


class CannotTell(Exception):
    """Only a full validator can judge this value."""


def quick_check(root: Schema) -> ValueCheck:
    """The check of a whole schema. Its definitions are prepared as they are needed."""
    return _Preparing(root).check_of(root)


class _Preparing:
    """Turns a schema into functions, so that its keywords are looked up once and not for each value."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._definitions: dict[str, ValueCheck] = {}

    def check_of(self, schema: Schema) -> ValueCheck:
        """The check of a part of the schema."""
        reference = schema.get("$ref")
        if reference is not None:
            return self._reference(reference)  # Draft 7 ignores everything beside a reference
        checks = [check for keyword, wanted in schema.items() if (check := self._keyword(keyword, wanted, schema))]
        return _all_of(checks)

    def _reference(self, reference: str) -> ValueCheck:
        start, _, name = reference.rpartition("/")
        if start != "#/definitions":
            return _cannot_tell

        def check(value: Any) -> bool:
            known = self._definitions.get(name)
            if known is None:
                known = self._definitions[name] = self.check_of(self._root["definitions"][name])
            return known(value)

        return check

    def _keyword(self, keyword: str, wanted: Any, schema: Schema) -> ValueCheck | None:
        """The check of one keyword; None if it says nothing about validity, or another keyword's check covers it."""
        match keyword:
            case "$schema" | "$id" | "title" | "description" | "default" | "examples" | "definitions":
                return None
            case "properties":
                return self._members(schema)
            case "additionalProperties":
                return None if "properties" in schema else self._members(schema)
            case "propertyNames":
                return _each(dict, self.check_of(wanted))
            case "items":
                return _each(list, self.check_of(wanted))
            case "allOf":
                return self._all_of(wanted)
            case "oneOf":
                checks = tuple(map(self.check_of, wanted))
                return lambda value: sum(check(value) for check in checks) == 1
            case _:
                return _CHECKS[keyword](wanted) if keyword in _CHECKS else _cannot_tell

    def _all_of(self, parts: list[Schema]) -> ValueCheck:
        return _all_of(list(map(self.check_of, parts)))

    def _members(self, schema: Schema) -> ValueCheck:
        known = {key: self.check_of(part) for key, part in schema.get("properties", {}).items()}
        others = schema.get("additionalProperties", True)
        other = (lambda _: others) if isinstance(others, bool) else self.check_of(others)

        def check(value: Any) -> bool:
            if isinstance(value, dict):
                for key, member in value.items():
                    if not known.get(key, other)(member):
                        return False
            return True

        return check


def _all_of(checks: list[ValueCheck]) -> ValueCheck:
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:  # most often a type and something else
        first, second = checks
        return lambda value: first(value) and second(value)

    def check(value: Any) -> bool:
        for each in checks:  # noqa: SIM110 # a generator would take twice as long
            if not each(value):
                return False
        return True

    return check


def _each(kind: type[list[Any] | dict[str, Any]], of: ValueCheck) -> ValueCheck:
    def check(value: Any) -> bool:
        return not isinstance(value, kind) or all(map(of, value))

    return check


def _cannot_tell(_value: Any) -> bool:
    raise CannotTell


def _type(wanted: str | list[str]) -> ValueCheck:
    names = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    plain = frozenset(kind for kind, name in _NAMES.items() if name in names and kind is not int)

    def check(value: Any) -> bool:
        return type(value) in plain or _is_a(value, names)

    return check


def _is_a(value: Any, names: tuple[str, ...]) -> bool:
    if isinstance(value, float):  # some validators take 1.0 as an integer
        raise CannotTell
    name = _NAMES.get(type(value))
    if name is None or (name == "integer" and not -LARGEST < value < LARGEST):
        raise CannotTell
    return name in names or (name == "integer" and "number" in names)


def _enum(wanted: list[Any]) -> ValueCheck:
    texts = frozenset(value for value in wanted if isinstance(value, str))
    allowed = frozenset((type(value), value) for value in wanted if value is None or isinstance(value, str | int))
    floats = any(isinstance(value, float) for value in wanted)

    def check(value: Any) -> bool:
        if value.__class__ is str and value in texts:
            return True
        if floats or not (value is None or isinstance(value, str | int)):
            raise CannotTell
        return (type(value), value) in allowed

    return check


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _pattern(wanted: str) -> ValueCheck:
    def check(value: Any) -> bool:
        if not isinstance(value, str):
            return True
        if not value.isascii() or "\n" in value:  # validators disagree about whitespace, digits and the end of a text
            raise CannotTell
        return _compiled(wanted).search(value) is not None

    return check


def _required(wanted: list[str]) -> ValueCheck:
    members = frozenset(wanted)
    return lambda value: not isinstance(value, dict) or value.keys() >= members


_TEXTS: Final = frozenset({str})


def _unique(wanted: bool) -> ValueCheck:
    def check(value: Any) -> bool:
        if not wanted or not isinstance(value, list):
            return True
        if not set(map(type, value)) <= _TEXTS:
            raise CannotTell
        return len(set(value)) == len(value)

    return check


def _sized(
    kind: type[str | list[Any] | dict[str, Any]], fine: Callable[[int, int], bool]
) -> Callable[[int], ValueCheck]:
    return lambda wanted: lambda value: not isinstance(value, kind) or fine(len(value), wanted)


def _bounded(fine: Callable[[float, float], bool]) -> Callable[[float], ValueCheck]:
    return lambda wanted: (
        lambda value: not isinstance(value, int | float) or isinstance(value, bool) or fine(value, wanted)
    )


_NAMES: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    type(None): "null",
    list: "array",
    dict: "object",
}

_CHECKS: Final[Mapping[str, Callable[[Any], ValueCheck]]] = {
    "type": _type,
    "enum": _enum,
    "pattern": _pattern,
    "required": _required,
    "uniqueItems": _unique,
    "minLength": _sized(str, int.__ge__),
    "maxLength": _sized(str, int.__le__),
    "minItems": _sized(list, int.__ge__),
    "maxItems": _sized(list, int.__le__),
    "minProperties": _sized(dict, int.__ge__),
    "maxProperties": _sized(dict, int.__le__),
    "minimum": _bounded(lambda value, wanted: value >= wanted),
    "maximum": _bounded(lambda value, wanted: value <= wanted),
}
