"""Owns the shape of the marketing settings object: its fields, their types and limits (9.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.sandbox import checks
from reconciler.sandbox.errors import HttpError, violation
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import CHANNELS, GOALS, TOOLS, VIEWS

DERIVED = ("language", "businessLocation", "targetLocations")  # read-only, from the site (D)


class Text:
    """A string field."""


class Free:
    """A field whose contents are not known: any value."""


class Enum:
    """A field with a fixed set of values."""

    def __init__(self, *values: str) -> None:
        self.values = values


class ListOf:
    """A list of texts or enum values."""

    def __init__(self, each: Text | Enum) -> None:
        self.each = each


_FREQUENCY: JsonDict = {"interval": Enum("WEEK", "MONTH", "YEAR"), "count": int}  # S-wix; count 1-30
SHAPE: JsonDict = {
    "settings": {
        "marketingPlanGoal": {"goalKey": Enum(*GOALS), "customGoal": Text()},
        "marketingTools": ListOf(Enum(*TOOLS)),
        "topics": {"included": ListOf(Text()), "excluded": ListOf(Text()), "coreTopic": Text()},
        "businessProfile": {"valueProposition": Text(), "targetAudience": Text(), "businessGoal": Text()},
        "calendar": {"ids": ListOf(Text())},
        "toneOfVoice": Text(),
        "pointOfView": Enum(*VIEWS),
        "customContentGuidelines": Text(),
        "imageGuidelines": Text(),
        "imageGenerationSettings": Free(),
        "socialChannels": ListOf(Enum(*CHANNELS)),
        "frequency": _FREQUENCY,
        **dict.fromkeys(DERIVED, Free()),
    },
    "overrides": {
        "socialMarketing": {"frequency": _FREQUENCY},
        "emailMarketing": {"frequency": _FREQUENCY},
        "blogs": {"frequency": _FREQUENCY},
    },
    "id": Text(),
    "createdAt": Text(),
    "updatedAt": Text(),
}


def shallow(path: str) -> str:
    """The reference's field that a path names or lies in: `settings.<field>`, `overrides.<tool>.frequency`."""
    names = path.split(".")
    return ".".join(names[: 3 if names[0] == "overrides" else 2])


def is_deep(path: str) -> bool:
    """Whether a path goes below the fields that the reference shows (S-wix, 9.4)."""
    return path != shallow(path)


def with_zeros(value: JsonDict, shape: JsonDict) -> JsonDict:
    """An object with its missing texts and lists filled in as empty ones."""
    shown: JsonDict = {}
    for name, each in shape.items():
        if isinstance(each, Text):
            shown[name] = ""
        elif isinstance(each, ListOf):
            shown[name] = []
    for name, held in value.items():
        inner = shape.get(name)
        shown[name] = with_zeros(held, inner) if isinstance(inner, dict) and isinstance(held, dict) else held
    return shown


def known(path: str) -> bool:
    """Whether a mask path names a field of the object."""
    here: object = SHAPE
    for name in path.split("."):
        if isinstance(here, Free):
            return True
        if not isinstance(here, dict) or name not in here:
            return False
        here = here[name]
    return True


def check(where: str, value: Any, shape: object, unknown: str) -> None:
    """Refuses (400) values of the wrong type, unknown enum values, frequencies out of bounds.

    `unknown` says what happens to fields that the shape does not have: ignore or refuse.
    """
    for _, refused in refusals(where, value, shape, unknown):
        raise refused


def refusals(where: str, value: Any, shape: object, unknown: str) -> Iterator[tuple[str, HttpError]]:
    """Everything for which `check` refuses a value: where it is, and the answer."""
    if value is None or isinstance(shape, Free):
        return
    if isinstance(shape, dict) and isinstance(value, dict):
        yield from _of_message(where, value, shape, unknown)
    elif isinstance(shape, ListOf) and isinstance(value, list) and None not in value:
        for place, each in enumerate(value):
            yield from refusals(f"{where}[{place}]", each, shape.each, unknown)
    else:
        try:
            _check_value(where, value, shape)
        except HttpError as refused:
            yield where, refused


def _check_value(where: str, value: Any, shape: object) -> None:
    if isinstance(shape, dict):
        checks.message(where, value)
    elif isinstance(shape, ListOf):
        raise violation(where, "must be a list", "FORMAT")
    elif isinstance(shape, Enum):
        checks.choice(where, value, shape.values)
    elif shape is int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise violation(where, "must be a number", "FORMAT")
        if not 1 <= value <= 30:
            raise violation(where, f"is {value}, but must be between 1 and 30", "OUT_OF_RANGE", "OUT_OF_RANGE")  # S-wix
    else:
        checks.text(where, value)


def _of_message(where: str, fields: JsonDict, shape: JsonDict, unknown: str) -> Iterator[tuple[str, HttpError]]:
    for name in fields if unknown == "refuse" else ():
        if name not in shape:
            path = f"{where}.{name}"
            yield path, violation(path, "is not a field of this message", "FORMAT")
    for name, each in fields.items():
        if name in shape:
            yield from refusals(f"{where}.{name}", each, shape[name], unknown)
    if fields.get("goalKey") and fields.get("customGoal"):
        # One or the other (S-wix).
        yield where, violation(where, "has both goalKey and customGoal; only one may be set", "ONE_OF")
