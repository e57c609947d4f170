"""Marketing settings: which of their fields are compared, how, and by which paths they are written.

A *field* is the smallest part that is managed on its own, named by its path in the API's object
(`settings.topics.included`). Some objects are one value and are managed whole (ATOMIC).
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.canonical import ABSENT, EMPTY, Absent, Json, JsonObject, canonical_text, same
from reconciler.model.frozen import Struct

ATOMIC_MEMBERS: dict[str, frozenset[str]] = {
    "marketingPlanGoal": frozenset({"goalKey", "customGoal"}),  # one or the other (S-wix 9.5)
    "frequency": frozenset({"interval", "count"}),  # S-wix 9.5
}
"""Objects that are one value, by their own key, with the members that make the value."""

SEARCHED_AFRESH = "settings.topics"
"""A change below this path wants fresh keyword research (D 6.2)."""


class Field(Struct, frozen=True):
    """A field and a value for it; None clears it."""

    path: str
    value: Json


class MarketingSettings(Struct, frozen=True):
    """The settings of a live site. `settings` and `overrides` are the API's own objects (D 9.5)."""

    settings: JsonObject = EMPTY
    overrides: JsonObject = EMPTY
    language: str | None = None

    def value_of(self, path: str) -> Json | Absent:
        """What stands at a path; ABSENT where nothing does."""
        root, *keys = path.split(".")
        here: Json = self.settings if root == "settings" else self.overrides
        for key in keys:
            if not isinstance(here, JsonObject) or key not in here:
                return ABSENT
            here = here[key]
        return here


def fields_of(tree: JsonObject, root: str) -> Iterator[Field]:
    """The managed fields of a written tree, sorted by path. `root` is `settings` or `overrides`."""
    for key in sorted(tree):
        path, value = f"{root}.{key}", tree[key]
        if isinstance(value, JsonObject) and key not in ATOMIC_MEMBERS:
            yield from fields_of(value, path)
        else:
            yield Field(path, value)


def normal(path: str, value: Json | Absent) -> Json:
    """The form in which two values of one field are compared.

    Absent, null and empty are the same nothing: whether the API emits empty values is not known (14.22).
    Lists are sets: no list of the settings has a meaning in its order.
    """
    if value is ABSENT or value is None or value == "" or value == ():
        return None
    if isinstance(value, tuple) and all(isinstance(member, str) for member in value):
        return tuple(sorted({str(member) for member in value}))
    if isinstance(value, tuple):
        return tuple(sorted({canonical_text(member): member for member in value}.values(), key=canonical_text))
    if isinstance(value, JsonObject):
        known = ATOMIC_MEMBERS.get(path.rsplit(".", 1)[-1])
        members = {
            key: inner
            for key, member in value.items()
            if (known is None or key in known) and (inner := normal(key, member)) is not None
        }
        return JsonObject(members) if members else None
    return value


def same_setting(path: str, one: Json | Absent, other: Json | Absent) -> bool:
    """Whether two values of a field ask for the same."""
    return same(normal(path, one), normal(path, other))
