"""A record reads back equal; what is corrupt, newer or another site's is refused and left as it is."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model.address import Address, SiteName
from reconciler.model.canonical import Digest, JsonObject, freeze
from reconciler.model.events import CalendarId, EventId
from reconciler.model.journal import OpenEntry, UnreadableCall
from reconciler.model.operations import Done, Generate, SchedulePost
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.settings import Field
from reconciler.model.sites import (
    NOTHING_RECORDED,
    CreatedActivity,
    Inputs,
    PublishedPost,
    RecordedSite,
    RememberedSet,
    SiteRef,
)
from reconciler.state.document import SiteDocument, decode, encode
from reconciler.state.errors import StateError
from reconciler.state.sites import open_state
from tests.journals import begin
from tests.strategies import of

SHOP = SiteRef(SiteName("shop"), "3f0c2a9e")
TEXTS = st.text(st.characters(), max_size=12)  # lone surrogates too: JSON can carry them
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-11))])
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=ZONES)  # noqa: DTZ001 - the zones are drawn
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
).map(freeze)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=3).map(JsonObject)
INPUTS = st.builds(
    Inputs,
    st.lists(st.builds(Field, TEXTS, VALUES), max_size=3).map(tuple),
    st.lists(st.tuples(TEXTS, OBJECTS), max_size=2).map(tuple),
)
ACTIVITIES = TEXTS.map(ActivityId)
DIGESTS = TEXTS.map(Digest)


def many(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(one, max_size=2).map(tuple)


RECORDS = st.builds(
    RecordedSite,
    generated_from=st.none() | INPUTS,
    pending=st.none() | INPUTS,
    applied=INPUTS,
    event_ids=many(st.tuples(TEXTS, TEXTS.map(EventId))),
    foreign_calendars=st.frozensets(TEXTS.map(CalendarId), max_size=3),
    foreign_events=st.frozensets(TEXTS.map(EventId), max_size=3),
    sets=many(st.builds(RememberedSet, DIGESTS, st.frozensets(ACTIVITIES, max_size=3))),
    created=many(st.builds(CreatedActivity, ACTIVITIES, TEXTS, TIMES)),
    published=many(
        st.builds(
            PublishedPost,
            TEXTS.map(PostId),
            DIGESTS,
            TEXTS,
            st.none() | TIMES,
            TIMES,
            st.integers(1, 9),
            st.none() | TEXTS,
            st.none() | TEXTS,
        )
    ),
    consumed=many(st.tuples(ACTIVITIES, TEXTS, DIGESTS)),
    objects=many(st.tuples(TEXTS, OBJECTS)),
    open=many(of(OpenEntry)),
)


def test_every_member_of_a_record_is_in_its_document() -> None:
    assert set(json.loads(encode(SiteDocument(SHOP.name, SHOP.id, NOTHING_RECORDED)))) == {
        "formatVersion",
        "site",
        *(_camel(name) for name in RecordedSite.__struct_fields__),
    }


def _camel(name: str) -> str:
    name = {"generated_from": "in_force", "pending": "due"}.get(name, name)
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


@settings(deadline=None)
@given(RECORDS)
def test_a_record_reads_back_equal_and_to_the_same_bytes(recorded: RecordedSite) -> None:
    document = SiteDocument(SHOP.name, SHOP.id, recorded)
    data = encode(document)
    assert decode(data, "x") == document
    assert encode(decode(data, "x")) == data


@settings(deadline=None, max_examples=60)
@given(RECORDS, st.data())
def test_a_document_cut_short_is_never_taken_for_one(recorded: RecordedSite, data: st.DataObject) -> None:
    whole = encode(SiteDocument(SHOP.name, SHOP.id, recorded))
    cut = whole[: data.draw(st.integers(0, len(whole) - 2))]
    with pytest.raises(StateError, match="corrupt"):
        decode(cut, "sites/shop.json")


def _edited(path: str, value: object) -> bytes:
    """A document in which one member is another; ABSENT removes it."""
    entry = OpenEntry("e1", Address.parse("shop/marketing-plan"), Generate(), datetime(2026, 11, 23, tzinfo=UTC))
    published = PublishedPost(PostId("p"), Digest("d"), "FACEBOOK", None, datetime(2026, 11, 23, tzinfo=UTC))
    recorded = replace(NOTHING_RECORDED, open=(entry,), published=(published,))
    document = json.loads(encode(SiteDocument(SHOP.name, SHOP.id, recorded)))
    here: Any = document
    *before, last = path.split(".")
    for key in before:
        here = here[int(key)] if isinstance(here, list) else here[key]
    if value is ...:
        del here[last]
    else:
        here[last] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is corrupt"),
        (b"\x00\xff\xfe", "is corrupt"),
        (b"[]", "no object"),
        (b"{}", "no formatVersion"),
        (b"<<<<<<< HEAD\n{}", "is corrupt"),
        (b"[" * 100_000, "is corrupt"),
        (_edited("formatVersion", True), "no formatVersion"),
        (_edited("formatVersion", "1"), "no formatVersion"),
        (_edited("formatVersion", 0), "no formatVersion"),
        (_edited("formatVersion", 3), "newer reconciler (format 3, this one knows up to 2)"),
        (_edited("site", ...), "site is missing"),
        (_edited("site.id", 7), "site.id is a whole number, not a text"),
        (_edited("applied", None), "applied is no object"),
        (_edited("due", []), "due is no object"),
        (_edited("sets", {}), "sets is an object, not a list"),
        (_edited("foreignEvents", [1]), "foreignEvents holds what is no text"),
        (_edited("somethingNew", 1), "somethingNew is unknown"),
        (_edited("open.0.sent", 1), "open.0.sent: expected `bool`, got `int`"),
        (_edited("open.0.startedAt", "yesterday"), "open.0.startedAt: invalid RFC3339 encoded datetime"),
        (
            _edited("open.0.startedAt", "2026-11-23T10:00:00"),
            "open.0.startedAt: expected `datetime` with a timezone component",
        ),
        (_edited("published.0.times", True), "published.0.times is true or false, not a whole number"),
        (_edited("published.0.commit", 1), "published.0.commit is a whole number, not a text"),
        (_edited("published.0.extra", 1), "published.0.extra is unknown"),
    ],
)
def test_what_cannot_be_read_is_an_error_and_stays_as_it_is(tmp_path: Path, data: bytes, said: str) -> None:
    state = open_state("state", tmp_path, environ={})
    path = tmp_path / "state" / "sites" / "shop.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    for use in (state.load, state.open_journal):
        with pytest.raises(StateError) as raised:
            asyncio.run(use(SHOP))
        assert said in str(raised.value)
        assert str(path) in str(raised.value)
        assert raised.value.fix
    assert path.read_bytes() == data


def test_the_record_of_another_site_is_not_this_ones(tmp_path: Path) -> None:
    state = open_state("state", tmp_path, environ={})

    async def run() -> None:
        journal = await state.open_journal(SHOP)
        await journal.end(await begin(journal), Done())
        await state.load(SHOP)
        with pytest.raises(StateError, match=r"records the site 3f0c2a9e, but shop is now other.*move this file away"):
            await state.load(SiteRef(SHOP.name, "other"))

    asyncio.run(run())


def test_older_documents_are_brought_forward_step_by_step() -> None:
    document = SiteDocument(SHOP.name, SHOP.id, NOTHING_RECORDED)
    first = json.loads(encode(document))
    del first["consumed"], first["foreignEvents"]
    first["formatVersion"] = 1

    def to_second(members: dict[str, Any]) -> dict[str, Any]:
        return {**members, "consumed": []}

    def to_third(members: dict[str, Any]) -> dict[str, Any]:
        assert members["consumed"] == []
        return {**members, "foreignEvents": []}

    data = json.dumps(first).encode()
    assert decode(data, "x", version=3, migrations={1: to_second, 2: to_third}) == document
    with pytest.raises(StateError, match="format 2, which nothing brings forward"):
        decode(data, "x", version=3, migrations={1: to_second})


def test_names_are_those_of_recorded_sites(tmp_path: Path) -> None:
    state = open_state("state", tmp_path, environ={})

    async def run() -> None:
        assert await state.names() == ()
        for name in ("b", "a-b", "a"):
            journal = await state.open_journal(SiteRef(SiteName(name), name))
            await begin(journal)
        (tmp_path / "state" / "sites" / "notes.txt").write_text("mine")
        (tmp_path / "state" / "sites" / "Not a name.json").write_text("mine")
        assert await state.names() == ("a", "a-b", "b")

    asyncio.run(run())


# --- journals of other versions ----------------------------------------------------------------------

OLD_ENTRY = {
    "id": "e1",
    "address": "shop/draft[p1]",
    "call": "schedule-post",
    "startedAt": "2026-11-23T10:00:00+00:00",
    "facts": {"post": "p1", "activity": "a1", "digest": "sha256:1", "channel": "GBP", "at": None},
    "sent": False,
    "unknown": "lost",
}


def _of_format_1(*entries: dict[str, Any]) -> bytes:
    document = json.loads(encode(SiteDocument(SHOP.name, SHOP.id, NOTHING_RECORDED)))
    return json.dumps({**document, "formatVersion": 1, "open": entries}).encode()


def test_a_call_that_format_1_noted_is_the_operation_it_was() -> None:
    (entry,) = decode(_of_format_1(OLD_ENTRY), "x").recorded.open
    scheduling = SchedulePost(PostId("p1"), ActivityId("a1"), "GBP", Digest("sha256:1"))
    begun = datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert entry == OpenEntry("e1", Address.parse("shop/draft[p1]"), scheduling, begun, unknown="lost")


@pytest.mark.parametrize("facts", [None, "odd", {}, {"post": 1}, {"post": "p1", "activity": "a1", "at": "soon"}])
def test_a_call_of_format_1_that_does_not_say_what_it_was_stays_open_at_its_object(facts: object) -> None:
    (entry,) = decode(_of_format_1({**OLD_ENTRY, "facts": facts}), "x").recorded.open
    assert isinstance(entry.operation, UnreadableCall)
    assert (entry.call, entry.address) == ("schedule-post", "shop/draft[p1]")


@pytest.mark.parametrize("broken", [{"address": "?"}, {"startedAt": "soon"}, {"id": 1}, {"sent": "yes"}])
def test_an_entry_that_format_1_never_wrote_is_corrupt(broken: dict[str, object]) -> None:
    with pytest.raises(StateError, match="corrupt"):
        decode(_of_format_1({**OLD_ENTRY, **broken}), "x")


def test_a_call_of_a_later_version_is_kept_as_it_is() -> None:
    entry = OpenEntry("e1", Address.parse("shop/settings"), Generate(), datetime(2026, 11, 23, tzinfo=UTC))
    recorded = replace(NOTHING_RECORDED, open=(entry,))
    document = json.loads(encode(SiteDocument(SHOP.name, SHOP.id, recorded)))
    document["open"][0]["operation"] = {"kind": "paint-the-town", "colour": "red"}
    (kept,) = decode(json.dumps(document).encode(), "x").recorded.open
    assert kept == replace(entry, operation=UnreadableCall("paint-the-town", JsonObject({"colour": "red"})))
    again = encode(SiteDocument(SHOP.name, SHOP.id, replace(recorded, open=(kept,))))
    assert decode(again, "x").recorded.open == (kept,)
