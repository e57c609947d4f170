"""A record reads back equal; what is corrupt or newer is refused and left as it is."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.machine import utc_now
from reconciler.model.address import Address, SiteName
from reconciler.model.canonical import Digest, JsonObject, freeze
from reconciler.model.codec import to_json
from reconciler.model.events import CalendarId, EventId
from reconciler.model.journal import OpenEntry, UnreadableCall
from reconciler.model.marketing_plan import Generate
from reconciler.model.notes import Scheduled
from reconciler.model.outcomes import Done
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.schedule import CancelPost, ReschedulePost, ScheduleOperation, SchedulePost
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
from reconciler.state.documents import to_bytes
from reconciler.state.errors import StateError
from reconciler.state.journal import SiteJournal, replayed
from reconciler.state.record import SiteLabel, SiteRecord, decode
from reconciler.state.sites import open_state
from reconciler.state.store import Log
from tests.journals import begin
from tests.strategies import of

SHOP = SiteRef(SiteName("shop"), "3f0c2a9e")
OTHER = SiteRef(SiteName("other"), "0c5a6f9a")
TEXTS = st.text(st.characters(), max_size=12)  # lone surrogates too: JSON can carry them
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-11))])
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=ZONES)  # noqa: DTZ001 - the zones are drawn
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
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
    known=st.booleans(),
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


def encode(recorded: RecordedSite) -> bytes:
    return to_bytes(SiteRecord(SiteLabel(SHOP.id, SHOP.name), recorded, written="0"))


@settings(deadline=None)
@given(RECORDS)
def test_a_record_reads_back_equal_and_to_the_same_bytes(recorded: RecordedSite) -> None:
    data = encode(recorded)
    assert decode(data, "x").recorded == recorded
    assert encode(decode(data, "x").recorded) == data


@settings(deadline=None, max_examples=60)
@given(RECORDS, st.data())
def test_a_record_cut_short_is_never_taken_for_one(recorded: RecordedSite, data: st.DataObject) -> None:
    whole = encode(recorded)
    cut = whole[: data.draw(st.integers(0, len(whole) - 3))]
    with pytest.raises(StateError, match="corrupt"):
        decode(cut, "records/3f0c2a9e.json")


def _edited(path: str, value: object) -> bytes:
    """A record with one member changed; `...` removes it."""
    entry = OpenEntry("e1", Address.parse("shop/marketing-plan"), Generate(), datetime(2026, 11, 23, tzinfo=UTC))
    published = PublishedPost(PostId("p"), Digest("d"), "FACEBOOK", None, datetime(2026, 11, 23, tzinfo=UTC))
    document = json.loads(encode(replace(NOTHING_RECORDED, open=(entry,), published=(published,))))
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
        (b"[]", "is corrupt (the document: it is not an object)"),
        (b"{}", "is corrupt (the document: it has no formatVersion)"),
        (b"<<<<<<< HEAD\n{}", "is corrupt"),
        (b"[" * 100_000, "is corrupt"),
        (encode(NOTHING_RECORDED).replace(b'"consumed"', b'"known": true, "consumed"'), "'known' is defined twice"),
        (_edited("formatVersion", True), "it has no formatVersion"),
        (_edited("formatVersion", "1"), "it has no formatVersion"),
        (_edited("formatVersion", 0), "it has no formatVersion"),
        (_edited("formatVersion", 3), "written by a newer version (format 3; this one reads up to 2)"),
        (_edited("site", ...), "missing required field `site`"),
        (_edited("site.id", 7), "site.id: expected `str`, got `int`"),
        (_edited("recorded", ...), "recorded: is missing"),
        (_edited("recorded.published", ...), "recorded.published: is missing"),
        (_edited("recorded.applied", None), "recorded.applied: expected `object`"),
        (_edited("recorded.foreignEvents", [1]), "recorded.foreignEvents[0]: expected `str`"),
        (_edited("recorded.foreignEvents", ["b", "a"]), "recorded.foreignEvents[0]: is not in canonical form"),
        (_edited("recorded.somethingNew", 1), "unknown field `somethingNew`"),
        (_edited("recorded.open.0.sent", 1), "recorded.open[0].sent: expected `bool`, got `int`"),
        (_edited("recorded.open.0.startedAt", "2026-11-23T10:00:00"), "recorded.open[0].startedAt: expected"),
        (_edited("recorded.published.0.times", True), "recorded.published[0].times: expected `int`, got `bool`"),
        (_edited("recorded.published.0.times", 1.0), "recorded.published[0].times: "),
    ],
)
def test_what_cannot_be_read_is_an_error_and_stays_as_it_is(tmp_path: Path, data: bytes, said: str) -> None:
    state = open_state("state", tmp_path, environ={}, now=utc_now)
    path = tmp_path / "state" / "records" / "3f0c2a9e.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    for use in (state.load, state.open_journal):
        with pytest.raises(StateError) as raised:
            asyncio.run(use(SHOP))
        assert said in str(raised.value)
        assert str(path) in str(raised.value)
        assert raised.value.fix
    assert path.read_bytes() == data


def test_one_corrupt_record_stops_only_its_own_site(tmp_path: Path) -> None:
    state = open_state("state", tmp_path, environ={}, now=utc_now)

    async def run() -> None:
        for site in (SHOP, OTHER):
            await (await state.open_journal(site)).close()
        (tmp_path / "state" / "records" / "3f0c2a9e.json").write_bytes(b"{")
        assert (await state.load(OTHER)).known
        assert [label.name for label in await state.labels()] == ["other"]
        assert await state.ids() == ("0c5a6f9a", "3f0c2a9e")

    asyncio.run(run())


def test_a_record_stored_under_the_id_of_another_site_is_an_error_of_that_site(tmp_path: Path) -> None:
    state, folder = open_state("state", tmp_path, environ={}, now=utc_now), tmp_path / "state"

    async def run() -> None:
        journal = await state.open_journal(SHOP)
        await begin(journal)
        open_calls = (await begin(journal), *journal.recorded.open)  # the second one is in the log, not the snapshot
        record = folder / "records" / f"{SHOP.id}.json"
        record.with_name(f"{OTHER.id}.json").write_bytes(record.read_bytes())
        for touch in (state.load, state.open_journal):
            with pytest.raises(StateError, match=r"0c5a6f9a\.json is the record of another site, shop \(3f0c2a9e\)"):
                await touch(OTHER)
        assert [label.id for label in await state.labels()] == [SHOP.id]
        assert set((await state.load(SHOP)).open) == set(open_calls)

    asyncio.run(run())


def test_a_site_is_known_by_its_id_whatever_its_name(tmp_path: Path) -> None:
    state = open_state("state", tmp_path, environ={}, now=utc_now)

    async def run() -> None:
        journal = await state.open_journal(SHOP)
        await journal.end(*await begin_one(journal), Done())
        await journal.close()
        renamed = SiteRef(SiteName("boutique"), SHOP.id.upper())
        assert await state.load(renamed) == journal.recorded
        assert [label.name for label in await state.labels()] == ["shop"]
        await (await state.open_journal(renamed)).close()
        assert [label.name for label in await state.labels()] == ["boutique"]
        assert await state.load(SiteRef(SHOP.name, "another")) is NOTHING_RECORDED

    asyncio.run(run())


async def begin_one(journal: SiteJournal) -> tuple[OpenEntry]:
    return (await begin(journal),)


@pytest.mark.parametrize("id", ["", "../escape", "a/b", "a.json", "\ud800", "x" * 65, ".hidden"])
def test_a_strange_id_is_an_error_of_its_site(tmp_path: Path, id: str) -> None:
    state = open_state("state", tmp_path, environ={}, now=utc_now)
    for use in (state.load, state.open_journal):
        with pytest.raises(StateError, match="is not the id of a site"):
            asyncio.run(use(SiteRef(SHOP.name, id)))
    assert not (tmp_path / "state").exists()


def test_the_ids_are_those_of_recorded_sites(tmp_path: Path) -> None:
    state = open_state("state", tmp_path, environ={}, now=utc_now)

    async def run() -> None:
        assert await state.ids() == ()
        for id in ("b", "a-b", "a"):
            await begin(await state.open_journal(SiteRef(SHOP.name, id)))
        (tmp_path / "state" / "records" / "notes.txt").write_text("mine")
        (tmp_path / "state" / "records" / "not an id.json").write_text("mine")
        assert await state.ids() == ("a", "a-b", "b")

    asyncio.run(run())


def test_a_record_moves_to_another_id_and_is_forgotten(tmp_path: Path) -> None:
    state = open_state("state", tmp_path, environ={}, now=utc_now)

    async def run() -> None:
        journal = await state.open_journal(SHOP)
        await begin(journal)
        await begin(journal)
        await state.move(SHOP, OTHER.id)
        assert await state.load(SHOP) is NOTHING_RECORDED
        assert (await state.load(OTHER)).open == journal.recorded.open
        with pytest.raises(StateError, match="does not exist"):
            await state.move(SHOP, "third")
        await (await state.open_journal(SHOP)).close()
        with pytest.raises(StateError, match=r"is already recorded.*state forget 0c5a6f9a"):
            await state.move(SHOP, OTHER.id)
        await state.forget(OTHER.id)
        await state.forget(OTHER.id)
        assert await state.ids() == (SHOP.id,)
        assert list((tmp_path / "state" / "journals").iterdir()) == []

    asyncio.run(run())


def test_a_call_of_a_later_version_is_kept_as_it_is() -> None:
    entry = OpenEntry("e1", Address.parse("shop/settings"), Generate(), datetime(2026, 11, 23, tzinfo=UTC))
    document = json.loads(encode(replace(NOTHING_RECORDED, open=(entry,))))
    document["recorded"]["open"][0]["operation"] = {"kind": "paint-the-town", "colour": "red"}
    (kept,) = decode(json.dumps(document).encode(), "x").recorded.open
    assert kept == replace(entry, operation=UnreadableCall("paint-the-town", JsonObject({"colour": "red"})))
    assert decode(encode(replace(NOTHING_RECORDED, open=(kept,))), "x").recorded.open == (kept,)


def test_a_record_has_the_members_without_which_earlier_programs_call_it_corrupt() -> None:
    assert json.loads(encode(RecordedSite()))["recorded"]["unkept"] == []


def test_a_published_post_from_before_time_zones_were_kept() -> None:
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    post = PublishedPost(PostId("p1"), Digest("sha256:1"), "INSTAGRAM", moment, moment)
    document = json.loads(encode(replace(NOTHING_RECORDED, published=(post,))))
    del document["recorded"]["published"][0]["zone"]
    assert decode(json.dumps(document).encode(), "x").recorded.published == (post,)


def test_what_was_kept_before_the_types_of_posts_were() -> None:
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    post = PublishedPost(PostId("p1"), Digest("sha256:1"), "INSTAGRAM", moment, moment)
    writes: tuple[ScheduleOperation, ...] = (
        SchedulePost(PostId("p1"), ActivityId("a1"), "INSTAGRAM", Digest("sha256:1")),
        ReschedulePost(PostId("p1"), ActivityId("a1"), "INSTAGRAM", Digest("sha256:1"), moment),
        CancelPost(PostId("p1"), ActivityId("a1"), "INSTAGRAM"),
    )
    entries = tuple(
        OpenEntry(f"e{n}", Address.parse("shop/draft[p1]"), write, moment) for n, write in enumerate(writes)
    )
    recorded = replace(NOTHING_RECORDED, published=(post,), open=entries)
    kept = encode(recorded)
    assert kept.count(b'"type":"POST"') + kept.count(b'"type": "POST"') == 4
    assert decode(re.sub(rb',\s*"type":\s*"POST"', b"", kept), "x").recorded == recorded


def test_a_note_of_a_post_from_before_types_were_kept() -> None:
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    post = PublishedPost(PostId("p1"), Digest("sha256:1"), "INSTAGRAM", moment, moment)
    line = to_json(Scheduled(post))
    log = Log((line.replace(b',"type":"POST"', b""),))
    assert b"POST" not in log.lines[0]
    assert replayed(decode(encode(NOTHING_RECORDED), "x"), log, "x").published == (post,)
