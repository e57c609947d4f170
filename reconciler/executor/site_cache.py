"""SiteCache: the site as seen by a run.

Each part is read when it is first needed, and again once it may have changed.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.executor.observe import merged, with_posts
from reconciler.executor.ports import Reader
from reconciler.model.activities import Activity
from reconciler.model.marketing_plan import MarketingPlan, PlanStatus
from reconciler.model.posts import ActivityId
from reconciler.model.settings import MarketingSettings
from reconciler.model.sites import Need, ObservedSite, SiteRef

NO_PLAN = MarketingPlan(PlanStatus.NEVER_CREATED)


class SiteCache:
    """What was read of a site in this run. Every read may raise an ApiError."""

    def __init__(self, site: SiteRef, reader: Reader) -> None:
        self.site = site
        self.reader = reader
        self._parts: dict[Need, ObservedSite] = {}
        self._touched: set[str] = set()

    async def settings(self) -> MarketingSettings:
        """The site's settings; empty if it has none."""
        return (await self.part(Need.SETTINGS)).settings or MarketingSettings()

    async def marketing_plan(self) -> MarketingPlan:
        """The site's marketing plan; NO_PLAN if it has none."""
        return (await self.part(Need.MARKETING_PLAN)).marketing_plan or NO_PLAN

    async def fill(self, activities: Iterable[ActivityId]) -> None:
        """Reads the posts of activities that seem to have none.

        It is not documented whether the marketing plan shows the posts of every activity (14.1).
        """
        seen = await self.part(Need.MARKETING_PLAN)
        bare = {activity.id for activity in seen.with_past if not activity.posts}
        ask = tuple(sorted((set(activities) & bare) - seen.posts_confirmed))
        if ask:
            self._parts[Need.MARKETING_PLAN] = with_posts(seen, ask, await self.reader.posts_of(self.site, ask))

    async def activities(self, *, past: bool) -> tuple[Activity, ...]:
        """The activities of the marketing plan, with their posts even if it shows none; with `past`, past ones too."""
        seen = await self.part(Need.MARKETING_PLAN)
        if past and Need.PAST_ACTIVITIES not in seen.had_reads:
            seen = merged(seen, await self.reader.read(self.site, frozenset({Need.PAST_ACTIVITIES})))
            self._parts[Need.MARKETING_PLAN] = seen
        if seen.hides_posts:
            await self.fill(activity.id for activity in (seen.with_past if past else seen.activities))
            seen = await self.part(Need.MARKETING_PLAN)
        return seen.with_past if past else seen.activities

    def saw(self, observed: ObservedSite) -> None:
        """Adopts a marketing plan that other code has just read."""
        self._parts[Need.MARKETING_PLAN] = observed

    def forget(self, *needs: Need) -> None:
        """Makes the next use read these parts again; if none is named, all parts."""
        for need in needs or tuple(self._parts):
            self._parts.pop(need, None)
        self._touched.clear()

    def touch(self, subjects: Iterable[str]) -> None:
        """Records what a write of this run may have changed, by id or name."""
        self._touched.update(subjects)

    def refresh(self, subjects: frozenset[str]) -> None:
        """Makes the next use read everything again if a write of this run touched one of these since the last read."""
        if self._touched & subjects:
            self.forget()

    async def part(self, need: Need) -> ObservedSite:
        """The site as the last read of a part showed it."""
        if need not in self._parts:
            self._parts[need] = await self.reader.read(self.site, frozenset({need}))
        return self._parts[need]
