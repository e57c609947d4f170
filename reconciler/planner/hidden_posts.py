"""Posts that this tool scheduled, that are waiting to go out, and that the marketing plan does not show.

They are found by asking for them by id.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from reconciler.model.activities import Activity
from reconciler.model.marketing_plan import PlanStatus
from reconciler.model.posts import ActivityId, Post, PostStatus
from reconciler.model.sites import CLOCKS_DIFFER, Need, ObservedSite, PublishedPost, RecordedSite
from reconciler.planner.used_approvals import scheduled_by_us

SEEN_FOR_SURE: Final = timedelta(days=1)
"""A read of the upcoming activities is sure to show the activity of a post that is this far ahead."""


SHOWS_NOTHING: Final = frozenset({PlanStatus.GENERATING, PlanStatus.FAILED, PlanStatus.INACTIVE})
"""Statuses of a marketing plan that exists but shows no activities."""


def orphans(observed: ObservedSite, recorded: RecordedSite, now: datetime) -> tuple[Activity, ...]:
    """This tool's posts that are waiting to go out while the marketing plan does not show their activity.

    Each is in an activity made from its record. The window that a read shows starts today (D 6.2), so an activity that
    is not ahead counts as gone only if a read of the past ones does not show it either.
    """
    live = observed.marketing_plan
    if live is None or live.status not in (PlanStatus.ACTIVE, PlanStatus.NEVER_CREATED):
        return ()
    found = []
    for post, moment in _not_shown(observed, recorded):
        known = recorded.last_published.get(post.id)
        if _is_gone(known, moment, observed, now):
            activity = known.activity if known else ActivityId("")
            id = activity or ActivityId(f"of {post.id}")
            found.append(Activity(id, known.title if known else "", "", moment, None, (post,)))
    return tuple(found)


def _is_gone(known: PublishedPost | None, moment: datetime, observed: ObservedSite, now: datetime) -> bool:
    live = observed.marketing_plan
    if live is not None and live.status is PlanStatus.NEVER_CREATED:
        return True  # as is the marketing plan
    if known is None or known.date is None or not known.activity:
        return moment - now > SEEN_FOR_SURE
    if known.date - now > CLOCKS_DIFFER:
        return True
    return Need.PAST_ACTIVITIES in observed.had_reads and known.activity not in observed.past_activities


def may_be_past(observed: ObservedSite, recorded: RecordedSite) -> bool:
    """Whether a waiting post's activity may be hidden only because its time has passed, and not because it is gone."""
    live = observed.marketing_plan
    if live is None or live.status is not PlanStatus.ACTIVE:
        return False
    return any(activity.date - observed.read_at <= CLOCKS_DIFFER for activity in _of_records(observed, recorded))


def of_past_activities(observed: ObservedSite, recorded: RecordedSite) -> tuple[Activity, ...]:
    """This tool's posts that wait although their activity's time has passed, with what the state knows about them."""
    return tuple(found for found in _of_records(observed, recorded) if found.id in observed.past_activities)


def with_hidden_posts(observed: ObservedSite, recorded: RecordedSite) -> ObservedSite:
    """The site, with this tool's waiting posts added to activities that do not show them.

    Whether an activity keeps its scheduled posts is not documented (6.4). If such a post can still be read by id, it is
    not gone, and it is judged like the posts that are shown.
    """
    live = observed.marketing_plan
    if live is None or live.status is not PlanStatus.ACTIVE:
        return observed
    found: dict[ActivityId, tuple[Post, ...]] = {}
    for post, _ in _not_shown(observed, recorded):
        if known := recorded.last_published.get(post.id):
            found[known.activity] = (*found.get(known.activity, ()), post)
    if not any(activity.id in found for activity in live.activities):
        return observed
    activities = tuple(
        replace(activity, posts=(*activity.posts, *found.get(activity.id, ()))) for activity in live.activities
    )
    return replace(observed, marketing_plan=replace(live, activities=activities))


def hidden(observed: ObservedSite, recorded: RecordedSite) -> tuple[Activity, ...]:
    """This tool's waiting posts while the marketing plan shows nothing, with what the state knows about them.

    A marketing plan that is being generated, has failed or is inactive says nothing about them, so they are judged as
    usual.
    """
    live = observed.marketing_plan
    if live is None or live.status not in SHOWS_NOTHING:
        return ()
    return tuple(_of_records(observed, recorded))


def _of_records(observed: ObservedSite, recorded: RecordedSite) -> Iterator[Activity]:
    """The activities of the posts that are not shown, as far as the state knows them."""
    for post, _ in _not_shown(observed, recorded):
        known = recorded.last_published.get(post.id)
        # An approval is given for a certain day: without the day, nobody can tell whether it counts.
        if known is not None and known.date is not None and known.activity:
            yield Activity(known.activity, known.title, "", known.date, None, (post,))


def _not_shown(observed: ObservedSite, recorded: RecordedSite) -> Iterator[tuple[Post, datetime]]:
    """This tool's scheduled posts that were read by id and that the marketing plan does not show."""
    shown = {post.id for post in observed.posts}
    ours = scheduled_by_us(recorded)
    for id, post in observed.items:
        if post is None or post.status is not PostStatus.SCHEDULED or id in shown or id not in ours:
            continue
        if post.scheduled_for is not None:
            yield post, post.scheduled_for
