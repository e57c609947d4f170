"""Hypothesis strategies for our own values, built from the types themselves: a new field or operation is
drawn without anything being added here."""

from __future__ import annotations

import types
import typing
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import cache
from typing import Any, NewType

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import ABSENT, Absent, Digest, Json, JsonObject, digest_of, freeze
from reconciler.model.operations import Deferred, SitePart
from reconciler.planner.actions import Plan

site_names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,12}", fullmatch=True).map(SiteName)

addresses = st.builds(
    lambda site, kind, key: Address(site, kind, "" if kind is Kind.SITE else key),
    site_names,
    st.sampled_from(Kind),
    st.text(max_size=8),
)

instants = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001

json_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
).map(freeze)

digests = st.integers(0, 9).map(digest_of)

json_objects = st.dictionaries(st.text(max_size=4), json_values, max_size=2).map(JsonObject)

_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: st.integers(),
    bool: st.booleans(),
    type(None): st.none(),
    Absent: st.just(ABSENT),
    Json: json_values,
    JsonObject: json_objects,
    Address: addresses,
    datetime: instants,
    date: st.dates(),
    time: st.times(),
    timedelta: st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)),
}


def _rules(deferred: Deferred) -> tuple[Struct, ...]:
    """The rules of its part."""
    match deferred.part:
        case SitePart.ACTIVITIES:
            return deferred.activity_rules
        case SitePart.POSTS:
            return deferred.posts_rules
        case SitePart.SCHEDULE:
            return deferred.schedule_rules


def _of_its_rules(deferred: Deferred) -> Deferred:
    """With a rule that its part has."""
    return replace(deferred, rule=deferred.rule % len(_rules(deferred)))


@cache
def of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type, as an annotation gives it."""
    if hint is SiteName:
        return site_names
    if hint is Digest:
        return digests
    if isinstance(hint, NewType):
        return of(hint.__supertype__)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if isinstance(hint, type) and issubclass(hint, Struct):
        hints = typing.get_type_hints(hint)
        built: st.SearchStrategy[Any] = st.builds(hint, **{name: of(hints[name]) for name in hint.__struct_fields__})
        return built.filter(_rules).map(_of_its_rules) if hint is Deferred else built
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*(of(argument) for argument in arguments))
    if origin is tuple and arguments[1:] == (...,):
        return st.lists(of(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(of(argument) for argument in arguments))
    assert origin is frozenset, hint
    return st.frozensets(of(arguments[0]), max_size=2)


plans: st.SearchStrategy[Plan] = of(Plan)
