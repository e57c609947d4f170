"""Posts that the marketing plan still shows as drafts after they were scheduled, read from the Publisher instead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.api.errors import ApiError
from reconciler.model.posts import Post, PostStatus
from reconciler.model.sites import ObservedSite, SiteRef

if TYPE_CHECKING:
    from reconciler.executor.ports import Reader


async def posts_shown_as_drafts(site: SiteRef, reader: Reader, shown: Iterable[Post]) -> tuple[Post, ...]:
    """The posts that only the marketing plan still shows as drafts, as the Publisher has them.

    For a while after a write, the marketing plan may show a post as it was before (17.6); the Publisher shows it as it
    is. What the Publisher leaves out is filled in from the marketing plan.
    """
    drafts = {post.id: post for post in shown if post.status is PostStatus.DRAFT}
    if not drafts:
        return ()
    try:
        found = await reader.items(site, sorted(drafts))
    except ApiError:
        return ()
    moved = [post for _, post in found if post is not None and post.status is not PostStatus.DRAFT]
    return tuple(post if post.shows_content else _with_content(post, drafts[post.id]) for post in moved)


def _with_content(short: Post, whole: Post) -> Post:
    return replace(
        whole,
        status=short.status,
        scheduled_for=short.scheduled_for,
        external_url=short.external_url,
        error=short.error,
    )


def with_posts_as_read(observed: ObservedSite) -> ObservedSite:
    """The site with the posts that were read by id in place of the drafts that the marketing plan still shows."""
    live = observed.marketing_plan
    read = {id: post for id, post in observed.items if post is not None and post.status is not PostStatus.DRAFT}
    if live is None or not read:
        return observed

    def as_read(post: Post) -> Post:
        found = read.get(post.id) if post.status is PostStatus.DRAFT else None
        if found is None:
            return post
        return found if found.shows_content else _with_content(found, post)

    activities = tuple(replace(activity, posts=tuple(map(as_read, activity.posts))) for activity in live.activities)
    return replace(observed, marketing_plan=replace(live, activities=activities))
