"""Whether a value fits a JSON Schema. For a few small documents, faster than loading and building the fast validator.

It knows the keywords of this project's schemas. Where validators disagree, it gives no answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

LARGEST: Final = 2**53
"""Numbers beyond this are not the same everywhere."""


class CannotTell(Exception):
    """Only a full validator can judge this value."""


def surely_fits(value: Any, schema: Schema, root: Schema) -> bool:
    """Whether a value is valid. `root` is the schema that references start from. Raises CannotTell."""
    reference = schema.get("$ref")
    if reference is not None:
        return surely_fits(value, _definition(reference, root), root)  # Draft 7 ignores everything beside a reference
    for keyword, wanted in schema.items():
        if keyword not in _SAY_NOTHING and not _CHECKS.get(keyword, _unknown)(value, wanted, schema, root):
            return False
    return True


def _definition(reference: str, root: Schema) -> Schema:
    start, _, name = reference.rpartition("/")
    if start != "#/definitions":
        raise CannotTell
    found: Schema = root["definitions"][name]
    return found


def _unknown(_value: Any, _wanted: Any, _schema: Schema, _root: Schema) -> bool:
    raise CannotTell


def _type(value: Any, wanted: str | list[str], _schema: Schema, _root: Schema) -> bool:
    if isinstance(value, float):  # some validators take 1.0 as an integer
        raise CannotTell
    name = _NAMES.get(type(value))
    if name is None or (name == "integer" and not -LARGEST < value < LARGEST):
        raise CannotTell
    names = (wanted,) if isinstance(wanted, str) else wanted
    return name in names or (name == "integer" and "number" in names)


def _enum(value: Any, wanted: list[Any], _schema: Schema, _root: Schema) -> bool:
    if not (value is None or isinstance(value, str | int)) or any(isinstance(allowed, float) for allowed in wanted):
        raise CannotTell
    return any(value == allowed and type(value) is type(allowed) for allowed in wanted)


def _pattern(value: Any, wanted: str, _schema: Schema, _root: Schema) -> bool:
    if not isinstance(value, str):
        return True
    if not value.isascii() or "\n" in value:  # validators disagree about blanks, digits and the end of a text
        raise CannotTell
    return re.search(wanted, value) is not None


def _properties(value: Any, wanted: Schema, _schema: Schema, root: Schema) -> bool:
    return not isinstance(value, dict) or all(
        surely_fits(member, wanted[key], root) for key, member in value.items() if key in wanted
    )


def _additional(value: Any, wanted: bool | Schema, schema: Schema, root: Schema) -> bool:
    if not isinstance(value, dict) or wanted is True:
        return True
    known = schema.get("properties", {})
    others = [member for key, member in value.items() if key not in known]
    return not others if wanted is False else all(surely_fits(member, wanted, root) for member in others)


def _unique(value: Any, wanted: bool, _schema: Schema, _root: Schema) -> bool:
    if not wanted or not isinstance(value, list):
        return True
    if not all(isinstance(member, str) for member in value):
        raise CannotTell
    return len(set(value)) == len(value)


def _sized(
    kind: type[str | list[Any] | dict[str, Any]], fine: Callable[[int, int], bool]
) -> Callable[[Any, int, Schema, Schema], bool]:
    def check(value: Any, wanted: int, _schema: Schema, _root: Schema) -> bool:
        return not isinstance(value, kind) or fine(len(value), wanted)

    return check


def _bounded(fine: Callable[[float, float], bool]) -> Callable[[Any, float, Schema, Schema], bool]:
    def check(value: Any, wanted: float, _schema: Schema, _root: Schema) -> bool:
        return not isinstance(value, int | float) or isinstance(value, bool) or fine(value, wanted)

    return check


_SAY_NOTHING: Final = frozenset({"$schema", "$id", "title", "description", "default", "examples", "definitions"})

_NAMES: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    type(None): "null",
    list: "array",
    dict: "object",
}

_CHECKS: Final[Mapping[str, Callable[[Any, Any, Schema, Schema], bool]]] = {
    "type": _type,
    "enum": _enum,
    "pattern": _pattern,
    "properties": _properties,
    "additionalProperties": _additional,
    "required": lambda value, wanted, _, __: not isinstance(value, dict) or all(key in value for key in wanted),
    "propertyNames": lambda value, wanted, _, root: (
        not isinstance(value, dict) or all(surely_fits(key, wanted, root) for key in value)
    ),
    "items": lambda value, wanted, _, root: (
        not isinstance(value, list) or all(surely_fits(member, wanted, root) for member in value)
    ),
    "uniqueItems": _unique,
    "allOf": lambda value, wanted, _, root: all(surely_fits(value, part, root) for part in wanted),
    "oneOf": lambda value, wanted, _, root: sum(surely_fits(value, part, root) for part in wanted) == 1,
    "minLength": _sized(str, int.__ge__),
    "maxLength": _sized(str, int.__le__),
    "minItems": _sized(list, int.__ge__),
    "maxItems": _sized(list, int.__le__),
    "minProperties": _sized(dict, int.__ge__),
    "maxProperties": _sized(dict, int.__le__),
    "minimum": _bounded(lambda value, wanted: value >= wanted),
    "maximum": _bounded(lambda value, wanted: value <= wanted),
}
