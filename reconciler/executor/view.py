"""The site as a run sees it: each part read when it is first asked for, and again once it may have changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.executor.evidence import EVENTS, GENERATIONS, ITEMS, POSTS, Call, Sight, known_call
from reconciler.executor.ports import Reader
from reconciler.model.canonical import JsonObject
from reconciler.model.events import CalendarEvent
from reconciler.model.marketing_plan import MarketingPlan, PlanStatus
from reconciler.model.operations import OpenEntry
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.settings import MarketingSettings
from reconciler.model.sites import Need, ObservedSite, SiteRef

NO_PLAN = MarketingPlan(PlanStatus.NEVER_CREATED)


class View:
    """What was read of a site in this run. Every read may raise an ApiError."""

    def __init__(self, site: SiteRef, reader: Reader) -> None:
        self.site = site
        self.reader = reader
        self._parts: dict[Need, ObservedSite] = {}
        self._touched: set[str] = set()

    async def settings(self) -> MarketingSettings:
        return (await self._part(Need.SETTINGS)).settings or MarketingSettings()

    async def events(self) -> tuple[CalendarEvent, ...]:
        return (await self._part(Need.EVENTS)).events or ()

    async def marketing_plan(self) -> MarketingPlan:
        return (await self._part(Need.MARKETING_PLAN)).marketing_plan or NO_PLAN

    async def observed(self) -> ObservedSite:
        """The whole answer of the last read of the marketing plan."""
        return await self._part(Need.MARKETING_PLAN)

    def saw(self, observed: ObservedSite) -> None:
        """Takes over a marketing plan that somebody else has just read."""
        self._parts[Need.MARKETING_PLAN] = observed

    def forget(self, *needs: Need) -> None:
        """Has these parts read afresh, or all of them."""
        for need in needs or tuple(self._parts):
            self._parts.pop(need, None)
        self._touched.clear()

    def touch(self, subjects: Iterable[str]) -> None:
        """Notes what a write of ours may have changed, by id or name."""
        self._touched.update(subjects)

    def refresh(self, subjects: frozenset[str]) -> None:
        """Has everything read afresh if a write of ours touched one of these since the last read."""
        if self._touched & subjects:
            self.forget()

    async def _part(self, need: Need) -> ObservedSite:
        if need not in self._parts:
            self._parts[need] = await self.reader.read(self.site, frozenset({need}))
        return self._parts[need]


async def look(site: SiteRef, reader: Reader, entries: Iterable[OpenEntry]) -> Sight:
    """Reads what tells the outcome of these calls, and nothing else. May raise an ApiError."""
    needs: set[Need] = set()
    activities: set[str] = set()
    posts: set[str] = set()
    for entry in entries:
        call = known_call(entry)
        facts = entry.facts if isinstance(entry.facts, JsonObject) else JsonObject()
        if call is Call.UPDATE_SETTINGS:
            needs.add(Need.SETTINGS)
        elif call in EVENTS:
            needs.add(Need.EVENTS)
        elif call in POSTS:
            activities.add(str(facts.get("activity", "")))
        elif call in ITEMS:
            posts.add(str(facts.get("post", "")))
        if call in GENERATIONS | ITEMS | {Call.DELETE_MARKETING_PLAN} or (call and call.endswith("-activity")):
            needs.add(Need.MARKETING_PLAN)
    sight = Sight()
    if needs:
        observed = await reader.read(site, frozenset(needs))
        sight = Sight(observed.settings, observed.marketing_plan, observed.events or ())
    if activities:
        found = await reader.posts_of(site, [ActivityId(one) for one in sorted(activities)])
        sight = replace(sight, posts=found)
    missing = [PostId(one) for one in sorted(posts) if sight.post(one) is None]
    items = tuple([(one, await reader.post(site, one)) for one in missing])
    return replace(sight, items=items)
