"""Posts scheduled without an approval that somebody edited on the site since, and that the plan leaves as they are."""

from __future__ import annotations

from typing import Final

from reconciler.model.activities import Activity
from reconciler.model.address import Kind
from reconciler.model.approvals import Approvals
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.posts import Post, PostStatus, post_name
from reconciler.model.schedule import CancelPost
from reconciler.model.sites import DesiredSite, ObservedSite, PublishedPost, RecordedSite
from reconciler.planner.actions import BlockedBy, Plan, blocked
from reconciler.planner.approval_checks import difference_words
from reconciler.planner.options import Scope
from reconciler.planner.since_scheduled import since_scheduled
from reconciler.planner.used_approvals import scheduled_by_us
from reconciler.planner.wanted_posts import goes_out_words, moment_in

KEEP_OR_CHANGE: Final = "to keep it as it is, run review and approve it; otherwise change or cancel it on the site"


def is_edited(last: PublishedPost, activity: Activity, post: Post, approvals: Approvals) -> bool:
    """Whether a post's content is not what was scheduled, and nobody has approved it."""
    return post.digest != last.digest and not approvals.approves(post, activity.date)


def edited_by_hand(
    desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, plan: Plan, scope: Scope
) -> tuple[Diagnostic, ...]:
    """The posts that go out with content that nobody asked for, and about which the plan says nothing else.

    If an approval is needed, such a post is cancelled.
    """
    if desired.schedule is None or desired.schedule.approval_required or not recorded.published:
        return ()
    said = {action.address for action in plan.actions if isinstance(action.operation, CancelPost)}
    said |= {problem.about for problem in plan.blocked} | {post.address for post in plan.still_going_out}
    ours, last = scheduled_by_us(recorded), recorded.last_published
    found = []
    for activity in observed.activities:
        for post in activity.posts:
            address = scope.address(Kind.DRAFT, post.id)
            moment = moment_in(activity, post)
            if (
                post.status is not PostStatus.SCHEDULED
                or post.id not in ours
                or post.id not in last
                or moment <= scope.now
                or address in said
                or not is_edited(last[post.id], activity, post, desired.approvals)
            ):
                continue
            name = post_name(activity.title, post.channel, post.type)
            goes_out = goes_out_words(activity, post, desired.approvals, recorded, scope.zone_name)
            account = desired.approvals.account_of(post)
            since = since_scheduled(recorded, post, activity.date, account)
            what = difference_words(since.differences, scope.zone_name)
            detail = f" ({what})" if what else ""
            message = f"{goes_out} and was edited on the site after it was scheduled{detail}"
            found.append(blocked(address, BlockedBy.EDITED_BY_HAND, message, KEEP_OR_CHANGE, name, says_name=True))
    return tuple(found)
