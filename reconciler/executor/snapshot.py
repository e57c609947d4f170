"""Snapshot: what one read of a site showed, as far as it was asked for."""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct

from reconciler.model.activities import Activity
from reconciler.model.marketing_plan import MarketingPlan
from reconciler.model.posts import ActivityId, Post, PostId
from reconciler.model.sites import ObservedSite


class Snapshot(Struct, frozen=True, dict=True):
    """What was read at one time: parts of the site, posts read by activity, and posts read by id."""

    observed: ObservedSite | None = None
    posts: tuple[tuple[ActivityId, tuple[Post, ...]], ...] = ()
    items: tuple[tuple[PostId, Post | None], ...] = ()

    @property
    def activities(self) -> tuple[Activity, ...]:
        """The activities of the marketing plan; none if it was not read."""
        return self.marketing_plan.activities if self.marketing_plan else ()

    @property
    def marketing_plan(self) -> MarketingPlan | None:
        """The marketing plan; None if it was not read."""
        return self.observed.marketing_plan if self.observed else None

    def activity(self, id: str) -> Activity | None:
        """The activity with an id."""
        return self.marketing_plan.activities_by_id.get(id) if self.marketing_plan else None

    def posts_of(self, id: str) -> tuple[Post, ...]:
        """An activity's posts, wherever they were read."""
        asked = next((posts for activity, posts in self.posts if activity == id), None)
        if asked is not None:
            return asked
        activity = self.activity(id)
        return activity.posts if activity else ()

    def post(self, id: str) -> Post | None:
        """A post, wherever it was read; if it was read on its own, that takes precedence."""
        return self._posts_by_id.get(PostId(id))

    @cached_property
    def _posts_by_id(self) -> dict[PostId, Post]:
        seen = {post.id: post for activity in self.activities for post in activity.posts}
        seen |= {post.id: post for _, posts in self.posts for post in posts}
        return seen | {post.id: post for _, post in self.items if post is not None}
