"""What must hold before posts go out or are cancelled, checked against the site and the time."""

from __future__ import annotations

from datetime import datetime
from typing import Final, assert_never

from reconciler.executor.kinds.base import Moment
from reconciler.executor.site_cache import SiteCache
from reconciler.executor.stale_drafts import posts_shown_as_drafts
from reconciler.model.approvals import DraftDecision
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.marketing_plan import MarketingPlan
from reconciler.model.moments import moment_text
from reconciler.model.outcomes import stale
from reconciler.model.posts import GONE_OUT, Post, PostStatus, post_name
from reconciler.model.schedule import (
    Approved,
    DraftCondition,
    NothingWaits,
    PostIs,
    SchedulePost,
    StillAhead,
    StillScheduled,
)
from reconciler.model.text import printable
from reconciler.planner.used_approvals import times_of

GONE: Final = stale("the post is gone")


LISTED: Final = 3
"""How many posts a message names."""


def is_scheduled(live: Post) -> bool:
    """Whether a post is waiting to go out, is going out, or has gone out."""
    return live.status is PostStatus.SCHEDULED or live.status in GONE_OUT


async def post_unmet(required: PostIs | StillScheduled, site: SiteCache) -> Diagnostic | None:
    """What a post is instead of what is required. May raise an ApiError."""
    post = (await site.marketing_plan()).posts_by_id.get(required.id)
    if post is None and isinstance(required, PostIs) and required.status is PostStatus.SCHEDULED:
        # The activity of a scheduled post may not show it (6.4).
        post = await site.reader.post(site.site, required.id)
    if isinstance(required, StillScheduled):
        # The marketing plan may not show it, if it has outlived its activity (14.8), or may show it as it was (17.6).
        if post is None:
            post = await site.reader.post(site.site, required.id)
        elif as_they_are := await posts_shown_as_drafts(site.site, site.reader, [post]):
            (post,) = as_they_are
        if post is not None and post.status is PostStatus.SCHEDULED:
            return None
        return GONE if post is None else stale(f"the post is {printable(str(post.status))} now")
    if post is None:
        return GONE
    if post.status != required.status:
        return stale(f"the post is {printable(str(post.status))} now, not {required.status}")
    return None if post.digest == required.content else stale("the post's content has changed since the plan")


def right_unmet(required: DraftCondition, moment: Moment) -> Diagnostic | None:
    """What blocks publishing, as far as it can be judged without reading the site; None if nothing does."""
    match required:
        case StillAhead():
            return time_unmet(required, moment.now, moment.zone)
        case Approved():
            return _approval_unmet(required, moment)
        case PostIs() | StillScheduled() | NothingWaits():
            return None
        case _:
            assert_never(required)


def _approval_unmet(required: Approved, moment: Moment) -> Diagnostic | None:
    times = times_of(moment.recorded, required.post, frozenset({required.content}))
    if required.times not in (None, times):
        return stale("another run has scheduled it, and an approval counts only once")
    if required.decided is None:
        return None
    draft = moment.approvals.draft(required.post)
    if draft is None or draft.decision is not DraftDecision.APPROVE:
        return stale("the approval was withdrawn")
    if (draft.digest, draft.cancelled) != (required.decided, required.cancelled):
        return stale("different content is approved now", "run plan again")
    return None


async def waiting_unmet(required: NothingWaits, site: SiteCache, moment: Moment) -> Diagnostic | None:
    """The posts of an activity, or of all upcoming ones, that are waiting to go out or may be.

    May raise an ApiError.
    """
    posts = [
        (post, post_name(printable(activity.title), printable(post.channel), printable(post.type)))
        for activity in (await site.marketing_plan()).activities
        if activity.id == required.activity or (required.activity is None and activity.date >= moment.now)
        for post in activity.posts
    ]
    # An unknown status of a later version may mean that it is waiting.
    waiting = [
        name for post, name in posts if post.status is PostStatus.SCHEDULED or not isinstance(post.status, PostStatus)
    ]
    if waiting:
        are, them = ("is", "it") if len(waiting) == 1 else ("are", "them")
        return stale(f"{_listed(waiting)} {are} still waiting to go out", f"cancel {them} first")
    asked = {entry.operation.post for entry in moment.recorded.open if isinstance(entry.operation, SchedulePost)}
    if in_doubt := [name for post, name in posts if post.id in asked]:
        # It reads as a draft, but reads may lag behind the call that scheduled it (17.6).
        them = "it" if len(in_doubt) == 1 else "them"
        return stale(
            f"{_listed(in_doubt)} may be waiting to go out: it is not known whether an earlier run scheduled {them}"
        )
    return None


def _listed(names: list[str]) -> str:
    return ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")


def time_unmet(required: StillAhead, now: datetime, zone: str) -> Diagnostic | None:
    """The problem if it has become too late for a post; None if it has not."""
    late = required.moment <= now or required.moment - now < required.lead
    what = f"too late: it would go out {moment_text(required.moment, zone)}"
    return stale(what, "run plan again") if late else None


def not_as_approved(operation: SchedulePost, live: MarketingPlan) -> Diagnostic | None:
    """How a draft differs from what was approved; None if it does not."""
    post = live.posts_by_id.get(operation.post)
    if post is None:
        return stale("the draft is gone")
    if post.status is not PostStatus.DRAFT:
        return stale(f"the post is {printable(str(post.status))}, no longer a draft")
    return None if post.digest == operation.digest else stale("changed after approval", "review it again")
