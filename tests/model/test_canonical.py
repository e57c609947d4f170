"""Values are the same if their canonical texts are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.canonical import Json, JsonObject, canonical_text, freeze, same, text_of_plain, thaw
from tests.strategies import json_values

TOLD_APART = (1, True, 1.0, "1", 0, False, None, "", (), JsonObject(), 0.5, -0.0)


def resembling(value: Json) -> st.SearchStrategy[Json]:
    """The value, read again, or another one."""
    return st.just(freeze(thaw(value))) | st.sampled_from([freeze(other) for other in TOLD_APART]) | json_values


def test_similar_values_are_distinguished() -> None:
    for value in map(freeze, TOLD_APART):
        for other in map(freeze, TOLD_APART):
            assert same(value, other) == (canonical_text(value) == canonical_text(other)), (value, other)


@given(json_values.flatmap(lambda value: st.tuples(st.just(value), resembling(value))))
def test_the_same_is_what_has_the_same_canonical_text(pair: tuple[Json, Json]) -> None:
    one, other = pair
    assert same(one, other) == (canonical_text(one) == canonical_text(other))
    assert (JsonObject({"a": one}) == JsonObject({"a": other})) == same(one, other)


@given(json_values)
def test_plain_values_have_the_same_text_as_frozen_ones(value: Json) -> None:
    plain = thaw(value)
    if all(not isinstance(part, float) for part in parts(plain)):
        assert text_of_plain(plain) == canonical_text(value)


def test_texts_that_only_a_few_encoders_take() -> None:
    for text in ('"', "\\", "/", "\x00\x1f\x7f\u2028", "\ud800", "\U0001f600 \ud83d"):
        assert text_of_plain({"b": [text], "a": None}) == canonical_text(freeze({"b": [text], "a": None}))


@pytest.mark.parametrize("value", [math.nan, math.inf, [{"a": -math.inf}], b"a", {"a": {1}}])
def test_what_json_cannot_express_is_not_frozen(value: object) -> None:
    with pytest.raises(TypeError, match="not a JSON value"):
        freeze(value)


def parts(value: Any) -> Iterator[Any]:
    """A plain value and everything in it."""
    yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(member)


@given(st.dictionaries(st.text(max_size=2), json_values, max_size=3))
def test_an_object_is_a_mapping(members: dict[str, Any]) -> None:
    found = JsonObject(members)
    assert isinstance(found, Mapping)
    assert dict(found) == members == {**found}
    assert (list(found.keys()), list(found.values())) == (list(members), list(members.values()))
    assert (found.get("absent there"), "absent there" in found) == (None, False)
