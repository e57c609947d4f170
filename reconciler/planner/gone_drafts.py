"""Posts that are to go out and that the site no longer has: only a person can change that.

Somebody removed them, or the marketing plan was generated again outside of this tool.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reconciler.model.address import Kind
from reconciler.model.approvals import ActivityDecision, DraftDecision
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.marketing_plan import PlanStatus
from reconciler.model.posts import PostId, name_of, post_name
from reconciler.model.sites import DesiredSite, ObservedSite, RecordedSite
from reconciler.model.text import printable
from reconciler.planner.actions import BlockedBy, blocked
from reconciler.planner.baseline import key_of
from reconciler.planner.hidden_posts import SEEN_FOR_SURE
from reconciler.planner.options import Scope


def gone_drafts(
    desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, scope: Scope
) -> tuple[Diagnostic, ...]:
    """The approved drafts of upcoming activities that an ACTIVE marketing plan does not show.

    Not those that this tool scheduled or threw away: about those, the plan says more.
    """
    live, schedule = observed.marketing_plan, desired.schedule
    if live is None or live.status is not PlanStatus.ACTIVE or schedule is None or not schedule.approval_required:
        return ()
    if not recorded.is_known or desired.approvals.unasked is not None:
        return ()
    shown = {post.id for post in observed.posts}
    return tuple(
        blocked(
            scope.address(Kind.DRAFT, draft.id),
            BlockedBy.DRAFT_GONE,
            f"{name} was approved, but is gone from the site",
            "run review, and approve what is there now",
            name,
            says_name=True,
        )
        for activity in desired.approvals.activities
        # The window that a read shows starts today, in a time zone that is not known (D 6.2, 14.9).
        if activity.decision is ActivityDecision.KEEP and activity.date - scope.now > SEEN_FOR_SURE
        for draft in activity.drafts
        if draft.decision is DraftDecision.APPROVE
        and draft.id not in shown
        and draft.id not in recorded.published_by_id
        and recorded.object(key_of(Kind.DRAFT, draft.id)) is None
        for name in (printable(post_name(activity.title, draft.channel, draft.type)),)
    )


def gone_scheduled(
    desired: DesiredSite, recorded: RecordedSite, gone: Collection[PostId], scope: Scope
) -> Iterator[Diagnostic]:
    """The `gone` posts that this tool scheduled and that are still approved, or need no approval."""
    schedule, approvals = desired.schedule, desired.approvals
    if schedule is None or approvals.unasked is not None:
        return
    for id in sorted(gone):
        draft, activity = approvals.draft(id), approvals.activity_of(id)
        if schedule.approval_required and (draft is None or draft.decision is not DraftDecision.APPROVE):
            continue
        if activity is None or activity.decision is ActivityDecision.KEEP:
            name = printable(name_of(recorded.last_published[id]))
            yield blocked(
                scope.address(Kind.DRAFT, id),
                BlockedBy.DRAFT_GONE,
                f"{name} was scheduled, but the site no longer has it",
                "if it should still go out, add it again in the site's dashboard; "
                "then run review, and approve what is there now",
                name,
                says_name=True,
            )
