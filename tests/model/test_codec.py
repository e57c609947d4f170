"""The codec: what is written reads back equal, and nothing that says something else is taken for it."""

from __future__ import annotations

import json
import re
import typing
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, NewType

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reconciler
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import ABSENT, Absent, Json, JsonObject
from reconciler.model.codec import (
    Malformed,
    ascii_text,
    from_json,
    from_plain,
    laid_out,
    sorted_again,
    sorted_json,
    to_json,
    to_plain,
)
from reconciler.model.frozen import Instant, Struct, Variant
from reconciler.model.sites import RecordedSite
from reconciler.planner.document import PlanDocument
from tests import strategies

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)


class Round(Variant, frozen=True):
    radius: int


class SquareOne(Variant, frozen=True):
    side: int


class Sample(Struct, frozen=True):
    address: Address
    when: Instant
    long: timedelta = timedelta(days=21)
    at: time = time(9, 30)
    note: str | None | Absent = ABSENT
    value: Json = None
    names: frozenset[str] = frozenset()
    shapes: tuple[Round | SquareOne, ...] = ()
    is_new: bool = False


SAMPLE = Sample(Address(SiteName("shop"), Kind.EVENT, "Sale [1]"), NOW)
WRITTEN: dict[str, Any] = {
    "address": "shop/event[Sale [1]]",
    "when": "2026-12-01T09:00:00Z",
    "long": "P21D",
    "at": "09:30:00",
    "value": None,
    "names": [],
    "shapes": [],
    "isNew": False,
}


def test_the_form_of_a_document() -> None:
    assert json.loads(to_json(SAMPLE)) == WRITTEN
    assert from_json(Sample, to_json(SAMPLE)) == SAMPLE
    assert from_plain(Sample, WRITTEN) == SAMPLE


def test_any_layout_and_order_of_members_is_read() -> None:
    turned = dict(reversed(WRITTEN.items()))
    assert from_json(Sample, json.dumps(turned, indent=4).encode()) == SAMPLE
    assert from_json(Sample, laid_out(to_json(SAMPLE))) == SAMPLE


def test_sets_are_sorted_and_variants_say_their_kind() -> None:
    value = Sample(SAMPLE.address, NOW, names=frozenset("cab"), shapes=(SquareOne(2), Round(1)))
    plain = to_plain(value)
    assert plain["names"] == ["a", "b", "c"]
    assert plain["shapes"] == ({"kind": "square-one", "side": 2}, {"kind": "round", "radius": 1})
    assert from_json(Sample, to_json(value)) == value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"extra": 1}, "unknown field `extra`"),
        ({"isNew": 0}, "isNew: expected `bool`, got `int`"),
        ({"names": ["b", "a"]}, "names[0]: is not in canonical form"),
        ({"names": ["a", "a"]}, "names: is not in canonical form"),
        ({"address": "shop/settings["}, "address: "),
        ({"address": 7}, "address: expected"),
        ({"when": "2026-12-01T09:00:00"}, "when: expected `datetime` with a timezone"),
        ({"when": "2026-12-01T09:00:00.000Z"}, "when: is not in canonical form"),
        ({"long": "PT504H"}, "long: is not in canonical form"),
        ({"shapes": [{"kind": "oval"}]}, "shapes[0].kind: invalid value 'oval'"),
        ({"shapes": [{"kind": "round", "radius": 1, "side": 2}]}, "shapes[0]"),
        ({"value": 10**400}, ""),
    ],
)
def test_what_is_not_in_its_form_is_named(change: dict[str, Any], said: str) -> None:
    document = {**WRITTEN, **change}
    if not said:
        assert from_plain(Sample, document).value == 10**400
        return
    with pytest.raises(Malformed) as plain:
        from_plain(Sample, document)
    with pytest.raises(Malformed) as text:
        from_json(Sample, json.dumps(document).encode())
    assert said in str(plain.value)
    assert str(text.value) == str(plain.value)


@pytest.mark.parametrize("name", WRITTEN)
def test_nothing_may_be_missing(name: str) -> None:
    with pytest.raises(Malformed):
        from_json(Sample, json.dumps({key: value for key, value in WRITTEN.items() if key != name}).encode())


@pytest.mark.parametrize(
    "text",
    [
        to_json(SAMPLE).replace(b'{"address"', b'{"isNew": true, "address"'),
        to_json(SAMPLE).replace(b'"value":null', b'"value":{"a":1,"a":2}'),
        to_json(SAMPLE).replace(b'"value":null', b'"value":NaN'),
        to_json(SAMPLE).replace(b'"value":null', b'"value":1e999'),
        to_json(SAMPLE).replace(b'"value":null', b'"value":' + b"[" * 100_000 + b"]" * 100_000),
        to_json(SAMPLE)[:-1],
        to_json(SAMPLE).replace(b"shop", b"sh\xffp"),
        b"",
        b"[]",
    ],
    ids=["doubled", "doubled within", "nan", "endless", "deep", "cut", "no utf-8", "empty", "list"],
)
def test_a_text_that_says_more_or_less_than_a_value_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed):
        from_json(Sample, text)


def test_half_a_surrogate_pair_goes_there_and_back() -> None:
    value = Sample(SAMPLE.address, NOW, note="\ud83d", value="\udc9f")
    assert from_json(Sample, to_json(value)) == value


def test_a_whole_float_is_the_same_as_its_integer() -> None:
    assert from_json(Sample, to_json(SAMPLE).replace(b'"value":null', b'"value":[1.0,2.5]')).value == (1, 2.5)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=strategies.of(RecordedSite))
def test_a_record_reads_back_equal(value: RecordedSite) -> None:
    assert from_json(RecordedSite, to_json(value)) == value
    assert from_plain(RecordedSite, json.loads(to_json(value))) == value


@given(value=strategies.json_values | st.just("\ud800"))
def test_any_json_value_reads_back_equal(value: Json) -> None:
    sample = Sample(SAMPLE.address, NOW, value=value)
    assert to_plain(from_json(Sample, to_json(sample))) == to_plain(sample)


@given(value=strategies.json_values | st.just("\ud800") | st.just({"b": "\udc9f", "a": 2.0}))
def test_any_layout_sorts_to_the_same_text(value: Json) -> None:
    plain = to_plain(Sample(SAMPLE.address, NOW, value=value))
    for text in (ascii_text(plain), ascii_text(plain, indent=2)):
        assert text.isascii()
        assert sorted_again(text.encode("ascii")) == sorted_json(plain)


@pytest.mark.parametrize("text", [b"", b"{", b'{"a": 1} 2', b"NaN", b"[" * 100_000])
def test_what_is_not_json_is_not_sorted(text: bytes) -> None:
    with pytest.raises(Malformed):
        sorted_again(text)


def test_plans_and_runs_read_and_write_json_only_with_the_codec() -> None:
    package = Path(reconciler.__file__).parent
    files = [file for layer in ("planner", "executor", "engine", "cli") for file in (package / layer).rglob("*.py")]
    assert len(files) > 100
    assert [file.name for file in files if re.search(r"^\s*(import|from) json\b", file.read_text("utf-8"), re.M)] == []


def types_within(hint: Any, seen: dict[Any, None]) -> None:
    """Every type that a document is made of."""
    if hint in seen:
        return
    if isinstance(hint, NewType):
        types_within(hint.__supertype__, seen)
        return
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        seen[hint] = None
        for inner in typing.get_type_hints(hint, include_extras=True).values():
            types_within(inner, seen)
        return
    if typing.get_origin(hint) is typing.Annotated or not typing.get_args(hint):
        seen[hint] = None
        return
    for inner in typing.get_args(hint):
        types_within(inner, seen)


def test_documents_are_made_of_strict_values_with_their_time_zones() -> None:
    seen: dict[Any, None] = {}
    for kind in (PlanDocument, RecordedSite):
        types_within(kind, seen)
    known = {str, int, bool, type(None), Ellipsis, Absent, Json, JsonObject, Address, Instant, date, time, timedelta}
    for hint in seen:
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            assert issubclass(hint, Struct), f"{hint.__name__} is not one of model/frozen.py"
            assert hint.__struct_config__.frozen, hint
        elif not (isinstance(hint, type) and issubclass(hint, Enum)):
            assert hint in known, hint
        else:
            assert all(" " not in member.value for member in hint), f"{hint.__name__} stores sentences"
