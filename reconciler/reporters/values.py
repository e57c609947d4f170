"""Values as people type them in YAML, and changes of them: what is new, what is gone, what differs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from reconciler.model.canonical import Json, JsonObject
from reconciler.model.differences import (
    Mark,
    around_changes,
    both_spelled_out,
    compare_words,
    escaped_unlike,
    looks_the_same,
    made_visible,
)
from reconciler.model.writes import FieldChange
from reconciler.model.yaml_text import yaml_text
from reconciler.planner.changes import Step, details_of
from reconciler.reporters.layout import Span, Style, columns
from reconciler.reporters.words import shortened

LONG: Final = 60
"""If a changed text has more characters than this, only the words around each change are shown."""

LONGEST_NAME: Final = 32
"""How far a long name of a field pushes the values of the others, in columns."""

_MOMENT: Final = re.compile(r"[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d \S+")
"""A moment as `model.moments` writes it: it is shown like any other, without quotes."""


class ChangeRow(Struct, frozen=True):
    """One changed field: a symbol, its name, and how it changes."""

    symbol: str
    style: Style
    name: str
    spans: tuple[Span, ...]


def yaml(value: Json, *, whole: bool = False) -> str:
    """A value as it would be written on one line of YAML, shortened unless all of it is asked for."""
    text = value if isinstance(value, str) and _MOMENT.fullmatch(value) else yaml_text(value)
    return text if whole else shortened(text)


def name_width(names: Iterable[str]) -> int:
    """The width in columns to which the names of several fields are padded, so that their values align."""
    return min(max(map(columns, names), default=0), LONGEST_NAME)


def quoted(text: str) -> str:
    """A title or name in double quotes."""
    return f'"{text}"'


def change_row(change: FieldChange, *, whole: bool = False) -> ChangeRow:
    """How one field changes."""
    name = change.path.removeprefix("settings.")
    before, after = change.before, change.after
    if before is None:
        return ChangeRow("+", Style.GREEN, name, (Span(yaml(after, whole=whole), Style.GREEN),))
    if after is None:
        return ChangeRow("-", Style.RED, name, (Span(yaml(before, whole=whole), Style.RED),))
    return ChangeRow(" ", Style.PLAIN, name, tuple(_between(before, after, whole=whole)))


def is_read_by_parts(before: Json, after: Json) -> bool:
    """Whether a change is shown by what differs in it: long texts, texts that look the same, lists, long objects."""
    if isinstance(before, str) and isinstance(after, str):
        return max(len(before), len(after)) > LONG or looks_the_same(before, after)
    if isinstance(before, JsonObject) and isinstance(after, JsonObject):
        return max(len(yaml_text(before)), len(yaml_text(after))) > LONG or looks_the_same(
            yaml_text(before), yaml_text(after)
        )
    return isinstance(before, tuple) and isinstance(after, tuple)


def _between(before: Json, after: Json, *, whole: bool) -> Iterator[Span]:
    """A change from one value to the other: only the parts that differ if the values are long or look the same."""
    if not is_read_by_parts(before, after):
        yield from _two(before, after, whole=whole)
    elif isinstance(before, str) and isinstance(after, str):
        if max(len(before), len(after)) > LONG and not whole:
            yield from _words(before, after)
        elif looks_the_same(before, after):
            old, new = (side or '""' for side in both_spelled_out(before, after))
            yield from (Span(old, Style.RED), Span("->"), Span(new, Style.GREEN))
        else:
            yield from _two(before, after, whole=whole)
        if looks_the_same(before, after):
            yield Span("(they look the same)", Style.DIM)
    else:
        yield from _members(before, after, whole=whole)


def _two(before: Json, after: Json, *, whole: bool) -> Iterator[Span]:
    old, new = yaml(before, whole=whole), yaml(after, whole=whole)
    yield from (Span(escaped_unlike(old, new), Style.RED), Span("->"), Span(escaped_unlike(new, old), Style.GREEN))


def _members(before: Json, after: Json, *, whole: bool) -> Iterator[Span]:
    """`+ studio life  - politics`: a list or an object is shown by what is new in it, gone, or different."""
    details = details_of(FieldChange("", before, after))
    if not details:  # lists are compared regardless of order
        yield from _two(before, after, whole=whole)
        yield Span("(same items in a different order or number)", Style.DIM)
    paired = [
        detail
        for detail in details
        if detail.step is Step.CHANGED and (detail.at or _is_hidden(detail.before, detail.after))
    ]
    single = [detail for detail in details if detail not in paired]
    new = [(detail.at, detail.after) for detail in single if detail.step is not Step.REMOVED]
    gone = [(detail.at, detail.before) for detail in single if detail.step is not Step.ADDED]
    pairs = [(detail.at, detail.before, detail.after) for detail in paired]
    for old, other in [(old, other) for old in gone for other in new if _are_twins(old, other)]:
        if old in gone and other in new:
            gone.remove(old)
            new.remove(other)
            pairs.append((*old, other[1]))
    yield from (Span(f"+ {_at(at)}{yaml(item, whole=whole)}", Style.GREEN) for at, item in new)
    yield from (Span(f"- {_at(at)}{yaml(item, whole=whole)}", Style.RED) for at, item in gone)
    for at, old_item, new_item in pairs:
        mark = "~ " if len(details) > 1 else ""
        if at:
            yield Span(f"{mark}{at}:")
        elif mark:
            yield Span("~")
        yield from _between(old_item, new_item, whole=whole)


def _are_twins(old: tuple[str, Json], new: tuple[str, Json]) -> bool:
    """Whether an item that is gone and a new one at the same place look the same."""
    (at, before), (there, after) = old, new
    return at == there and isinstance(before, str) and isinstance(after, str) and looks_the_same(before, after)


def _at(place: str) -> str:
    return f"{place}: " if place else ""


def _is_hidden(before: Json, after: Json) -> bool:
    """Whether it would be hard to see how two items of a list differ: they are long texts, or look the same."""
    return isinstance(before, str) and isinstance(after, str) and is_read_by_parts(before, after)


def _words(before: str, after: str) -> Iterator[Span]:
    """The words that changed, as `git diff --word-diff` marks them."""
    forms = {
        Mark.KEPT: ("{}", Style.PLAIN),
        Mark.GAP: ("{}", Style.DIM),
        Mark.REMOVED: ("[-{}-]", Style.RED),
        Mark.ADDED: ("{{+{}+}}", Style.GREEN),
    }
    for number, piece in enumerate(made_visible(around_changes(compare_words(before, after)))):
        form, style = forms[piece.mark]
        yield Span(form.format(piece.text.replace("\n", " ")), style, glued=number > 0)
