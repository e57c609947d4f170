"""Which activities lose their posts in a plan, and why; and whether the file allows what a generation throws away."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.activities import Activity
from reconciler.model.address import Kind
from reconciler.model.approvals import Approvals
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.marketing_plan import Discard, MarketingPlan
from reconciler.model.operations import (
    CancelPost,
    DeleteActivity,
    DeleteMarketingPlan,
    Regenerate,
    discards_of,
)
from reconciler.model.posts import ActivityId, Discarded, PostId, PostStatus
from reconciler.planner.actions import Action, Reason, RefusedBy, refusal
from reconciler.planner.generation import upcoming_posts
from reconciler.planner.matching import in_order
from reconciler.planner.options import Scope
from reconciler.planner.waiting import Unwanted


def losses(actions: Iterable[Action], activities: Iterable[Activity], scope: Scope) -> dict[ActivityId, Unwanted]:
    """The activities whose posts these actions take away, with the reason for each.

    A regeneration takes those of all upcoming activities, but only where the file lets it throw away anything:
    elsewhere it is refused, rather than cancelling what people approved.
    """
    activities = tuple(activities)
    lost: dict[ActivityId, Unwanted] = {}
    for action in actions:
        unwanted = Unwanted(action.reason, action.because)
        operation = action.operation
        if isinstance(operation, DeleteMarketingPlan):
            lost |= {activity.id: unwanted for activity in activities}
        elif isinstance(operation, Regenerate) and operation.discardable is Discard.ALL:
            replaced = Unwanted(Reason.REPLACED)
            lost |= {activity.id: replaced for activity in activities if activity.date >= scope.now}
        elif isinstance(operation, DeleteActivity):
            lost[operation.id] = unwanted
    return lost


def judge_regeneration(
    actions: Iterable[Action],
    cancelled: frozenset[PostId],
    live: MarketingPlan,
    approvals: Approvals,
    scope: Scope,
) -> tuple[Diagnostic, ...]:
    """The refusal of a regeneration that throws away more than `discard` allows. What is cancelled for its own
    reasons is not lost by it."""
    regenerations = [action.operation for action in actions if isinstance(action.operation, Regenerate)]
    if not regenerations:
        return ()
    discard = regenerations[0].discardable
    drafts = upcoming_posts(live, scope.now, frozenset({PostStatus.DRAFT}))
    dates = {post.id: activity.date for activity in live.activities for post in activity.posts}
    approved = [post for post in drafts if approvals.approves(post, dates[post.id])]
    scheduled = [
        post for post in upcoming_posts(live, scope.now, frozenset({PostStatus.SCHEDULED})) if post.id not in cancelled
    ]
    counts = {
        Discard.ALL: [],
        Discard.UNAPPROVED: [(len(approved), "approved draft"), (len(scheduled), "scheduled post")],
        Discard.NOTHING: [(len(drafts), "draft"), (len(scheduled), "scheduled post")],
    }[discard]
    found = [f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count]
    if not found:
        return ()
    return (
        refusal(
            scope.address(Kind.MARKETING_PLAN),
            RefusedBy.DISCARD,
            f"regenerating would throw away {' and '.join(found)}, and regenerate.discard is {discard.value}",
            "set marketingPlan.regenerate.discard to all to allow it, or when: never to keep them",
        ),
    )


def posts_cancelled(actions: Iterable[Action]) -> frozenset[PostId]:
    """The posts that actions take back."""
    return frozenset(action.operation.post for action in actions if isinstance(action.operation, CancelPost))


def thrown_away(
    actions: Iterable[Action], activities: Iterable[Activity], approvals: Approvals
) -> tuple[Discarded, ...]:
    """The drafts that actions throw away, in the order of their activities, each with whether it is approved."""
    posts = {post for action in actions for post in discards_of(action.operation)}
    return tuple(
        Discarded(post.id, activity.title, post.channel, approvals.approves(post, activity.date))
        for activity in in_order(activities)
        for post in activity.posts
        if post.id in posts
    )
