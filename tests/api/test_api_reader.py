"""Reading sites: from the sandbox, and from remote sides that differ from it where nothing is documented."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx
import pytest

from reconciler.api.client import FullClient
from reconciler.api.errors import ApiError, ErrorKind
from reconciler.api.events import EventReads
from reconciler.model.frozen import instant
from reconciler.model.marketing_plan import PlanStatus
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.sites import ChannelStatus, Need, ObservedSite, SiteRef
from reconciler.sandbox.app import Sandbox
from tests.api.bench import NOW, Bench, ok, refused, remote

T = TypeVar("T")
NOBODY = "00000000-0000-4000-8000-000000000000"
Make = Callable[..., Sandbox]


def using(bench: Bench, box: Sandbox, work: Callable[[FullClient], Awaitable[T]]) -> T:
    async def run() -> T:
        async with bench.over(httpx.ASGITransport(box)) as client:
            return await work(client)

    return asyncio.run(run())


def read(bench: Bench, box: Sandbox, *needs: Need, channels: tuple[str, ...] = ()) -> ObservedSite:
    return using(bench, box, lambda client: client.reader().read(bench.site, frozenset(needs), channels=channels))


def test_everything_of_a_site(bench: Bench, sandbox_of: Make) -> None:
    box = sandbox_of(
        plan="ACTIVE",
        timeZone="Europe/Paris",
        language="fr",
        settings={"toneOfVoice": "warm"},
        events=[{"name": "Black Friday", "date": "2026-11-27T00:00:00Z"}],
    )
    observed = read(bench, box, *Need, channels=("INSTAGRAM", "TIKTOK"))
    assert observed.settings is not None
    assert observed.settings.value_of("settings.toneOfVoice") == "warm"
    assert observed.marketing_plan is not None
    assert observed.marketing_plan.status is PlanStatus.ACTIVE
    assert any(activity.drafts for activity in observed.marketing_plan.activities)
    assert [event.name for event in observed.events or ()] == ["Black Friday"]
    assert (observed.time_zone, observed.language, observed.published) == ("Europe/Paris", "fr", True)
    assert observed.channels == (("INSTAGRAM", ChannelStatus.VALID), ("TIKTOK", ChannelStatus.NEVER_CREATED))
    assert observed.feature("SCHEDULE_POST") is not None
    assert [account.channel for account in observed.accounts] == ["INSTAGRAM"]  # TIKTOK is not connected
    assert observed.had_reads == frozenset(Need)
    assert observed.read_at == NOW
    assert box.gaps() == []
    assert not any(request["wrote"] for request in box.requests())


@pytest.mark.parametrize("need", sorted(Need))
def test_only_what_is_needed_is_asked_for(bench: Bench, sandbox_of: Make, need: Need) -> None:
    box = sandbox_of(plan="ACTIVE")
    observed = read(bench, box, need, channels=("INSTAGRAM",))
    assert len({request["path"] for request in box.requests()}) == 1
    assert observed.had_reads == {need}


@pytest.mark.parametrize("slow", ["settings", "marketing-plan"])
def test_the_error_does_not_depend_on_which_answer_comes_first(bench: Bench, slow: str) -> None:
    async def side(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.05 * (request.url.path.endswith("/marketing-settings") == (slow == "settings")))
        return ok({"hello": 1})

    needs = frozenset({Need.SETTINGS, Need.MARKETING_PLAN})
    with pytest.raises(ApiError) as caught:
        asyncio.run(bench.client(side).reader().read(bench.site, needs))
    assert not caught.value.path.endswith("/marketing-settings")


def test_parts_are_read_at_once(bench: Bench) -> None:
    flying, most = 0, 0
    needs = frozenset(Need) - {Need.CHANNELS, Need.ACCOUNTS, Need.ACCOUNT_NAMES}  # none without a channel

    async def side(request: httpx.Request) -> httpx.Response:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.001)
        flying -= 1
        return ok()

    with pytest.raises(ApiError):  # an empty object is not an answer to most of them
        asyncio.run(bench.client(side).reader().read(bench.site, needs))
    assert most == len(needs)


def test_one_part_that_fails_ends_the_reading(bench: Bench, sandbox_of: Make) -> None:
    box = sandbox_of(seed={"faults": [{"route": "GET /marketing-settings", "do": {"kind": "error", "status": 400}}]})
    with pytest.raises(ApiError) as caught:
        read(bench, box, *Need)
    assert caught.value.path.endswith("/marketing-settings")


def test_the_names_of_accounts_are_one_request_for_all_channels(bench: Bench, sandbox_of: Make) -> None:
    box = sandbox_of(channels=["INSTAGRAM", "FACEBOOK"])
    observed = read(bench, box, Need.ACCOUNT_NAMES, channels=("INSTAGRAM", "FACEBOOK"))
    assert [account.channel for account in observed.accounts] == ["INSTAGRAM", "FACEBOOK"]
    assert all(account.name for account in observed.accounts)
    assert len(box.requests()) == 1


@pytest.mark.parametrize(
    "answer",
    [
        *(refused(status) for status in (400, 401, 403, 404, 409, 428, 429, 500, 501, 503)),
        refused(429, **{"retry-after": "60"}),
        refused(403, "", ""),
        httpx.Response(502, text="<html>"),
        httpx.Response(200),
        ok(["accounts"]),
        ok({"accounts": {"INSTAGRAM": {}}}),
        ok({"accounts": [{"channelName": "INSTAGRAM", "instagram": {"id": 3, "username": ["x"]}}]}),
        httpx.ConnectError("no"),
        httpx.ReadError("no"),
    ],
)
def test_names_that_cannot_be_read_are_not_asked_for_again_and_stop_nothing(
    bench: Bench, answer: httpx.Response | Exception
) -> None:
    side = remote(answer)
    reader = bench.client(side).reader()
    observed = asyncio.run(reader.read(bench.site, frozenset({Need.ACCOUNT_NAMES}), channels=["INSTAGRAM"]))
    assert observed.accounts == ()
    assert side.asked == ["GET accounts"]
    assert bench.clock.slept == []


def test_names_are_not_waited_for_long(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def side(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(1)
        return ok({"accounts": [{"channelName": "INSTAGRAM", "instagram": {"id": "17", "username": "late"}}]})

    monkeypatch.setattr("reconciler.api.reader.NAMES_WITHIN", 0.01)
    reader = bench.client(side).reader()
    observed = asyncio.run(reader.read(bench.site, frozenset({Need.ACCOUNT_NAMES}), channels=["INSTAGRAM"]))
    assert observed.accounts == ()


@pytest.mark.parametrize("status", [403, 404])
def test_what_may_not_be_read_about_the_site_and_its_account_is_not_known(bench: Bench, status: int) -> None:
    side = remote(refused(status))
    needs = frozenset({Need.PROPERTIES, Need.PUBLISHED, Need.CHANNELS})
    observed = asyncio.run(bench.client(side).reader().read(bench.site, needs, channels=["GBP"]))
    assert (observed.time_zone, observed.language, observed.published) == (None, None, None)
    assert observed.channels == (("GBP", ChannelStatus.UNKNOWN),)
    assert observed.had_reads == needs


def test_an_unpublished_site(bench: Bench, sandbox_of: Make) -> None:
    assert read(bench, sandbox_of(published=False), Need.PUBLISHED).published is False


def test_past_activities_are_those_whose_date_has_passed(bench: Bench, sandbox_of: Make) -> None:
    days = {"past": -20, "long past": -100, "coming": 3}
    activities = [{"title": title, "date": instant(NOW + timedelta(days=n))} for title, n in days.items()]
    box = sandbox_of(plan={"status": "ACTIVE", "activities": activities})
    observed = read(bench, box, Need.PAST_ACTIVITIES, Need.MARKETING_PLAN)
    assert observed.marketing_plan is not None
    assert [activity.title for activity in observed.marketing_plan.activities] == ["coming"]
    assert [activity.title for activity in observed.past] == ["long past", "past"]


def test_posts_are_asked_for_in_batches_of_twenty(bench: Bench, sandbox_of: Make) -> None:
    activities = [{"title": f"t{n}", "date": instant(NOW + timedelta(days=1)), "items": "all"} for n in range(45)]
    box = sandbox_of(plan={"status": "ACTIVE", "activities": activities})

    async def work(client: FullClient) -> Any:
        plan = await client.endpoints.marketing_plan(bench.site)
        ids = [activity.id for activity in plan.activities]
        return plan, await client.reader().posts_of(bench.site, ids)

    plan, posts = using(bench, box, work)
    assert [post for post, _ in posts] == [activity.id for activity in plan.activities]
    assert all(found == activity.posts for (_, found), activity in zip(posts, plan.activities, strict=True))
    assert [request["path"].rsplit("/", 1)[-1] for request in box.requests()].count("marketing-activity-posts") == 3


def test_an_activity_that_is_not_there_has_no_posts(bench: Bench) -> None:
    found = asyncio.run(bench.client(remote(ok())).reader().posts_of(bench.site, [ActivityId("x")]))
    assert found == ((ActivityId("x"), ()),)


# --- events ----------------------------------------------------------------------------------------


class Calendar:
    """A remote calendar with the cap of the real one: 100 events an answer, by date, no paging."""

    def __init__(self, days: list[datetime], path: str = "/events/query") -> None:
        self.days = days
        self.path = path
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith(self.path):
            return refused(404, "NOT_FOUND")
        self.asked += 1
        bounds = json.loads(request.content)["query"]["filter"]["date"]
        start, end = datetime.fromisoformat(bounds["$gte"]), datetime.fromisoformat(bounds["$lte"])
        found = [
            {"id": f"e{n}", "name": f"n{n}", "date": instant(day)}
            for n, day in enumerate(self.days)
            if start <= day <= end
        ]
        return ok({"events": sorted(found, key=lambda event: event["date"])[:100]})


@pytest.mark.parametrize("count", [0, 99, 100, 101, 850])
def test_all_events_are_found_however_many(bench: Bench, count: int) -> None:
    side = Calendar([NOW + timedelta(hours=n * 7) for n in range(count)])
    events = asyncio.run(EventReads(bench.client(side).endpoints).within_reach(bench.site, NOW))
    assert {event.id for event in events} == {f"e{n}" for n in range(count)}
    assert len(events) == count
    assert side.asked == 1 or count >= 100


def test_more_events_than_anyone_can_see_are_an_error_and_not_an_endless_search(bench: Bench) -> None:
    side = Calendar([NOW] * 150)
    with pytest.raises(ApiError, match="expected fewer than 100 events between 2026-11-23T09:") as caught:
        asyncio.run(EventReads(bench.client(side).endpoints).within_reach(bench.site, NOW))
    assert side.asked <= 128
    assert (caught.value.kind, caught.value.request_id) == (ErrorKind.UNREADABLE, "r-1")
    assert caught.value.path.endswith("/events/query")
    assert caught.value.advice().startswith("move some of these events to other times")


def test_events_of_one_second_are_recognised_as_incomplete_by_the_sign_of_more(bench: Bench) -> None:
    inside = Calendar([NOW] * 3)

    def side(request: httpx.Request) -> httpx.Response:
        found = json.loads(inside(request).content)
        return ok({**found, "hasNext": bool(found["events"])})

    with pytest.raises(ApiError, match="there are more \\(hasNext is true\\)"):
        asyncio.run(EventReads(bench.client(side).endpoints).within_reach(bench.site, NOW))


def test_events_in_more_bursts_than_there_are_queries_are_an_error(bench: Bench) -> None:
    side = Calendar([NOW + timedelta(hours=7 * (n // 100)) for n in range(4000)])
    with pytest.raises(ApiError, match="expected fewer than 100 events between"):
        asyncio.run(EventReads(bench.client(side).endpoints).within_reach(bench.site, NOW))
    assert side.asked <= 128


@pytest.mark.parametrize("sign", [{"hasNext": True}, {"pagingMetadata": {"cursors": {"next": "c"}}}], ids=str)
@pytest.mark.parametrize("count", [0, 3])
def test_events_that_say_there_are_more_whatever_is_asked_are_an_error_after_a_few_queries(
    bench: Bench, sign: dict[str, object], count: int
) -> None:
    inside = Calendar([NOW + timedelta(days=n) for n in range(count)])

    def side(request: httpx.Request) -> httpx.Response:
        return ok({**json.loads(inside(request).content), **sign})

    with pytest.raises(ApiError, match="expected all calendar events in one response") as caught:
        asyncio.run(EventReads(bench.client(side).endpoints).within_reach(bench.site, NOW))
    assert caught.value.request_id == "r-1"
    assert inside.asked < 10


def test_a_recurring_event_that_is_shown_once_an_occurrence_is_one_event(bench: Bench) -> None:
    shown = [
        {"id": "e1", "name": "open day", "date": f"2026-12-0{n}T00:00:00Z", "recurringRule": {"frequency": "WEEKLY"}}
        for n in range(1, 6)
    ]
    events = asyncio.run(
        EventReads(bench.client(remote(ok({"events": shown}))).endpoints).within_reach(bench.site, NOW)
    )
    assert [event.id for event in events] == ["e1"]


def test_the_same_day_asks_for_the_same_range(bench: Bench) -> None:
    side = remote(ok())

    async def twice() -> None:
        reader = EventReads(bench.client(side).endpoints)
        await reader.within_reach(bench.site, bench.clock.at)
        bench.clock.at += timedelta(hours=3)
        await reader.within_reach(bench.site, bench.clock.at)

    asyncio.run(twice())
    assert side.requests[0].content == side.requests[1].content


def test_the_other_path_of_the_events_is_tried_once_and_kept(bench: Bench) -> None:
    side = Calendar([NOW], path="/query-events")
    seen = remote(side)

    async def twice() -> None:
        reader = EventReads(bench.client(seen).endpoints)
        assert len(await reader.within_reach(bench.site, NOW)) == 1
        assert len(await reader.within_reach(bench.site, NOW)) == 1

    asyncio.run(twice())
    assert seen.asked == ["POST query", "POST query-events", "POST query-events"]


def test_if_no_path_of_the_events_is_known_the_error_says_that_it_was_inferred(bench: Bench) -> None:
    with pytest.raises(ApiError, match="the path that lists events is not documented") as caught:
        asyncio.run(EventReads(bench.client(remote(httpx.Response(404))).endpoints).within_reach(bench.site, NOW))
    assert caught.value.kind is ErrorKind.NOT_FOUND


# --- one post --------------------------------------------------------------------------------------


def test_a_post_by_its_id(bench: Bench, sandbox_of: Make) -> None:
    activity = {"title": "t", "date": instant(NOW + timedelta(days=1)), "items": "all"}
    box = sandbox_of(plan={"status": "ACTIVE", "activities": [activity]})

    async def work(client: FullClient) -> Any:
        plan = await client.endpoints.marketing_plan(bench.site)
        wanted = plan.activities[0].posts[0]
        reader = client.reader()
        return wanted, await reader.post(bench.site, wanted.id), await reader.post(bench.site, PostId(NOBODY))

    wanted, found, none = using(bench, box, work)
    assert found == wanted
    assert none is None


@pytest.mark.parametrize("status", ["PROCESSING", "IN_QUEUE"])
@pytest.mark.parametrize(("ahead", "read_as"), [(timedelta(days=1), "SCHEDULED"), (timedelta(minutes=5), None)])
def test_a_post_that_is_in_flight_long_before_its_time_still_waits(
    bench: Bench, status: str, ahead: timedelta, read_as: str | None
) -> None:
    item = {"id": "p1", "status": status, "channel": {"name": "FACEBOOK", "accountId": "1"}}
    item |= {"facebookPost": {"caption": "hello"}, "schedulingInfo": {"scheduledDate": instant(NOW + ahead)}}
    activity = {"marketingActivityId": "a", "date": instant(NOW + ahead), "items": [item]}

    def side(request: httpx.Request) -> httpx.Response:
        if "/items" in request.url.path:
            return ok({"item": item} if request.method == "GET" else {"items": [item]})
        return ok({"marketingActivities": [activity], **({"status": "ACTIVE"} if request.method == "GET" else {})})

    async def read() -> list[str]:
        reader = bench.client(side).reader()
        plan = (await reader.read(bench.site, frozenset({Need.MARKETING_PLAN}))).marketing_plan
        assert plan is not None
        ((_, of_activity),) = await reader.posts_of(bench.site, [ActivityId("a")])
        one, ((_, listed),) = (
            await reader.post(bench.site, PostId("p1")),
            await reader.items(bench.site, [PostId("p1")]),
        )
        return [str(post and post.status) for post in (*plan.activities[0].posts, *of_activity, one, listed)]

    assert asyncio.run(read()) == [read_as or status] * 4


def test_a_post_if_only_the_query_is_known(bench: Bench) -> None:
    side = remote(httpx.Response(404), ok({"items": [{"id": "p1", "status": "DRAFT"}]}))
    found = asyncio.run(bench.client(side).reader().post(bench.site, PostId("p1")))
    assert found is not None
    assert json.loads(side.requests[1].content) == {"query": {"filter": {"id": {"$in": ["p1"]}}}}


def test_a_post_that_only_its_own_path_denies_is_gone(bench: Bench) -> None:
    side = remote(refused(404, "ITEM_NOT_EXISTS"), refused(400))
    assert asyncio.run(bench.client(side).reader().post(bench.site, PostId("p1"))) is None


def test_posts_by_their_ids_in_one_query_and_what_it_does_not_show_by_itself(bench: Bench) -> None:
    side = remote(ok({"items": [{"id": "p2"}, {"id": "p1"}]}), refused(404, "ITEM_NOT_EXISTS"), ok({}))
    ids = [PostId(f"p{n}") for n in (1, 2, 3, 1)]
    found = asyncio.run(bench.client(side).reader().items(bench.site, ids))
    assert [(asked, post and post.id) for asked, post in found] == [("p1", "p1"), ("p2", "p2"), ("p3", None)]
    assert side.asked == ["POST query", "GET p3", "POST query"]


@pytest.mark.parametrize("shown", [{}, {"facebookPost": {"mediaWrapper": {"media": [{"url": "https://x/a.jpg"}]}}}])
def test_posts_that_come_without_their_content_or_words_are_asked_for_by_their_ids(
    bench: Bench, shown: dict[str, object]
) -> None:
    story = {"id": "p3", "type": "STORY", "status": "DRAFT", "instagramStory": {"mediaWrapper": {"media": []}}}
    short = [{"id": "p1", "status": "DRAFT", **shown}, {"id": "p2", "status": "PUBLISHED"}, story]
    whole = {"id": "p1", "status": "DRAFT", "channel": {"name": "FACEBOOK"}, "facebookPost": {"caption": "hello"}}
    activity = {"marketingActivityId": "a", "date": "2026-12-01T00:00:00Z", "items": short}

    def side(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/items/query"):
            assert json.loads(request.content)["query"]["filter"] == {"id": {"$in": ["p1"]}}
            return ok({"items": [whole]})
        return ok({"marketingActivities": [activity], **({"status": "ACTIVE"} if request.method == "GET" else {})})

    async def read() -> None:
        reader = bench.client(side).reader()
        observed = await reader.read(bench.site, frozenset({Need.MARKETING_PLAN}))
        assert observed.marketing_plan is not None
        ((_, asked),) = await reader.posts_of(bench.site, [ActivityId("a")])
        for posts in (observed.marketing_plan.activities[0].posts, asked):
            assert [post.caption for post in posts] == ["hello", "", ""]

    asyncio.run(read())


def test_a_scheduled_post_that_comes_without_its_account_is_asked_for_by_its_id(bench: Bench) -> None:
    short = {
        "id": "p1",
        "status": "SCHEDULED",
        "channel": {"name": "FACEBOOK"},
        "facebookPost": {"caption": "hello"},
    }
    draft = {**short, "id": "p2", "status": "DRAFT"}
    activity = {"marketingActivityId": "a", "date": "2026-12-01T00:00:00Z", "items": [short, draft]}

    def side(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/items/query"):
            assert json.loads(request.content)["query"]["filter"] == {"id": {"$in": ["p1"]}}
            return ok({"items": [{**short, "channel": {"name": "FACEBOOK", "accountId": "178"}}]})
        return ok({"marketingActivities": [activity], "status": "ACTIVE"})

    observed = asyncio.run(bench.client(side).reader().read(bench.site, frozenset({Need.MARKETING_PLAN})))
    assert observed.marketing_plan is not None
    assert [post.account_id for post in observed.marketing_plan.activities[0].posts] == ["178", None]


def test_posts_by_their_ids_if_the_query_cannot_filter(bench: Bench) -> None:
    side = remote(refused(400, text="is not declared as filterable"), ok({"item": {"id": "p1"}}))
    ((_, found),) = asyncio.run(bench.client(side).reader().items(bench.site, [PostId("p1")]))
    assert found is not None


def test_a_post_that_neither_way_can_find_is_not_said_to_be_gone(bench: Bench) -> None:
    with pytest.raises(ApiError):
        asyncio.run(bench.client(remote(httpx.Response(404), refused(400))).reader().post(bench.site, PostId("p1")))


def test_every_other_read_of_the_sandbox(bench: Bench, sandbox_of: Make) -> None:
    box = sandbox_of(plan="ACTIVE")

    async def work(client: FullClient) -> None:
        endpoints, site = client.endpoints, bench.site
        assert [account.channel for account in await endpoints.accounts(site, "INSTAGRAM")] == ["INSTAGRAM"]
        assert await endpoints.calendars(site) != ()
        listed = await endpoints.sites(SiteRef(site.name, "11111111-1111-4111-8111-111111111111"))
        assert [listing.id for listing in listed] == [site.id]

    using(bench, box, work)
    assert box.gaps() == []
