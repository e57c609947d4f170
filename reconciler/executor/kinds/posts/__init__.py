"""The posts of an activity: generated, regenerated and cleared."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, assert_never

from msgspec.structs import replace

from reconciler.executor.kinds.base import ManagedKind, Moment, OutcomeContext, OutcomeReads, thrown_away
from reconciler.executor.site_cache import SiteCache
from reconciler.executor.snapshot import Snapshot
from reconciler.model.address import Kind
from reconciler.model.approvals import ActivityDecision
from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.journal import Before, OpenEntry, PostSeen
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Done, Outcome, Trouble, not_as_asked, not_done, stale
from reconciler.model.plurals import plural
from reconciler.model.posts import (
    ActivityId,
    AwaitPosts,
    ClearPosts,
    Discarded,
    GeneratePosts,
    Post,
    PostsAmong,
    PostsCondition,
    PostsOperation,
    PostStatus,
    RegeneratePosts,
)
from reconciler.model.sites import Bindings, RecordedSite
from reconciler.planner.baseline import ABSENT_NOW, PRESENT, key_of
from reconciler.planner.decisions import STORIES
from reconciler.planner.live_posts import live_posts

TO_COME: Final = frozenset({PostStatus.DRAFT, PostStatus.SCHEDULED})
"""Statuses of a post that has not gone out, and that clearing removes."""

CHANGED: Final = stale("the activity's posts have changed since the plan")


class PostsKind(ManagedKind[PostsOperation]):
    """All posts of an activity."""

    async def unmet(
        self, required: PostsCondition, operation: Operation, site: SiteCache, moment: Moment
    ) -> Diagnostic | None:
        return await posts_unmet(required, site)

    async def prepared(self, operation: PostsOperation, site: SiteCache) -> PostsOperation:
        """A cancelled story may be a draft again (10.2), and a separate call clears stories (D 6.2)."""
        if not isinstance(operation, ClearPosts) or operation.stories:
            return operation
        drafts = (post for post in await _posts(operation, site) if post.status is PostStatus.DRAFT)
        return replace(operation, stories=any(post.is_story for post in drafts))

    async def before(self, operation: PostsOperation, site: SiteCache) -> Before:
        posts = await _posts(operation, site)
        match operation:
            case GeneratePosts():
                return Before(known=tuple(sorted(post.id for post in posts)))
            case RegeneratePosts(stories=stories):
                # Stories have calls of their own (D 6.2): only the drafts that this call regenerates are compared.
                discards = tuple(
                    Discarded(post.id, operation.title, post.channel, type=post.type)
                    for post in posts
                    if post.id in operation.discards
                )
                return replace(_drafts(post for post in posts if post.is_story == stories), drafts=discards or ABSENT)
            case ClearPosts(stories=stories):
                return _drafts(post for post in posts if stories or not post.is_story)
            case AwaitPosts():
                return Before()
            case _:
                assert_never(operation)

    def decision(self, operation: PostsOperation) -> str | None:
        match operation:
            case RegeneratePosts(stories=True):
                return STORIES
            case RegeneratePosts(media_only=True):
                return ActivityDecision.REGENERATE_MEDIA
            case RegeneratePosts() | GeneratePosts():  # without a draft left to regenerate, new posts are generated
                return ActivityDecision.REGENERATE
            case ClearPosts():
                return ActivityDecision.DISCARD
            case AwaitPosts():
                return None
            case _:
                assert_never(operation)

    def reads(self, operation: PostsOperation) -> OutcomeReads:
        return OutcomeReads(activities=frozenset({operation.activity}))

    def outcome(self, operation: PostsOperation, entry: OpenEntry, found: Snapshot, now: datetime) -> Outcome | None:
        """While drafts are being regenerated, the API shows a mixture (D 6.2): some new ones are enough here."""
        live = found.posts_of(operation.activity)
        match operation:
            case GeneratePosts():
                return Done() if any(post.id not in entry.before.known for post in live) else None
            case RegeneratePosts(stories=stories):
                before = {(seen.id, seen.digest) for seen in entry.before.posts}
                drafts = (post for post in live if post.status is PostStatus.DRAFT and post.is_story == stories)
                return Done() if any((post.id, post.digest) not in before for post in drafts) else None
            case ClearPosts():
                left = _left(operation, entry, live)
                return not_done(Trouble.NO_EFFECT, "the posts are still there") if left else Done()
            case AwaitPosts():
                return None
            case _:
                assert_never(operation)

    def mismatch(
        self, operation: PostsOperation, entry: OpenEntry, created: str | None, found: Snapshot, now: datetime
    ) -> Diagnostic | None:
        if not isinstance(operation, ClearPosts):
            return None  # new posts are read back where they are waited for
        left = _left(operation, entry, found.posts_of(operation.activity))
        if not left:
            return None
        return not_as_asked(f"asked for its posts to be cleared, but it still has {plural(len(left), 'post')}")

    def leaves(self, operation: PostsOperation, entry: OpenEntry, done: Done, context: OutcomeContext) -> Bindings:
        key = key_of(Kind.POSTS, operation.activity)
        match operation:
            case GeneratePosts():
                return Bindings(objects=((key, PRESENT),))
            case RegeneratePosts(discards=discards):
                return Bindings(objects=thrown_away(discards, context.recorded))
            case ClearPosts(discards=discards):
                return Bindings(objects=((key, ABSENT_NOW), *thrown_away(discards, context.recorded)))
            case AwaitPosts():
                return Bindings()
            case _:
                assert_never(operation)

    def leaves_in_part(
        self, operation: PostsOperation, entry: OpenEntry, found: Snapshot, recorded: RecordedSite
    ) -> Bindings:
        """A second request clears stories, so a run may end with the other drafts gone and the stories still there."""
        if not isinstance(operation, ClearPosts):
            return Bindings()
        there = {post.id for post in found.posts_of(operation.activity)}
        return Bindings(objects=thrown_away((post for post in operation.discards if post not in there), recorded))

    def touches(self, operation: PostsOperation) -> frozenset[str]:
        match operation:
            case RegeneratePosts(discards=discards) | ClearPosts(discards=discards):
                return frozenset({f"posts of {operation.activity}", *discards})
            case GeneratePosts() | AwaitPosts():
                return frozenset({"marketing plan"})
            case _:
                assert_never(operation)

    def activity(self, operation: PostsOperation) -> ActivityId | None:
        return None if isinstance(operation, AwaitPosts) else operation.activity

    spoils = activity


async def _posts(operation: PostsOperation, site: SiteCache) -> tuple[Post, ...]:
    activities = (await site.marketing_plan()).activities
    return next((activity.posts for activity in activities if activity.id == operation.activity), ())


def _left(operation: ClearPosts, entry: OpenEntry, live: tuple[Post, ...]) -> list[Post]:
    asked = {seen.id for seen in entry.before.posts} | set(operation.discards)
    return [post for post in live if post.id in asked and post.status in TO_COME]


def _drafts(posts: Iterable[Post]) -> Before:
    seen = (PostSeen(post.id, post.digest) for post in posts if post.status is PostStatus.DRAFT)
    return Before(posts=tuple(sorted(seen, key=lambda post: post.id)))


# --- preconditions ---------------------------------------------------------------------------------


async def posts_unmet(required: PostsCondition, site: SiteCache) -> Diagnostic | None:
    """What posts an activity has instead of the required ones. May raise an ApiError."""
    activities = {activity.id: activity for activity in (await site.marketing_plan()).activities}
    if required.activity not in activities:
        return stale("the activity is gone")
    found = tuple((post.id, post.digest) for post in live_posts(activities[required.activity]))
    if sorted(found) == sorted(required.posts):
        return None
    if isinstance(required, PostsAmong) and set(found) <= set(required.posts):
        return None
    return CHANGED if required.posts else stale(f"the activity has {plural(len(found), 'post')} now")
