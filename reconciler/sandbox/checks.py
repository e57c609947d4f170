"""Owns the checks of request bodies that all services share: types, GUIDs, times, lengths, field masks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from reconciler.sandbox import times
from reconciler.sandbox.errors import precondition, unparsable, violation
from reconciler.sandbox.json_types import JsonDict

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PATH = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")


def is_guid(value: object) -> bool:
    """Whether a value is a GUID string."""
    return isinstance(value, str) and _GUID.fullmatch(value) is not None


def guid(field: str, value: object) -> str:
    """A required GUID (D: format GUID)."""
    if value is None or value == "":
        raise violation(field, "must not be empty", "REQUIRED_FIELD")
    if not isinstance(value, str):
        raise unparsable()
    if not is_guid(value):
        raise violation(field, "is not a valid GUID", "FORMAT")
    return value.lower()


def guids(field: str, value: object, least: int = 1, most: int = 20) -> list[str]:
    """A required list of GUIDs with its bounds (S-wix: 1-20 items)."""
    return [guid(f"{field}[{place}]", each) for place, each in enumerate(strings(field, value, least, most))]


def strings(field: str, value: object, least: int = 1, most: int = 20) -> list[str]:
    """A required list of strings with its bounds."""
    if not isinstance(value, list | None) or any(not isinstance(each, str) for each in value or ()):
        raise unparsable()
    found: list[str] = value or []
    if not least <= len(found) <= most:
        raise violation(field, f"must have between {least} and {most} items", "MAX_SIZE" if found else "MIN_SIZE")
    return found


def text(field: str, value: object, longest: int | None = None) -> str | None:
    """An optional string with its maximum length."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise unparsable()
    if longest is not None and len(value) > longest:
        raise violation(field, f"has length {len(value)}, but must be at most {longest}", "MAX_LENGTH")
    return value


def moment(field: str, value: object) -> datetime | None:
    """An optional date-time. Anything but an RFC 3339 string is refused: "Expected a string" (S-wix)."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise violation(field, "Expected a string", "FORMAT")
    found = times.parse(value)
    if found is None:
        raise violation(field, f"{value!r} is not a valid date-time", "FORMAT")
    return found


def choice(field: str, value: object, known: Iterable[str]) -> str | None:
    """An optional enum value; an unknown one is refused (I: proto3 JSON)."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise unparsable()
    if value not in known:
        raise violation(field, f"{value!r} is not one of {', '.join(known)}", "ENUM")
    return value


def message(field: str, value: object) -> JsonDict:
    """A required object in a body."""
    if value is None:
        raise violation(field, "must not be empty", "REQUIRED_FIELD")
    if not isinstance(value, dict):
        raise unparsable()
    return value


def known_fields(where: str, value: JsonDict, known: Iterable[str], rule: str) -> None:
    """Refuses fields that the API does not have if the switch says so (I); otherwise they are ignored."""
    if rule == "refuse" and (unknown := [name for name in value if name not in set(known)]):
        raise violation(f"{where}.{unknown[0]}", "is not a field of this message", "FORMAT")


def mask(field: str, value: object) -> list[str]:
    """The paths of a field mask: one comma-separated string; an array or object is 400 (S-wix, live)."""
    if value is None or value == "":
        raise violation(field, "must not be empty", "REQUIRED_FIELD")
    if not isinstance(value, str):
        raise unparsable()
    paths = value.split(",")
    if not all(_PATH.fullmatch(path) for path in paths):
        raise unparsable()
    return paths


def present(body: JsonDict, path: str) -> bool:
    """Whether a path is in a body. An explicit null counts (D)."""
    here: object = body
    for name in path.split("."):
        if not isinstance(here, dict) or name not in here:
            return False
        here = here[name]
    return True


def value_at(body: JsonDict, path: str) -> Any:
    """The value at a path that is present."""
    here: Any = body
    for name in path.split("."):
        here = here[name]
    return here


def require_present(body: JsonDict, paths: Iterable[str]) -> None:
    """Each path of a mask must be in the body: 428 INVALID_FIELD_MASK_ERROR (D, S-wix)."""
    absent = [path for path in paths if not present(body, path)]
    if absent:
        raise precondition(f"field mask path {absent[0]} is not in the request", "INVALID_FIELD_MASK_ERROR")


def pruned(value: Any) -> Any:
    """A value without what proto3 JSON leaves out: nulls, empty strings, lists and objects (I)."""
    if isinstance(value, dict):
        kept = {name: pruned(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each not in (None, "", [], {})}
    return value
