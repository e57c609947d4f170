"""Marketing settings: which of their fields are compared, how, and by which paths they are written.

A *field* is the smallest part that is managed on its own, named by its path in the API's object
(`settings.topics.included`). Some objects are one value and are managed as a whole (ATOMIC_MEMBERS).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from reconciler.model.address import Kind
from reconciler.model.canonical import (
    ABSENT,
    EMPTY,
    Absent,
    Json,
    JsonObject,
    canonical_text,
    freeze,
    freeze_object,
    same,
)
from reconciler.model.frozen import Struct
from reconciler.model.text import normal_text
from reconciler.model.writes import Condition, FieldChange, Verb, Write

ATOMIC_MEMBERS: dict[str, frozenset[str]] = {
    "marketingPlanGoal": frozenset({"goalKey", "customGoal"}),  # one or the other (S-wix 9.5)
    "frequency": frozenset({"interval", "count"}),  # S-wix 9.5
}
"""Objects that are one value, by key, with the members that make up the value."""

DERIVED: frozenset[str] = frozenset({"settings.language", "settings.businessLocation", "settings.targetLocations"})
"""What the settings show although nobody set it there (D 9.1): the site's own language and places."""

NEEDS_KEYWORD_RESEARCH = "settings.topics"
"""A change below this path calls for new keyword research (D 6.2)."""


class Field(Struct, frozen=True):
    """A field and its value; None clears it."""

    path: str
    value: Json


class MarketingSettings(Struct, frozen=True):
    """The settings of a live site. `settings` and `overrides` are the API's own objects (D 9.5)."""

    settings: JsonObject = EMPTY
    overrides: JsonObject = EMPTY
    language: str | None = None

    def value_of(self, path: str) -> Json | Absent:
        """The value at a path; ABSENT if there is none."""
        root, *keys = path.split(".")
        here: Json = self.settings if root == "settings" else self.overrides
        for key in keys:
            if not isinstance(here, JsonObject):
                return ABSENT
            found = here.get(key, ABSENT)
            if found is ABSENT:
                return ABSENT
            here = found
        return here


def fields_of(tree: Mapping[str, object], root: str) -> list[Field]:
    """The managed fields of a written tree, frozen or plain, sorted by path. `root` is `settings` or `overrides`."""
    fields: list[Field] = []
    for key, value in sorted(tree.items()):
        path = f"{root}.{key}"
        if isinstance(value, dict | JsonObject) and key not in ATOMIC_MEMBERS:
            fields += fields_of(value, path)
        else:
            fields.append(Field(path, freeze(value)))
    return fields


def mask_of(path: str) -> str:
    """The mask path under which a managed field is written: `settings.<field>`, `overrides.<tool>.frequency`.

    No other form has been seen, and what a deeper path does is not known (17.4).
    """
    root, *keys = path.split(".")
    return ".".join([root, *(keys[:1] if root == "settings" else [*keys, "frequency"][:2])])


def whole_fields(changes: Iterable[FieldChange], live: MarketingSettings) -> tuple[Field, ...]:
    """What to write for these changes, by mask path: each field whole, its managed members merged into the live value.

    Members that this version does not know are kept. Of two alternatives (`goalKey` or `customGoal`), only the wanted
    one is kept.
    """
    fields: dict[str, Json] = {}
    for change in sorted(changes, key=lambda change: change.path):
        mask = mask_of(change.path)
        before = fields.get(mask, None if (found := live.value_of(mask)) is ABSENT else found)
        assert not isinstance(before, Absent)
        inner = change.path[len(mask) :].lstrip(".")
        fields[mask] = (
            _with_member(before, inner.split("."), change.after) if inner else _kept(mask, before, change.after)
        )
    return tuple(Field(mask, fields[mask]) for mask in sorted(fields))


def unnamed_fields(live: MarketingSettings, masks: Iterable[str]) -> tuple[Field, ...]:
    """The fields, by path, that a write of these mask paths leaves as they are (D 9.4: the rest stays)."""
    named = frozenset(masks)
    found = [Field(f"settings.{key}", value) for key, value in live.settings.items()]
    for tool, override in live.overrides.items():
        path = f"overrides.{tool}"
        if isinstance(override, JsonObject):
            found += [Field(f"{path}.{key}", value) for key, value in override.items()]
        else:
            found.append(Field(path, override))
    left = (
        field
        for field in found
        if not (field.path in named or field.path in DERIVED or normal("", field.value) is None)
    )
    return tuple(sorted(left, key=lambda field: field.path))


def settings_of(fields: Iterable[Field]) -> MarketingSettings:
    """Settings that hold these fields and no others."""
    trees: dict[str, Json] = {"settings": EMPTY, "overrides": EMPTY}
    for field in fields:
        root, *keys = field.path.split(".")
        trees[root] = _with_member(trees[root], keys, field.value)
    return MarketingSettings(freeze_object(trees["settings"]), freeze_object(trees["overrides"]))


def _kept(path: str, before: Json, after: Json) -> Json:
    """A new value of a whole field. An object that is one value keeps what it has beyond its known members."""
    known = ATOMIC_MEMBERS.get(path.rsplit(".", 1)[-1])
    if known is None or not isinstance(before, JsonObject) or not isinstance(after, JsonObject):
        return after
    return JsonObject({**{key: value for key, value in before.items() if key not in known}, **after})


def _with_member(before: Json, keys: list[str], after: Json) -> JsonObject:
    """An object with the value set at a path. A cleared one becomes an explicit null (D 9.4)."""
    members: dict[str, Json] = dict(before) if isinstance(before, JsonObject) else {}
    first, *rest = keys
    members[first] = _with_member(members.get(first), rest, after) if rest else after
    return JsonObject(members)


def normal(path: str, value: Json | Absent) -> Json:
    """The form in which two values of one field are compared.

    Absent, null and empty count as the same: it is not known whether the API sends empty values (14.22). Lists are
    compared as sets: the order of a list never matters in the settings. Texts are in normal form.
    """
    if isinstance(value, str):
        return normal_text(value) or None
    if value is None or isinstance(value, Absent):
        return None
    if isinstance(value, tuple):
        if not value:
            return None
        texts = [normal_text(member) for member in value if isinstance(member, str)]
        if len(texts) == len(value):
            return tuple(sorted(set(texts)))
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


def normal_texts(value: Json) -> Json:
    """A value with each text in it in normal form: what counts as the same is then never shown as a difference."""
    if isinstance(value, str):
        return normal_text(value)
    if isinstance(value, tuple):
        return tuple(map(normal_texts, value))
    if isinstance(value, JsonObject):
        return JsonObject({key: normal_texts(member) for key, member in value.items()})
    return value


def same_setting(path: str, value: Json | Absent, other: Json | Absent) -> bool:
    """Whether two values of a field are the same; a number equals its text (int64 is text in proto3 JSON)."""
    if not isinstance(value, Absent) and not isinstance(other, Absent) and same(value, other):
        return True
    left, right = normal(path, value), normal(path, other)
    if left is None or right is None:
        return left is right
    return same(left, right) or same(_numbers_as_text(left), _numbers_as_text(right))


def _numbers_as_text(value: Json) -> Json:
    if isinstance(value, tuple):
        return tuple(_numbers_as_text(member) for member in value)
    if isinstance(value, JsonObject):
        return JsonObject({key: _numbers_as_text(member) for key, member in value.items()})
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


# --- writes -----------------------------------------------------------------------------------------


class UpdateSettings(Write, frozen=True):
    """Changes settings, at least one. If `after` has no value, the field is cleared (D 9.4).

    `whole` are the fields as they are sent, by mask path (17.4): merged into what was live when the plan was made, and
    again into what is live just before the write (`merged_into`).
    """

    verb: ClassVar[Verb] = Verb.UPDATE
    kind: ClassVar[Kind] = Kind.SETTINGS
    feeds_generation: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True

    changes: tuple[FieldChange, ...]
    whole: tuple[Field, ...] = ()

    def merged_into(self, live: MarketingSettings) -> UpdateSettings:
        """The same changes, merged into these settings."""
        return UpdateSettings(self.changes, whole_fields(self.changes, live))


# --- what must still hold just before them ----------------------------------------------------------


class SettingIs(Condition, frozen=True):
    """The live value of a settings field, in normal form; no value if it is not set."""

    kind: ClassVar[Kind] = Kind.SETTINGS
    about: ClassVar[str] = "settings"

    path: str
    value: Json
