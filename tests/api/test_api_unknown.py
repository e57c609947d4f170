"""How unexpected answers are treated: each test is named after its rule (remote-api.md 17)."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from reconciler.api import routes
from reconciler.api.decoding import LARGEST
from reconciler.api.endpoints import Endpoints
from reconciler.api.errors import ApiError, ErrorKind
from reconciler.api.events import EventReads
from reconciler.api.limits import Timeouts
from reconciler.api.shapes import ListShape, ObjectShape, listed, opened
from reconciler.api.transport import FullTransport
from reconciler.api.values import Unreadable
from reconciler.model.canonical import Digest, freeze, freeze_object
from reconciler.model.events import EventId
from reconciler.model.frozen import instant
from reconciler.model.marketing_plan import NO_STATUS, Generate, MarketingPlan
from reconciler.model.outcomes import Done, NotDone, Unknown
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.schedule import CancelPost, SchedulePost
from reconciler.model.settings import MarketingSettings, UpdateSettings
from reconciler.model.sites import SiteRef
from reconciler.model.writes import FieldChange
from tests.api.bench import NOW, Bench, FakeClock, Step, ok, refused, remote

Read = Callable[[Endpoints, SiteRef], Awaitable[object]]

OBJECTS: dict[str, Read] = {
    "plan": lambda ask, site: ask.marketing_plan(site),
    "settings": lambda ask, site: ask.settings(site),
    "item": lambda ask, site: ask.item(site, PostId("p")),
    "properties": lambda ask, site: ask.properties(site),
    "channel": lambda ask, site: ask.channel_status(site, "INSTAGRAM"),
}
LISTS: dict[str, Read] = {
    "events": lambda ask, site: EventReads(ask).page(site, NOW, NOW),
    "posts": lambda ask, site: ask.activity_posts(site, (ActivityId("a"),)),
    "items": lambda ask, site: ask.items(site, (PostId("p"),)),
    "accounts": lambda ask, site: ask.accounts(site, "INSTAGRAM"),
    "features": lambda ask, site: ask.features(site, ("SCHEDULE_POST",)),
    "urls": lambda ask, site: ask.published(site),
    "sites": lambda ask, site: ask.sites(site),
}
READS = {**OBJECTS, **LISTS}
OTHERS: dict[str, Read] = {
    "calendars": lambda ask, site: ask.calendars(site),
    "display name": lambda ask, site: ask.display_name(site),
}
ENVELOPE = {"message": "went wrong", "details": {"applicationError": {"code": "OH_NO", "description": "went wrong"}}}
NOTHING: dict[str, httpx.Response] = {
    "empty": httpx.Response(200, headers={"x-wix-request-id": "r-1"}),
    "204": httpx.Response(204, headers={"x-wix-request-id": "r-1"}),
    "null": httpx.Response(200, text="null", headers={"x-wix-request-id": "r-1"}),
    "list": httpx.Response(200, text="[]", headers={"x-wix-request-id": "r-1"}),
    "text": httpx.Response(200, text="fine", headers={"x-wix-request-id": "r-1"}),
    "html": httpx.Response(200, text="<html>", headers={"x-wix-request-id": "r-1"}),
    "envelope": ok(ENVELOPE),
    "message": ok({"message": ""}),
    "details": ok({"message": "x", "details": {}}),
    "unknown wrapper": ok({"data": {"status": "ACTIVE", "settings": {}, "language": "en", "events": [], "items": []}}),
    "unknown list": ok({"results": []}),
    "strange": ok({"version": 3}),
}


def ask(bench: Bench, read: Read, *steps: Step) -> object:
    async def asking() -> object:
        return await read(bench.client(remote(*steps)).endpoints, bench.site)

    return asyncio.run(asking())


@pytest.mark.parametrize("answer", NOTHING)
@pytest.mark.parametrize("read", READS)
def test_rule_17_1_an_answer_that_is_not_understood_is_an_error_and_never_nothing(
    bench: Bench, read: str, answer: str
) -> None:
    with pytest.raises(ApiError) as caught:
        ask(bench, READS[read], NOTHING[answer])
    error = caught.value
    assert error.kind is ErrorKind.UNREADABLE
    for part in (error.method, error.path, "r-1", "expected"):
        assert part in str(error)


def test_every_read_is_in_the_tables_below() -> None:
    methods = [name for name in vars(Endpoints) if not name.startswith("_") and name != "raw"]
    assert len(methods) == len({*READS, *OTHERS})


R_1 = {"x-wix-request-id": "r-1"}
NEVER_READ = {name: NOTHING[name] for name in ("empty", "204", "null", "list", "text", "html", "envelope", "message")}
NEVER_READ_WHOLE = {
    "too deep": httpx.Response(200, text='{"settings": ' + '{"a": ' * 80 + "1" + "}" * 81, headers=R_1),
    "too long": httpx.Response(200, content=b" " * (LARGEST + 1), headers=R_1),
    "packed otherwise": httpx.Response(200, content=b"{}", headers={**R_1, "content-encoding": "br"}),
}


@pytest.mark.parametrize(
    ("read", "answer"),
    [(read, answer) for read in (*READS, *OTHERS) for answer in NEVER_READ]
    + [("settings", answer) for answer in NEVER_READ_WHOLE],
)
def test_an_unreadable_answer_names_the_route_the_request_id_and_what_was_expected(
    bench: Bench, read: str, answer: str
) -> None:
    with pytest.raises(ApiError) as caught:
        ask(bench, {**READS, **OTHERS}[read], {**NEVER_READ, **NEVER_READ_WHOLE}[answer])
    error = caught.value
    assert error.kind is ErrorKind.UNREADABLE
    assert f"{error.method} {error.path}" in str(error)
    assert "(request id r-1)" in str(error)
    assert "report the request id" in str(error)
    assert re.search("expected|should", error.message)


MISSHAPEN: dict[str, list[object]] = {
    "plan": [
        {"status": 3},
        {"status": "ACTIVE", "marketingActivities": 3},
        {"status": "ACTIVE", "marketingActivities": [3]},
        {"status": "ACTIVE", "marketingActivities": [{}]},
        {"status": "ACTIVE", "marketingActivities": [{"id": "a"}]},
        {"status": "ACTIVE", "marketingActivities": [{"id": "a", "date": "soon"}]},
        {"marketingActivities": [{"id": "a", "date": "2026-12-01T09:00:00Z"}]},
        {"status": "ACTIVE", "plan": {"status": "ACTIVE"}},
        {"status": "ACTIVE", "acts": [{}]},
        {"status": "ACTIVE", "hasNext": True},
    ],
    "settings": [
        {"settings": 3},
        {"overrides": []},
        {"settings": {"topics": 3}},
        {"settings": {"id": "s", "settings": {"topics": {}}}},
        {"settings": {"overrides": {}}},
    ],
    "events": [{"events": 3}, {"events": [{}]}, {"events": [{"id": "e", "date": 5}]}, {"hasNext": True}],
    "posts": [{"marketingActivities": [{"items": []}]}, {"marketingActivities": [{"id": "a", "items": 3}]}],
    "items": [{"items": [{}]}, {"items": [{"id": "p", "status": 3}]}, {"hasNext": True}],
    "item": [{"item": {"id": 3}}, {"item": {}}],
    "accounts": [{"accounts": [{"channelName": 3}]}, {"accounts": [], "total": 2}],
    "features": [{"features": [{}]}, {"features": [], "monetizationEnabled": "yes"}],
    "properties": [{"properties": {"timeZone": 3}}],
    "channel": [{"status": []}],
    "urls": [{"urls": "none"}],
    "sites": [{"sites": [{}]}, {"sites": [], "metadata": {"hasNext": True}}],
    "calendars": [{"options": [{"id": 3}]}],
}


@pytest.mark.parametrize(("read", "body"), [(read, body) for read, bodies in MISSHAPEN.items() for body in bodies])
def test_a_misshapen_answer_names_the_route_the_request_id_and_what_was_expected(
    bench: Bench, read: str, body: object
) -> None:
    with pytest.raises(ApiError) as caught:
        ask(bench, {**READS, **OTHERS}[read], ok(body))
    error = caught.value
    assert error.kind is ErrorKind.UNREADABLE
    assert f"{error.method} {error.path}" in str(error)
    assert "(request id r-1)" in str(error)
    assert re.search("expected|should", error.message)


def test_an_answer_without_a_request_id_says_so(bench: Bench) -> None:
    with pytest.raises(ApiError) as caught:
        ask(bench, READS["plan"], httpx.Response(200, text="[]"))
    assert "report the time of the request: the response has no id" in str(caught.value)
    assert "request id" not in str(caught.value)


ACTIVE: dict[str, object] = {"status": "ACTIVE", "marketingActivities": []}


@pytest.mark.parametrize(
    "body",
    [
        {"message": "gone", "status": "INACTIVE"},
        {"message": "", "details": {}, **ACTIVE},
        {"message": "no", "plan": ACTIVE},
        {"message": "no", "details": ACTIVE},
        {**ENVELOPE, "status": "FAILED"},
        {**ENVELOPE, "marketingPlan": ACTIVE},
        {"details": ENVELOPE["details"], **ACTIVE},
        {"error": "not_found", **ACTIVE},
        {"error": {"code": 5}, "status": "NEVER_CREATED"},
        {"plan": {"message": "no", "status": "NEVER_CREATED"}},
        {"plan": {**ENVELOPE, **ACTIVE}},
    ],
    ids=str,
)
def test_rule_17_1_an_error_with_something_like_a_plan_in_it_is_an_error(bench: Bench, body: object) -> None:
    with pytest.raises(ApiError, match="expected a marketing plan, got an error") as caught:
        ask(bench, OBJECTS["plan"], ok(body))
    assert caught.value.request_id == "r-1"


@pytest.mark.parametrize("read", OBJECTS)
def test_rule_17_1_an_empty_object_is_not_a_plan_settings_or_a_post(bench: Bench, read: str) -> None:
    with pytest.raises(ApiError, match="got an empty object"):
        ask(bench, OBJECTS[read], ok({}))


@pytest.mark.parametrize("read", LISTS)
def test_rule_17_1_an_empty_object_is_an_empty_list(bench: Bench, read: str) -> None:
    found = ask(bench, LISTS[read], ok({}))
    assert not getattr(found, "events", found)


@pytest.mark.parametrize("source", [{"marketingSettings": {}}, {"marketingSettings": None}, {"createdAt": "x"}])
def test_rule_17_1_settings_without_any_known_member_are_not_understood(bench: Bench, source: object) -> None:
    with pytest.raises(ApiError, match="expected marketing settings"):
        ask(bench, OBJECTS["settings"], ok(source))


@pytest.mark.parametrize("strange", ["x", 7, ["a"], True])
@pytest.mark.parametrize("path", ["settings.topics", "settings.businessProfile", "settings.marketingPlanGoal"])
def test_rule_17_1_a_setting_that_should_have_members_stops_the_site(bench: Bench, path: str, strange: object) -> None:
    """A write is merged into this object, so its other members would be lost."""
    name = path.partition(".")[2]
    with pytest.raises(ApiError, match=rf"{path} should be an object"):
        ask(bench, OBJECTS["settings"], ok({"settings": {name: strange, "language": "en"}}))


def test_rule_13_1_12_a_new_member_next_to_the_overrides_of_tools_is_kept_whatever_it_is(bench: Bench) -> None:
    overrides = {"revision": 3, "notes": ["x"], "blogs": {}}
    found = ask(bench, OBJECTS["settings"], ok({"settings": {"language": "en"}, "overrides": overrides}))
    assert isinstance(found, MarketingSettings)
    assert found.overrides == freeze_object(overrides)


@pytest.mark.parametrize("overrides", [{"blogs": 3}, {"blogs": {"frequency": "WEEK"}}])
def test_rule_17_1_an_override_in_another_shape_stops_the_site(bench: Bench, overrides: object) -> None:
    with pytest.raises(ApiError, match=r"overrides\.blogs.* should be an object"):
        ask(bench, OBJECTS["settings"], ok({"settings": {"language": "en"}, "overrides": overrides}))


@pytest.mark.parametrize(("activities", "shown"), [([], True), (None, False)])
def test_rule_17_1_null_shows_no_more_than_what_is_left_out(bench: Bench, activities: object, shown: bool) -> None:
    plan: Any = ask(bench, OBJECTS["plan"], ok({"status": "ACTIVE", "marketingActivities": activities}))
    assert (plan.activities, plan.shows_activities) == ((), shown)


def test_rule_17_1_a_plan_without_a_written_status_is_not_said_to_have_never_been_created(bench: Bench) -> None:
    plan: Any = ask(bench, OBJECTS["plan"], ok({"marketingActivities": []}))
    assert plan.status == NO_STATUS


def test_rule_17_1_activities_under_another_key_are_not_no_activities(bench: Bench) -> None:
    activity = {"marketingActivityId": "b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4d30", "date": "2026-12-01T09:00:00Z"}
    with pytest.raises(ApiError, match="expected marketingActivities in response, got a list that is called acts"):
        ask(bench, OBJECTS["plan"], ok({"status": "ACTIVE", "acts": [activity]}))
    plan: Any = ask(bench, OBJECTS["plan"], ok({"status": "ACTIVE", "acts": [], "tags": ["new"]}))
    assert not plan.shows_activities


def test_rule_17_1_new_keys_beside_known_ones_are_ignored(bench: Bench) -> None:
    plan: Any = ask(bench, OBJECTS["plan"], ok({"id": "x", "status": "ACTIVE", "colour": "red", "plan": {"id": "x"}}))
    assert plan.status == "ACTIVE"
    assert not plan.shows_activities


def test_rule_17_1_the_same_in_two_places_is_not_understood(bench: Bench) -> None:
    inner = {"status": "ACTIVE", "marketingActivities": []}
    for body in ({"status": "ACTIVE", "plan": inner}, {"marketingPlan": inner, "plan": inner}):
        with pytest.raises(ApiError, match="expected a marketing plan in one place, got several"):
            ask(bench, OBJECTS["plan"], ok(body))
    with pytest.raises(ApiError, match="in several places"):
        ask(bench, LISTS["events"], ok({"events": [], "calendarEvents": []}))


def test_rule_17_1_a_null_in_a_list_is_not_ignored(bench: Bench) -> None:
    with pytest.raises(ApiError, match=r"events\[0\] should be an object"):
        ask(bench, LISTS["events"], ok({"events": [None]}))


def test_rule_17_1_every_list_of_keys_is_closed() -> None:
    with pytest.raises(Unreadable):
        opened({"other": {"id": "x"}}, ObjectShape("a thing", ("thing",), frozenset({"id"})))
    with pytest.raises(Unreadable):
        listed({"others": []}, ListShape("things", ("things",)))


# --- 17.2 ------------------------------------------------------------------------------------------

MORE: list[dict[str, object]] = [
    {"hasNext": True},
    {"metadata": {"hasNext": True}},
    {"pagingMetadata": {"hasNext": True}},
    {"pagingMetadata": {"cursors": {"next": "c1"}}},
    {"metadata": {"cursors": {"next": "c1"}, "count": 1}},
    {"nextCursor": "c1"},
    {"cursor": "c1"},
    {"cursorPaging": {"cursor": "c1"}},
    {"hasMore": True},
    {"truncated": True},
    {"total": 2},
    {"totalCount": "2"},
    {"pagingMetadata": {"count": 1, "total": 2}},
]
ONE_ACTIVITY = {"marketingActivityId": "a", "date": "2026-12-01T00:00:00Z"}


def test_rule_17_1_an_activity_that_is_listed_twice_is_there_once_or_not_understood(bench: Bench) -> None:
    twice = {"status": "ACTIVE", "marketingActivities": [ONE_ACTIVITY, ONE_ACTIVITY]}
    live = ask(bench, OBJECTS["plan"], ok(twice))
    assert isinstance(live, MarketingPlan)
    assert [activity.id for activity in live.activities] == ["a"]
    twice["marketingActivities"] = [ONE_ACTIVITY, {**ONE_ACTIVITY, "title": "Another"}]
    with pytest.raises(ApiError, match="expected each activity once, got a twice with different contents"):
        ask(bench, OBJECTS["plan"], ok(twice))


def test_rule_17_1_a_post_that_is_listed_twice_is_there_once_or_not_understood(bench: Bench) -> None:
    """An approvals file with it twice could not be read again."""
    post = {"id": "p1", "status": "DRAFT", "facebookPost": {"caption": "hello"}}

    def plan_with(*activities: object) -> dict[str, object]:
        shown = (
            {**ONE_ACTIVITY, "marketingActivityId": f"a{number}", "items": items}
            for number, items in enumerate(activities)
        )
        return {"status": "ACTIVE", "marketingActivities": list(shown)}

    live = ask(bench, OBJECTS["plan"], ok(plan_with([post, post])))
    assert isinstance(live, MarketingPlan)
    assert [post.id for post in live.activities[0].posts] == ["p1"]
    with pytest.raises(ApiError, match="expected each post once, got p1 twice with different contents"):
        ask(bench, OBJECTS["plan"], ok(plan_with([post, {**post, "status": "SCHEDULED"}])))
    with pytest.raises(ApiError, match="expected each post in one activity, got p1 in two"):
        ask(bench, OBJECTS["plan"], ok(plan_with([post], [post])))


@pytest.mark.parametrize("sign", MORE, ids=str)
def test_rule_17_2_a_list_that_says_there_is_more_is_not_taken_for_all_of_it(
    bench: Bench, sign: dict[str, object]
) -> None:
    plan = {"status": "ACTIVE", "marketingActivities": [ONE_ACTIVITY]}
    for read, body in (
        (OBJECTS["plan"], plan),
        (LISTS["posts"], {"marketingActivities": [ONE_ACTIVITY]}),
        (LISTS["accounts"], {"accounts": [{"channelName": "X"}]}),
    ):
        with pytest.raises(ApiError, match="there are more") as caught:
            ask(bench, read, ok({**body, **sign}))
        assert caught.value.kind is ErrorKind.UNREADABLE
    with pytest.raises(ApiError, match="there are more"):
        ask(bench, OBJECTS["plan"], ok({"plan": {**plan, **sign}}))


@pytest.mark.parametrize(
    "sign",
    [{}, {"hasNext": False}, {"total": 1}, {"pagingMetadata": {"count": 1, "total": 1, "cursors": {"next": ""}}}],
    ids=str,
)
def test_rule_17_2_a_list_that_is_whole_is_taken_as_such(bench: Bench, sign: dict[str, object]) -> None:
    plan: Any = ask(bench, OBJECTS["plan"], ok({"status": "ACTIVE", "marketingActivities": [ONE_ACTIVITY], **sign}))
    assert len(plan.activities) == 1


def test_rule_17_2_items_are_read_on_by_offset(bench: Bench) -> None:
    posts = [{"id": f"p{n}", "status": "DRAFT"} for n in range(3)]
    side = remote(
        ok({"items": posts[:2], "pagingMetadata": {"count": 2, "offset": 0, "total": 3, "hasNext": True}}),
        ok({"items": posts[2:], "pagingMetadata": {"count": 1, "offset": 2, "total": 3, "hasNext": False}}),
    )
    found = asyncio.run(bench.client(side).endpoints.items(bench.site, [PostId("p0")]))
    assert [post.id for post in found] == ["p0", "p1", "p2"]
    assert json.loads(side.requests[1].content)["query"]["paging"] == {"limit": 50, "offset": 2}


def test_rule_17_2_items_whose_next_page_is_empty_are_an_error(bench: Bench) -> None:
    page = ok({"items": [{"id": "p"}], "pagingMetadata": {"hasNext": True}})
    with pytest.raises(ApiError, match="next page has none"):
        ask(bench, LISTS["items"], page, ok({"items": [], "pagingMetadata": {"hasNext": True}}))


def test_rule_17_2_more_sites_without_a_cursor_are_an_error(bench: Bench) -> None:
    with pytest.raises(ApiError, match="expected a cursor for the next page of sites"):
        ask(bench, LISTS["sites"], ok({"sites": [{"id": "s"}], "metadata": {"hasNext": True}}))


def test_rule_17_2_events_that_say_there_are_more_are_read_by_a_narrower_range(bench: Bench) -> None:
    days = {f"e{n}": NOW + timedelta(days=n) for n in range(5)}

    def two_at_a_time(request: httpx.Request) -> httpx.Response:
        bounds = json.loads(request.content)["query"]["filter"]["date"]
        inside = [
            {"id": event, "date": instant(day)}
            for event, day in days.items()
            if bounds["$gte"] <= instant(day) <= bounds["$lte"]
        ]
        return ok({"events": inside[:2], "hasNext": len(inside) > 2})

    events = asyncio.run(EventReads(bench.client(two_at_a_time).endpoints).within_reach(bench.site, NOW))
    assert {event.id for event in events} == days.keys()


def test_more_than_a_hundred_events_within_minutes_are_all_found(bench: Bench) -> None:
    days = [NOW + timedelta(seconds=n) for n in range(150)]

    def side(request: httpx.Request) -> httpx.Response:
        bounds = json.loads(request.content)["query"]["filter"]["date"]
        inside = [
            {"id": f"e{n}", "date": instant(day)}
            for n, day in enumerate(days)
            if bounds["$gte"] <= instant(day) <= bounds["$lte"]
        ]
        return ok({"events": inside[:100]})

    events = asyncio.run(EventReads(bench.client(side).endpoints).within_reach(bench.site, NOW))
    assert {event.id for event in events} == {EventId(f"e{n}") for n in range(150)}


# --- 17.4, 17.6, 17.9 ------------------------------------------------------------------------------


def test_rule_17_4_a_mask_has_paths_of_the_forms_that_were_seen_and_whole_fields(bench: Bench) -> None:
    live = MarketingSettings(
        settings=freeze_object({"topics": {"included": ["a"], "excluded": ["b"], "coreTopic": "c"},
                         "marketingPlanGoal": {"customGoal": "more", "since": 2020}}),
        overrides=freeze_object({"blogs": {"frequency": {"interval": "WEEK", "count": 1, "days": ["MON"]}}}),
    )  # fmt: skip
    changes = (
        FieldChange("settings.topics.excluded", ("b",), None),
        FieldChange("settings.marketingPlanGoal", None, freeze({"goalKey": "BOOST_SALES"})),
        FieldChange("settings.toneOfVoice", None, "warm"),
        FieldChange("overrides.blogs.frequency", None, freeze({"interval": "MONTH", "count": 2})),
    )
    side = remote(ok({}))
    operation = UpdateSettings(changes).merged_into(live)
    asyncio.run(bench.client(side).writer().perform(bench.site, [operation]))
    assert json.loads(side.requests[0].content) == {
        "fieldMask": "overrides.blogs.frequency,settings.marketingPlanGoal,settings.toneOfVoice,settings.topics",
        "marketingSettings": {
            "settings": {
                "topics": {"included": ["a"], "excluded": None, "coreTopic": "c"},
                "marketingPlanGoal": {"goalKey": "BOOST_SALES", "since": 2020},
                "toneOfVoice": "warm",
            },
            "overrides": {"blogs": {"frequency": {"interval": "MONTH", "count": 2, "days": ["MON"]}}},
        },
    }


def test_rule_17_6_the_last_consistency_token_of_a_site_is_sent_with_what_follows_there(bench: Bench) -> None:
    side = remote(
        ok({"status": "GENERATING"}, 200, **{"X-Wix-Consistent": "t1"}),
        ok({"language": "en"}),
        refused(400, "X", "no", **{"x-wix-consistent": "t2"}),
        ok({"language": "en"}),
    )
    other = SiteRef(bench.site.name, "another-id")

    async def work() -> None:
        client = bench.client(side)
        await client.writer().perform(bench.site, [Generate()])
        await client.endpoints.settings(bench.site)
        with pytest.raises(ApiError):
            await client.endpoints.settings(bench.site)
        await client.endpoints.settings(bench.site)
        await client.endpoints.settings(other)

    asyncio.run(work())
    assert [request.headers.get("x-wix-consistent") for request in side.requests] == [None, "t1", "t1", "t2", None]


@pytest.mark.parametrize("token", ["", "x" * 5000, "caf\u00e9", "a\tb"], ids=["empty", "long", "not ascii", "control"])
def test_rule_17_6_a_consistency_token_that_cannot_be_one_is_not_sent_on(bench: Bench, token: str) -> None:
    header = [(b"x-wix-consistent", token.encode("latin-1"))]
    side = remote(httpx.Response(200, json={"language": "en"}, headers=header), ok({"language": "en"}))

    async def work() -> None:
        client = bench.client(side)
        await client.endpoints.settings(bench.site)
        await client.endpoints.settings(bench.site)

    asyncio.run(work())
    assert [request.headers.get("x-wix-consistent") for request in side.requests] == [None, None]


@pytest.mark.parametrize(("trouble", "attempts"), [(refused(429), 5), (refused(503), 5), (httpx.ConnectError("no"), 3)])
def test_a_read_is_tried_so_many_times_and_no_more(bench: Bench, trouble: Step, attempts: int) -> None:
    side = remote(*[trouble] * 9)
    with pytest.raises(ApiError):
        asyncio.run(bench.client(side).endpoints.settings(bench.site))
    assert len(side.requests) == attempts


@pytest.mark.parametrize("status", [200, 201, 202, 203])
def test_rule_17_9_any_2xx_is_a_success_and_is_not_repeated(bench: Bench, status: int) -> None:
    side = remote(ok({}, status))
    change = UpdateSettings((FieldChange("settings.toneOfVoice", None, "warm"),))
    (outcome,) = asyncio.run(bench.client(side).writer().perform(bench.site, [change]))
    assert isinstance(outcome, Done)
    assert len(side.requests) == 1


def test_rule_17_9_a_412_is_a_precondition_like_428(bench: Bench) -> None:
    side = remote(refused(412, "INELIGIBLE_FOR_FEATURE"))
    operation = SchedulePost(PostId("p"), ActivityId("a"), "INSTAGRAM", Digest(""))
    (outcome,) = asyncio.run(bench.client(side).writer().perform(bench.site, [operation]))
    assert isinstance(outcome, NotDone)
    assert (outcome.skipped, len(side.requests)) == (True, 1)


def test_rule_17_9_a_409_on_cancel_is_skipped(bench: Bench) -> None:
    side = remote(refused(409, "ABORTED"))
    (outcome,) = asyncio.run(
        bench.client(side).writer().perform(bench.site, [CancelPost(PostId("p"), ActivityId("a"), "INSTAGRAM")])
    )
    assert isinstance(outcome, NotDone)
    assert (outcome.skipped, len(side.requests)) == (True, 1)


def test_rule_17_9_a_reference_id_that_exists_means_that_the_post_may_be_there(bench: Bench) -> None:
    side = remote(refused(409, "REFERENCE_ID_ALREADY_EXIST"))
    operation = SchedulePost(PostId("p"), ActivityId("a"), "INSTAGRAM", Digest(""), at=NOW)
    (outcome,) = asyncio.run(bench.client(side).writer().perform(bench.site, [operation]))
    assert isinstance(outcome, Unknown)  # so that it is looked for, and not made again
    assert len(side.requests) == 1


# --- bounds of an answer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "member",
    [
        {"id": "e", "date": "0001-01-01T00:00:00Z"},
        {"id": "e", "date": "1899-12-31T00:00:00Z"},
        {"id": "e", "date": "9999-12-31T00:00:00Z"},
        {"id": "e" * 129},
        {"id": "e\n"},
        {"id": "e f"},
        {"id": "\u202e"},
        {"id": ""},
        {"id": 7},
    ],
    ids=str,
)
def test_dates_and_ids_out_of_range_are_not_understood(bench: Bench, member: object) -> None:
    with pytest.raises(ApiError) as caught:
        ask(bench, LISTS["events"], ok({"events": [member]}))
    assert caught.value.kind is ErrorKind.UNREADABLE


@pytest.mark.parametrize("number", [2**53 + 1, "99999999999999999", -(2**60), 1.5, True, "seven"])
def test_numbers_out_of_range_are_not_understood(bench: Bench, number: object) -> None:
    quota = {"type": "SCHEDULE_POST", "quotaInfo": {"limit": number, "currentUsage": 1}}
    with pytest.raises(ApiError) as caught:
        ask(bench, LISTS["features"], ok({"features": [quota]}))
    assert caught.value.kind is ErrorKind.UNREADABLE


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd", "deflate", "gzip, identity, br"])
def test_one_content_encoding_and_no_other_is_taken(bench: Bench, encoding: str) -> None:
    side = remote(lambda _: httpx.Response(200, headers={"content-encoding": encoding}, stream=httpx.ByteStream(b"{}")))
    with pytest.raises(ApiError, match="content encoding") as caught:
        asyncio.run(bench.client(side).endpoints.settings(bench.site))
    assert caught.value.kind is ErrorKind.UNREADABLE
    assert len(side.requests) == 1


class Trickle(httpx.AsyncByteStream):
    """A body that comes a byte at a time, without end."""

    async def __aiter__(self) -> Any:
        while True:
            yield b" "
            await asyncio.sleep(0)


def test_an_answer_that_does_not_end_is_given_up_on_and_not_asked_for_again(clock: FakeClock, site: SiteRef) -> None:
    side = remote(lambda _: httpx.Response(200, stream=Trickle()))
    bench = Bench(clock, site, Timeouts(whole=0.02))
    with pytest.raises(ApiError, match="did not end within") as caught:
        asyncio.run(bench.client(side).endpoints.settings(site))
    assert caught.value.kind is ErrorKind.UNREADABLE
    assert len(side.requests) == 1
    (outcome,) = asyncio.run(bench.client(side).writer().perform(site, [Generate()]))
    assert isinstance(outcome, Unknown)


class Slow(httpx.AsyncByteStream):
    """A body of two bytes with a pause before them."""

    async def __aiter__(self) -> Any:
        await asyncio.sleep(0.005)
        yield b"{}"


def test_the_head_of_an_answer_takes_from_the_time_of_the_whole(clock: FakeClock, site: SiteRef) -> None:
    def late(_: httpx.Request) -> httpx.Response:
        time.sleep(0.06)
        return httpx.Response(200, stream=Slow())

    client = Bench(clock, site, Timeouts(whole=0.05)).client(remote(late))
    with pytest.raises(ApiError, match="did not end within"):
        asyncio.run(client.endpoints.settings(site))


# --- the fence -------------------------------------------------------------------------------------


class Lost(Exception):
    """The lease is lost."""


class Lease:
    """A lease that holds for some checks."""

    def __init__(self, checks: int) -> None:
        self.left = checks

    async def confirm(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Lost


@pytest.mark.parametrize("trouble", [refused(429, **{"retry-after": "10"}), httpx.ConnectError("no")], ids=range(2))
def test_the_lease_is_asked_for_again_before_every_attempt_of_a_write(bench: Bench, trouble: Step) -> None:
    side = remote(trouble, ok({"status": "GENERATING"}))
    with pytest.raises(Lost):
        asyncio.run(bench.client(side).writer(Lease(1)).perform(bench.site, [Generate()]))
    assert len(side.requests) == 1


def test_the_lease_is_asked_for_after_the_wait_for_the_budget(bench: Bench) -> None:
    side = remote(ok({"language": "en"}))
    order: list[str] = []

    class Watching:
        async def confirm(self) -> None:
            order.append(f"checked after {(bench.clock.at - NOW).total_seconds():g} s")

    async def work() -> None:
        client = bench.client(side, requests_per_minute=1)
        await client.endpoints.settings(bench.site)
        await client.writer(Watching()).perform(bench.site, [Generate()])

    asyncio.run(work())
    assert order == ["checked after 61 s"]


def test_a_read_asks_for_no_lease(bench: Bench) -> None:
    side = remote(ok({"language": "en"}))
    transport = FullTransport(bench.client(side)._connection)
    asyncio.run(transport.read(routes.GET_SETTINGS.call(), bench.site))
    assert len(side.requests) == 1


@pytest.mark.parametrize("beside", [{}, {"events": []}])
def test_rule_17_1_an_error_with_a_success_status_is_reported_in_its_own_words(
    bench: Bench, beside: dict[str, Any]
) -> None:
    with pytest.raises(ApiError, match="expected calendar events, got an error: OH_NO: went wrong"):
        ask(bench, LISTS["events"], ok({**ENVELOPE, **beside}))


def test_rule_17_1_an_error_with_a_success_status_may_have_no_message(bench: Bench) -> None:
    with pytest.raises(ApiError, match="expected calendar events, got an error without a message"):
        ask(bench, LISTS["events"], ok({"details": {"applicationError": {}}}))
