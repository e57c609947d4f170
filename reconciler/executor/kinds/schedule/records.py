"""What is recorded of a post that a call scheduled or moved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from reconciler.executor.kinds.base import OutcomeContext
from reconciler.model.canonical import Digest
from reconciler.model.journal import OpenEntry
from reconciler.model.posts import PostId, account_with_name
from reconciler.model.schedule import ReschedulePost, SchedulePost
from reconciler.model.sites import PublishedPost
from reconciler.planner.used_approvals import times_used

NOTHING_SCHEDULED: Final = PublishedPost(PostId(""), Digest(""), "", None, datetime.min.replace(tzinfo=UTC))


def published_post(
    operation: SchedulePost | ReschedulePost, entry: OpenEntry, context: OutcomeContext
) -> PublishedPost:
    """The record of a post that this call scheduled or moved.

    Its time is the one that was read after the call, or the requested one if nothing was read. The commit and the
    approver come from the options. If the site's time zone was not read, the last known one is used.

    Its `done_at` is the time in its journal entry, so that two notes of it still count as one scheduling.
    """
    post, digest, recorded = operation.post, operation.digest, context.recorded
    found, options = context.found, context.options
    moved = isinstance(operation, ReschedulePost)
    zone = context.zone or max(recorded.published, key=lambda each: each.done_at, default=NOTHING_SCHEDULED).zone
    live, activity = (found.post(post), found.activity(operation.activity)) if found else (None, None)
    moment = operation.at if found is None else live.scheduled_for if live else None
    earlier = recorded.published_by_id.get(post, ()) if moved else ()
    if (before := next((each for each in earlier if each.digest == digest), None)) is not None:
        # The same scheduling, moved to another time: not a second one.
        return replace(before, scheduled_for=moment, date=activity.date if activity else before.date, zone=zone)
    # Earlier uses of its approvals count too; otherwise, an approval that is used up could count again.
    used = times_used(recorded, post, frozenset({digest}))
    commit, approver = (options.commit, dict(options.approvers).get(post)) if options else (None, None)
    return PublishedPost(
        post,
        digest,
        operation.channel,
        moment,
        entry.started_at,
        commit=commit,
        approver=approver,
        activity=operation.activity,
        title=operation.title,
        account=(account_with_name(live, operation.account) or None) if live else None,
        date=activity.date if activity else None,
        approved=operation.approved,
        zone=zone,
        type=operation.type,
        times=max(used, 1) if moved else used + 1,
    )
