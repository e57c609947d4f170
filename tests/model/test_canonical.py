"""Values are the same if their canonical texts are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.canonical import Json, JsonObject, canonical_text, freeze, same, thaw
from tests.strategies import json_values

TOLD_APART = (1, True, 1.0, "1", 0, False, None, "", (), JsonObject(), 0.5, -0.0)


def resembling(value: Json) -> st.SearchStrategy[Json]:
    """The value, read again, or another one."""
    return st.just(freeze(thaw(value))) | st.sampled_from([freeze(other) for other in TOLD_APART]) | json_values


def test_similar_values_are_distinguished() -> None:
    for one in map(freeze, TOLD_APART):
        for other in map(freeze, TOLD_APART):
            assert same(one, other) == (canonical_text(one) == canonical_text(other)), (one, other)


@given(json_values.flatmap(lambda value: st.tuples(st.just(value), resembling(value))))
def test_the_same_is_what_has_the_same_canonical_text(pair: tuple[Json, Json]) -> None:
    one, other = pair
    assert same(one, other) == (canonical_text(one) == canonical_text(other))
    assert (JsonObject({"a": one}) == JsonObject({"a": other})) == same(one, other)


@given(st.dictionaries(st.text(max_size=2), json_values, max_size=3))
def test_an_object_is_a_mapping(members: dict[str, Any]) -> None:
    found = JsonObject(members)
    assert isinstance(found, Mapping)
    assert dict(found) == members == {**found}
    assert (list(found.keys()), list(found.values())) == (list(members), list(members.values()))
    assert (found.get("absent there"), "absent there" in found) == (None, False)
