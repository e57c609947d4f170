"""Two values -> field changes. deepdiff is used only here, and only after a comparison found a difference."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from reconciler.model.canonical import Absent, Json, JsonObject, freeze, same, thaw
from reconciler.model.settings import Field, MarketingSettings, normal, normal_texts, same_setting
from reconciler.model.writes import FieldChange


def changed_fields(desired: tuple[Field, ...], observed: MarketingSettings) -> tuple[FieldChange, ...]:
    """The managed fields whose live value differs from the file's, sorted by path. Texts are in normal form."""
    return tuple(
        FieldChange(field.path, normal(field.path, live), normal_texts(field.value))
        for field in desired
        if not same_setting(field.path, field.value, live := observed.value_of(field.path))
    )


def change(path: str, before: Json | Absent, after: Json) -> tuple[FieldChange, ...]:
    """The change of one plain field; empty if both sides are the same.

    None stands for both absent and empty. Texts are compared, and given, in their normal form.
    """
    left, right = (None if isinstance(value, Absent) else _plain(value) for value in (before, after))
    return () if same(left, right) else (FieldChange(path, left, right),)


def same_plain(value: Json, other: Json) -> bool:
    """Whether two plain values are the same. Texts are compared in normal form, and an empty text counts as absent."""
    return same(_plain(value), _plain(other))


def _plain(value: Json) -> Json:
    return normal_texts(value) or None if isinstance(value, str) else value


class Step(StrEnum):
    """How one detail of a field changes."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class ChangeDetail(Struct, frozen=True):
    """One detail of a changed field: its path within the value (empty for the whole value), and how it changes."""

    at: str
    step: Step
    before: Json = None
    after: Json = None


def details_of(change: FieldChange) -> tuple[ChangeDetail, ...]:
    """What a change adds, removes and changes, for people to read. Lists are compared regardless of order."""
    before, after = change.before, change.after
    structured = isinstance(before, tuple | JsonObject) and type(before) is type(after)
    if not structured:
        step = Step.ADDED if before is None else Step.REMOVED if after is None else Step.CHANGED
        return (ChangeDetail("", step, before, after),)
    return _compare(before, after)


def _compare(before: Json, after: Json) -> tuple[ChangeDetail, ...]:
    from deepdiff import DeepDiff

    found = DeepDiff(thaw(before), thaw(after), ignore_order=True, view="tree")
    details = [
        ChangeDetail(_path(item.path(output_format="list")), step, _frozen(item.t1), _frozen(item.t2))
        for kinds, step in (
            (("dictionary_item_removed", "iterable_item_removed"), Step.REMOVED),
            (("dictionary_item_added", "iterable_item_added"), Step.ADDED),
            (("values_changed", "type_changes"), Step.CHANGED),
        )
        for kind in kinds
        for item in found.get(kind, ())
    ]
    return tuple(sorted(details, key=lambda detail: (detail.at, detail.step, str(detail.before), str(detail.after))))


def _frozen(value: object) -> Json:
    try:
        return freeze(value)
    except TypeError:  # deepdiff's marker for "nothing on this side"
        return None


def _path(steps: list[object]) -> str:
    return ".".join(str(step) for step in steps if isinstance(step, str))
