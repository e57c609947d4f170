"""Values inside a sentence; if two are compared, what differs in them, not what both begin with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final

from reconciler.model.canonical import Json, JsonObject, same
from reconciler.model.differences import (
    ELLIPSIS,
    Mark,
    around_changes,
    as_seen,
    both_spelled_out,
    compare_words,
    looks_the_same,
    made_visible,
)
from reconciler.model.text import in_quotes, printable
from reconciler.model.yaml_text import yaml_text

LONG: Final = 80
"""If one of two values has more characters than this, only what differs is shown."""

LONGEST: Final = 120
"""How many characters of a single value are shown."""

MOST: Final = 400
"""How many characters are shown of what differs in a value."""


def shown_value(value: Json) -> str:
    """A value inside a sentence, cut if it is long: texts in quotes, no value as `empty`."""
    if value is None or value == "":
        return "empty"
    if isinstance(value, str):
        return in_quotes(_cut(printable(value), LONGEST))
    return _short(value)


def both_in_sentence(one: Json, other: Json) -> tuple[str, str]:
    """Two different values inside a sentence: for long ones, what differs and a few words around it.

    What cannot be seen on a screen is spelled out in both.
    """
    texts = isinstance(one, str) and isinstance(other, str)
    shown = (f"'{one}'", f"'{other}'") if texts else (yaml_text(one), yaml_text(other))
    if max(map(len, shown)) > LONG:
        if isinstance(one, str) and isinstance(other, str) and one and other:
            return _texts(one, other)
        if isinstance(one, tuple) and isinstance(other, tuple):
            return _lists(one, other)
        if isinstance(one, JsonObject) and isinstance(other, JsonObject):
            return _objects(one, other)
    if looks_the_same(*shown):
        left, right = map(printable, both_spelled_out(*shown))
        return left, right
    if isinstance(one, tuple) and isinstance(other, tuple) and _have_twins(one, other):
        return _lists(one, other)
    return shown_value(one), shown_value(other)


def _texts(one: str, other: str) -> tuple[str, str]:
    """The words that differ, each with a few words around it: `'… them ever look alike on …'`."""
    pieces = made_visible(around_changes(compare_words(one, other)))
    left = "".join(piece.text for piece in pieces if piece.mark is not Mark.ADDED)
    right = "".join(piece.text for piece in pieces if piece.mark is not Mark.REMOVED)
    return in_quotes(_cut(left, MOST)), in_quotes(_cut(right, MOST))


def _lists(one: tuple[Json, ...], other: tuple[Json, ...]) -> tuple[str, str]:
    """The items that only one of the lists has, regardless of order: `[…, tea]`."""
    left, right = _without(one, other), _without(other, one)
    if not left and not right:
        return shown_value(one), shown_value(other)
    if len(left) == len(right) == 1:
        items = _members(left[0], right[0])
        return _bracketed("[]", [items[0]], len(one) > 1), _bracketed("[]", [items[1]], len(other) > 1)
    return (
        _bracketed("[]", _unlike(left, right), len(one) > len(left)),
        _bracketed("[]", _unlike(right, left), len(other) > len(right)),
    )


def _have_twins(one: Iterable[Json], other: Iterable[Json]) -> bool:
    """Whether two short lists have different items that look the same."""
    return any(looks_the_same(left, right) for left, right in product(map(yaml_text, one), map(yaml_text, other)))


def _unlike(items: Iterable[Json], others: Iterable[Json]) -> Iterator[str]:
    """The items of a list; if one looks the same as an item of the other list, what cannot be seen is spelled out."""
    looks = {as_seen(text): text for text in map(yaml_text, others)}
    for item in items:
        text = yaml_text(item)
        twin = looks.get(as_seen(text), text)
        yield _short(item) if twin == text else printable(both_spelled_out(text, twin)[0])


def _objects(one: JsonObject, other: JsonObject) -> tuple[str, str]:
    """The members that differ: `{…, count: 3}`."""
    differ = [key for key in sorted({*one, *other}) if not (key in one and key in other and same(one[key], other[key]))]
    left, right = [], []
    for key in differ:
        shown = _members(one.get(key), other.get(key))
        left += [f"{key}: {shown[0]}"] if key in one else []
        right += [f"{key}: {shown[1]}"] if key in other else []
    return _bracketed("{}", left, len(one) > len(left)), _bracketed("{}", right, len(other) > len(right))


def _members(one: Json, other: Json) -> tuple[str, str]:
    """Two items of a list or members of an object. As in a file, short texts have quotes only if they need them."""
    shown = yaml_text(one), yaml_text(other)
    if max(map(len, shown)) > LONG or looks_the_same(*shown):
        return both_in_sentence(one, other)
    return _short(one), _short(other)


def _without(items: tuple[Json, ...], others: tuple[Json, ...]) -> list[Json]:
    left = list(others)
    found = []
    for item in items:
        place = next((place for place, other in enumerate(left) if same(item, other)), None)
        if place is None:
            found.append(item)
        else:
            del left[place]
    return found


def _bracketed(brackets: str, shown: Iterable[str], more: bool) -> str:
    inner = ", ".join((*([ELLIPSIS] if more else []), *shown))
    return f"{brackets[0]}{_cut(inner, MOST)}{brackets[1]}"


def _short(value: Json) -> str:
    return _cut(printable(yaml_text(value)), LONGEST)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
