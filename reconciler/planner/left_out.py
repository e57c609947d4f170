"""Posts of a site that a run leaves out, judged by its files and its state alone: the site is not read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from reconciler.model.address import Address
from reconciler.model.approvals import ActivityDecision, Approvals, DraftDecision
from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.policy import Policy
from reconciler.model.schedule import DesiredSchedule, Pause
from reconciler.model.sites import DesiredSite, PublishedPost, RecordedSite
from reconciler.planner.actions import Reason
from reconciler.planner.gone_out import WhyNot, is_gone, moment_now, stopped_posts
from reconciler.planner.since_scheduled import since_scheduled_by_file
from reconciler.planner.used_approvals import adopted_posts, never_approved, scheduled_by_us

APPROVALS_UNKNOWN: Final = "approvals-unknown"
"""The code of the problem that it is not known whether scheduled posts of a site are still approved."""


def waiting_posts(recorded: RecordedSite, now: datetime) -> Iterator[tuple[PublishedPost, datetime | None]]:
    """The posts scheduled for the future, and not cancelled or deleted as far as the state knows, each with its time.

    That includes those that somebody else scheduled and that count as this tool's own. The time is None if the API
    picked it and it is not known.
    """
    ours = scheduled_by_us(recorded) - {outcome.post for outcome in recorded.outcomes} - stopped_posts(recorded)
    ours -= {id for id, post in recorded.last_published.items() if is_gone(recorded, post)}
    for post in (*recorded.published, *adopted_posts(recorded)):
        moment = moment_now(recorded, post)
        if post.id in ours and ((due := moment or post.date) is None or due > now):
            yield post, moment


def unasked_approvals(desired: DesiredSite, recorded: RecordedSite, now: datetime) -> Diagnostic | None:
    """Why it is not known whether the site's waiting posts are approved; None if it is, or if no post is waiting."""
    schedule, unasked = desired.schedule or DesiredSchedule(()), desired.approvals.unasked
    if unasked is None or not schedule.approval_required:
        return None
    if not any(waiting_posts(recorded, now)):
        return None
    unknown = "it is not known whether scheduled posts are still approved: "
    shared = unasked.shared
    if shared is not ABSENT:
        shared = f"{unknown}{shared[0]}", shared[1]
    fix = unasked.fix or "run in a checkout of the repository, with git on the PATH"
    found = Diagnostic(APPROVALS_UNKNOWN, f"{unknown}{unasked.message}", fix, address=Address(desired.ref.name))
    found = replace(found, shared=shared)
    if unasked.continues is not True or unasked.place is None:
        return found
    message = f"{unasked.message}, so it is not known whether scheduled posts are still approved"
    return replace(found, message=message, continues=True).at(unasked.place)


def unwanted_by_files(
    desired: DesiredSite, recorded: RecordedSite, policy: Policy, now: datetime
) -> Iterator[tuple[PublishedPost, datetime | None, WhyNot]]:
    """The posts that are waiting to go out although the files no longer want them, each with its time and the reason.

    What only the site could tell, such as changed content or a moved date, is not found here.
    """
    for post, moment in waiting_posts(recorded, now):
        reason = why_not_by_files(desired, recorded, policy, post)
        if reason is not None:
            yield with_account_named(post, desired.approvals), moment, reason


def with_account_named(post: PublishedPost, approvals: Approvals) -> PublishedPost:
    """A post as the state knows it, with its account's name if only an approvals file has that."""
    return replace(post, account=approvals.account_named(post.channel, post.account)) if post.account else post


def why_not_by_files(
    desired: DesiredSite, recorded: RecordedSite, policy: Policy, post: PublishedPost
) -> WhyNot | None:
    """Why the files no longer want a waiting post; None if they say nothing against it."""
    schedule, approvals = desired.schedule or DesiredSchedule(()), desired.approvals
    if schedule.paused.with_other(policy.paused) is Pause.CANCEL:
        return Reason.PAUSED
    activity, draft = approvals.activity_of(post.id), approvals.draft(post.id)
    sent_back = activity is not None and activity.decision is not ActivityDecision.KEEP and activity.counts
    done = activity is not None and (activity.id, activity.decision, activity.digest) in recorded.consumed
    if (sent_back and not done) or post.activity in approvals.uncommitted:
        return Reason.SENT_BACK
    if not schedule.approval_required or approvals.unasked is not None:
        return None
    undecided = draft is None or draft.decision is DraftDecision.PENDING
    if undecided and never_approved(recorded, post.id):
        return Reason.APPROVAL_NEEDED
    if activity is None or draft is None or post.id in approvals.uncommitted:
        return Reason.WITHDRAWN
    if draft.decision is DraftDecision.PENDING:
        since = since_scheduled_by_file(recorded, draft, activity)
        if since.content or since.account:
            return Reason.CHANGED
        return Reason.DATE_MOVED if since.date else Reason.WITHDRAWN
    return None if draft.earlier or draft.is_as_written(activity.date) else Reason.EDITED
