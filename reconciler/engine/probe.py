"""`doctor --probe`: which of the merely inferred facts hold, as far as a read can tell (remote-api.md 14).

Each probe is one read and what it shows. Requests and answers are recorded without texts, ids and headers.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec import Struct

from reconciler.api import routes
from reconciler.api.cassette import Cassette
from reconciler.api.client import ReadClient
from reconciler.api.errors import ApiError
from reconciler.api.events import EVENTS
from reconciler.api.routes import ReadCall
from reconciler.engine.facts import Probe, ProbeVerdict
from reconciler.model.canonical import JsonObject, freeze
from reconciler.model.events import reach
from reconciler.model.frozen import instant
from reconciler.model.sites import SiteRef

NOBODY: Final = "00000000-0000-4000-8000-00000000dead"
"""An id that no object has."""


class _Answer(Struct, frozen=True):
    status: int
    body: JsonObject

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(sorted(self.body))


class Prober:
    """Asks one site, and records its answers."""

    def __init__(self, client: ReadClient, site: SiteRef, now: datetime) -> None:
        self._client = client
        self._site = site
        self._now = now
        self.cassette = Cassette()
        self.verdicts: list[ProbeVerdict] = []

    async def run(self) -> None:
        """All probes. Raises ApiError if the site cannot be reached at all."""
        settings = await self._ask(routes.GET_SETTINGS.call())
        self._say("14.21", Probe.KEY_ADMITTED, settings.good, status=settings.status)
        self._wrapper("14.18", Probe.SETTINGS_WRAPPER, settings, ("marketingSettings",), ("settings", "id"))
        plan = await self._ask(routes.GET_MARKETING_PLAN.call())
        wrappers = ("marketingPlan", "socialMarketingPlan", "plan")
        self._wrapper("14.1", Probe.PLAN_WRAPPER, plan, wrappers, ("status", "marketingActivities"))
        activities = self._activities(plan)
        await self._events()
        for route, key in ((routes.PLAN_GOAL_OPTIONS, "planGoalKey"), (routes.POINT_OF_VIEW_OPTIONS, "pointOfViewKey")):
            self._option(key, await self._ask(route.call()))
        calendars = await self._ask(routes.CALENDAR_OPTIONS.call())
        members = {name for option in _listed(calendars.body, "options") for name in option} - {"id"}
        self._see("14.18", Probe.CALENDAR_OPTION, members)
        defaults = await self._ask(routes.SETTINGS_DEFAULTS.call())
        wrapped = _if(defaults, "defaults" in defaults.body)
        self._say("14.18", Probe.DEFAULTS_WRAPPER, wrapped, names=defaults.keys)
        await self._activity_routes(activities)
        await self._items(activities)
        properties = await self._ask(routes.SITE_PROPERTIES.call())
        inner = properties.body.get("properties")
        named = isinstance(inner, JsonObject) and "siteDisplayName" in inner
        self._say("11.3", Probe.SITE_NAME, _if(properties, named))

    # --- probes

    def _activities(self, plan: _Answer) -> tuple[JsonObject, ...]:
        inner = next((value for value in plan.body.values() if isinstance(value, JsonObject)), plan.body)
        holder = plan.body if "marketingActivities" in plan.body else inner
        found = _listed(holder, "marketingActivities")
        emitted = "marketingActivities" in holder
        held = None if found or not plan.good else emitted
        self._say("14.22", Probe.EMPTY_ACTIVITIES, held, count=len(found) or None)
        named = {name for activity in found for name in activity}
        self._see("14.1", Probe.ACTIVITY_MEMBERS, named)
        return found

    async def _events(self) -> None:
        start, end = reach(self._now)
        days = JsonObject({"$gte": instant(start), "$lte": instant(end)})
        body = {"query": JsonObject({"filter": JsonObject({"date": days})})}
        answer, path = _Answer(0, JsonObject()), ""
        for route in routes.QUERY_EVENTS:
            answer, path = await self._ask(route.call(body=body)), route.template
            if answer.good:
                break
        first = routes.QUERY_EVENTS[0].template
        held = path == first and answer.good
        self._say("14.17", Probe.EVENTS_ROUTE, held, about=first, status=answer.status)
        keys = [key for key in EVENTS.keys if key in answer.body]
        held_key = _if(answer, keys == ["events"], keys)
        self._say("14.17", Probe.EVENTS_KEY, held_key, about="events", names=answer.keys)
        found = _listed(answer.body, *keys)
        rules = [rule for event in found if isinstance(rule := event.get("recurringRule"), JsonObject)]
        self._see("14.17", Probe.RULE_MEMBERS, {name for rule in rules for name in rule})
        calendars = {event.get("calendarId") for event in found}
        names_one = None if not found else None not in calendars
        self._say("14.17", Probe.EVENT_CALENDAR, names_one, count=len(calendars))

    def _option(self, key: str, answer: _Answer) -> None:
        options = _listed(answer.body, "options")
        names = sorted({name for option in options for name in option})
        held = _if(answer, key in names, options)
        self._say("14.18", Probe.OPTION_KEY, held, about=key, names=tuple(names))

    async def _activity_routes(self, activities: Iterable[JsonObject]) -> None:
        query = await self._ask(routes.QUERY_ACTIVITIES.call(body={"query": JsonObject({"filter": JsonObject()})}))
        where = routes.QUERY_ACTIVITIES.template
        self._say("14.15", Probe.ACTIVITIES_ROUTE, query.good, about=where, status=query.status)
        found = (activity.get("marketingActivityId", activity.get("id")) for activity in activities)
        ids = [id for id in found if isinstance(id, str)]
        if not ids:
            self._say("14.16", Probe.ACTIVITY_BY_ID, None, names=())
            return
        one = await self._ask(routes.GET_ACTIVITY.call(query=(("marketingActivityId", ids[0]),)))
        other = await self._ask(routes.GET_ACTIVITY.call(query=(("id", ids[0]),)))
        if one.good:
            self._say("14.16", Probe.ACTIVITY_BY_ID, True)
        else:
            self._say("14.16", Probe.ACTIVITY_BY_ID, False, names=("id",), status=other.status)
        good = one if one.good else other
        if good.good:
            wrappers = ("marketingActivity", "activity")
            self._wrapper("14.16", Probe.ACTIVITY_WRAPPER, good, wrappers, ("id", "marketingActivityId"))

    async def _items(self, activities: Iterable[JsonObject]) -> None:
        posts = [post for activity in activities for post in _listed(activity, "items", "posts", "drafts")]
        ids = [id for post in posts if isinstance(id := post.get("id"), str)] or [NOBODY]
        wanted = JsonObject({"id": JsonObject({"$in": (ids[0],)})})
        query = await self._ask(routes.QUERY_ITEMS.call(body={"query": JsonObject({"filter": wanted})}))
        self._say("14.19", Probe.ITEMS_BY_IDS, query.good, status=query.status)
        item = await self._ask(routes.GET_ITEM.call(id=ids[0]))
        if ids[0] == NOBODY:
            self._say("14.19", Probe.ITEM_ROUTE, None, names=(), status=item.status)
        else:
            self._say("14.19", Probe.ITEM_ROUTE, item.good, status=item.status)

    # --- asking

    async def _ask(self, call: ReadCall) -> _Answer:
        """The answer to a read, whatever it is. Raises ApiError if there was none."""
        try:
            answer = await self._client.endpoints.raw(self._site, call)
            status, body = answer.status, freeze(answer.body)
        except ApiError as error:
            if error.status is None:
                raise
            status, body = error.status, JsonObject({"code": error.code} if error.code else {})
        self.cassette.record(call, status, body)
        return _Answer(status, body if isinstance(body, JsonObject) else JsonObject())

    def _wrapper(
        self, section: str, about: Probe, answer: _Answer, wrappers: tuple[str, ...], bare: tuple[str, ...]
    ) -> None:
        found = [key for key in wrappers if isinstance(answer.body.get(key), JsonObject)]
        plain = not found and any(key in answer.body for key in bare)
        held = _if(answer, found[:1] == [wrappers[0]] or plain)
        names = None if found or plain else answer.keys
        self._say(section, about, held, wrappers[0], wrapper=found[0] if found else "", bare=plain, names=names)

    def _see(self, section: str, about: Probe, names: Iterable[str]) -> None:
        """Reports which members there are, if nothing is inferred about them."""
        self.verdicts.append(ProbeVerdict(section, about, None, names=tuple(sorted(names)), seen=True))

    def _say(
        self,
        section: str,
        of: Probe,
        holds: bool | None,
        about: str = "",
        *,
        status: int | None = None,
        names: tuple[str, ...] | None = None,
        count: int | None = None,
        wrapper: str = "",
        bare: bool = False,
    ) -> None:
        self.verdicts.append(ProbeVerdict(section, of, holds, about, status, names, count, wrapper, bare))


def _if(answer: _Answer, holds: bool, seen: object = True) -> bool | None:
    """What an answer shows, if it was successful and there was something to see."""
    return holds if answer.good and seen else None


def _listed(holder: JsonObject, *names: str) -> tuple[JsonObject, ...]:
    for name in names:
        found = holder.get(name)
        if isinstance(found, tuple):
            return tuple(member for member in found if isinstance(member, JsonObject))
    return ()


async def probe(client: ReadClient, site: SiteRef, now: datetime) -> tuple[tuple[ProbeVerdict, ...], Cassette]:
    """What a site reveals, and the recording of it. Raises ApiError if it cannot be reached."""
    prober = Prober(client, site, now)
    await prober.run()
    return tuple(prober.verdicts), prober.cassette
