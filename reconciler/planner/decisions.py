"""What people decided about whole activities -> their posts made again, or cleared; each decision once.

A decision is about the drafts that stand below it in the approvals file. It is used up when the state says
that it was carried out for them, and also when none of them is there any more.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.activities import Activity
from reconciler.model.address import Kind
from reconciler.model.approvals import ActivityApproval, ActivityDecision, Approvals
from reconciler.model.operations import AwaitPosts, ClearPosts, Operation, RegeneratePosts
from reconciler.model.posts import ActivityId, Post, PostStatus
from reconciler.model.sites import RecordedSite
from reconciler.planner.actions import Action, PostsAre, Reason
from reconciler.planner.activities import in_order
from reconciler.planner.options import Scope
from reconciler.planner.posts import WAITING, cancel_stories, clearable_posts, live_posts


@dataclass(frozen=True, slots=True)
class DecisionsPart:
    """`cleared` are activities whose posts go away; the drafts of `held` ones are about to be others."""

    actions: tuple[Action, ...] = ()
    cleared: frozenset[ActivityId] = frozenset()
    held: frozenset[ActivityId] = frozenset()


def plan_decisions(
    approvals: Approvals,
    activities: tuple[Activity, ...],
    cleared_by_rule: frozenset[ActivityId],
    recorded: RecordedSite,
    scope: Scope,
) -> DecisionsPart:
    """The decisions that are still to be carried out. What a rule clears anyway needs no decision."""
    under_way = _under_way(recorded)
    actions: list[Action] = []
    cleared: set[ActivityId] = set()
    held: set[ActivityId] = set()
    for activity in in_order(activities):
        if activity.id in cleared_by_rule or activity.date < scope.now:
            continue
        if activity.id in under_way:
            actions.append(_wait(activity, scope))
            held.add(activity.id)
            continue
        approval = approvals.activity(activity.id)
        if approval is None or is_carried_out(approval, activity, recorded):
            continue
        actions += _actions(approval.decision, activity, scope)
        (cleared if approval.decision is ActivityDecision.DISCARD else held).add(activity.id)
    return DecisionsPart(tuple(actions), frozenset(cleared), frozenset(held))


def is_carried_out(approval: ActivityApproval, activity: Activity, recorded: RecordedSite) -> bool:
    """Whether nothing is left to do for an activity's decision; always so for `keep`."""
    if approval.decision is ActivityDecision.KEEP:
        return True
    if (approval.id, approval.decision.value, approval.digest) in recorded.consumed:
        return True
    reviewed = {one.digest for one in approval.drafts}
    return not any(post.digest in reviewed for post in _affected(approval.decision, activity))


def discarded(approvals: Approvals, recorded: RecordedSite) -> frozenset[ActivityId]:
    """Activities that somebody discarded: a posts rule does not give them posts again, until a person writes
    another decision."""
    decided = {one.id: one.decision for one in approvals.activities}
    now = {one for one, decision in decided.items() if decision is ActivityDecision.DISCARD}
    before = {one for one, decision, _ in recorded.consumed if decision == ActivityDecision.DISCARD.value}
    return frozenset(now | (before - decided.keys()))


def _affected(decision: ActivityDecision, activity: Activity) -> tuple[Post, ...]:
    """The posts that a decision is about: drafts are made again, scheduled ones are only cleared (D 6.2)."""
    statuses = WAITING if decision is ActivityDecision.DISCARD else frozenset({PostStatus.DRAFT})
    return tuple(one for one in live_posts(activity) if one.status in statuses)


def _under_way(recorded: RecordedSite) -> frozenset[str]:
    """The activities whose posts an earlier run sent to be made again, and which may still be in the making."""
    return frozenset(
        entry.address.rsplit("[", 1)[-1].removesuffix("]")
        for entry in recorded.open
        if entry.call == "regenerate-posts"
    )


def _wait(activity: Activity, scope: Scope) -> Action:
    address = scope.address(Kind.POSTS, activity.id)
    return Action(address, AwaitPosts(activity.id, activity.title), Reason.UNDER_WAY)


def _actions(decision: ActivityDecision, activity: Activity, scope: Scope) -> tuple[Action, ...]:
    because = (f"decision: {decision.value}",)
    discard = decision is ActivityDecision.DISCARD
    affected = clearable_posts(activity) if discard else _affected(decision, activity)
    cancels = cancel_stories(activity, Reason.SENT_BACK, because, scope) if discard else ()
    if not affected:
        return cancels
    discards = tuple(one.id for one in affected)
    # Stories are made again and cleared by calls of their own, and only where there are drafts of them (D 6.2).
    stories = any(one.is_story and one.status is PostStatus.DRAFT for one in affected)
    operation: Operation
    if discard:
        operation = ClearPosts(activity.id, activity.title, discards, stories)
    else:
        media_only = decision is ActivityDecision.REGENERATE_MEDIA
        operation = RegeneratePosts(activity.id, activity.title, discards, media_only, stories)
    requires = (PostsAre(activity.id, tuple((one.id, one.digest) for one in live_posts(activity))),)
    return (Action(scope.address(Kind.POSTS, activity.id), operation, Reason.SENT_BACK, because, requires), *cancels)
