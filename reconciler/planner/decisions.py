"""What people decided about whole activities -> posts regenerated or cleared, each decision once.

A decision is about the drafts listed below it in the approvals file. It is used up once the state says that it was
carried out for them, or once none of them exists any more. If one of them has changed since, or a rule selects another
draft, nobody has decided about what is there now: nothing is thrown away, and the next review asks again.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from reconciler.model.activities import Activity
from reconciler.model.address import Kind
from reconciler.model.approvals import ActivityApproval, ActivityDecision, Approvals, ApprovalState
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.policy import Policy
from reconciler.model.posts import (
    GONE_OUT,
    ActivityId,
    AwaitPosts,
    GeneratePosts,
    Post,
    PostId,
    PostStatus,
    RegeneratePosts,
)
from reconciler.model.schedule import NothingWaits, PostIs
from reconciler.model.sites import DesiredSite, RecordedSite
from reconciler.model.text import printable
from reconciler.planner.actions import Action, BlockedBy, Reason, blocked
from reconciler.planner.approval_checks import not_committed
from reconciler.planner.baseline import WAS_CANCELLED, key_of
from reconciler.planner.candidates import DraftSelection, select_drafts
from reconciler.planner.live_posts import as_listed, live_posts
from reconciler.planner.matching import in_order
from reconciler.planner.options import Scope
from reconciler.planner.posts import WAITING, clear_posts
from reconciler.planner.wanted_posts import Unwanted

STORIES: Final = "regenerate-stories"
"""The state's name for the stories' share of a decision to regenerate posts."""


class DecisionsPart(Struct, frozen=True):
    """What becomes of the activities that people decided about.

    `cleared` are activities whose posts go away. Those in `held` are about to get new drafts. `lost` are those whose
    decision is not carried out yet, each with why its scheduled posts are cancelled. `undecided` are those to be
    decided about again, because their drafts have changed: none of them goes out before that.
    """

    actions: tuple[Action, ...] = ()
    cleared: frozenset[ActivityId] = frozenset()
    held: frozenset[ActivityId] = frozenset()
    lost: tuple[tuple[ActivityId, Unwanted], ...] = ()
    undecided: frozenset[ActivityId] = frozenset()
    blocked: tuple[Diagnostic, ...] = ()
    """Decisions that cannot count, each with how to make it count."""
    notes: tuple[Diagnostic, ...] = ()


def plan_decisions(
    approvals: Approvals,
    activities: tuple[Activity, ...],
    cleared_by_rule: frozenset[ActivityId],
    wanted: frozenset[PostId],
    recorded: RecordedSite,
    scope: Scope,
) -> DecisionsPart:
    """The decisions still to be carried out. Posts that a rule clears anyway need no decision.

    `wanted` are the drafts that a review would list (`wanted_drafts`).
    """
    under_way = _under_way(recorded)
    actions: list[Action] = []
    cleared: set[ActivityId] = set()
    held: set[ActivityId] = set()
    lost: list[tuple[ActivityId, Unwanted]] = []
    undecided: set[ActivityId] = set()
    uncounted: list[Diagnostic] = []
    notes: list[Diagnostic] = []
    for activity in in_order(activities):
        if activity.id in cleared_by_rule or activity.date < scope.now:
            continue
        calls = under_way.get(activity.id, ())
        waits = tuple(_wait(activity, call, scope) for call in calls)
        approval = approvals.activity(activity.id)
        if (cannot_count := _cannot_count(approval, activity, approvals, scope)) is not None:
            uncounted.append(cannot_count)
            approval = None
        left = approval is not None and not is_carried_out(approval, activity, recorded)
        if approval is not None and (
            is_out_of_date(approval, activity, approvals, wanted, recorded)
            if left
            else not waits and came_to_nothing(approval, activity, recorded)
        ):
            undecided.add(activity.id)
            if stops := left and _as_reviewed(approval, activity, _scheduled(activity)):
                lost.append((activity.id, Unwanted(Reason.SENT_BACK, (_word(approval),))))
            uncounted.append(_given_for_others(approval, activity, approvals, scope, stops=stops))
            left = False
        if waits or left:
            (held if waits or not _discards(approval) else cleared).add(activity.id)
        actions += waits
        if approval is None or not left:
            continue
        lost.append((activity.id, Unwanted(Reason.SENT_BACK, (_word(approval),))))
        if not _discards(approval):
            made = _make_again(approval, activity, recorded, calls, scope)
            actions += made
            notes += _stays_cancelled(activity, made)
        elif not waits:
            actions += clear_posts(activity, Reason.SENT_BACK, (_word(approval),), scope)
    return DecisionsPart(
        tuple(actions),
        frozenset(cleared),
        frozenset(held),
        tuple(lost),
        frozenset(undecided),
        tuple(uncounted),
        tuple(notes),
    )


def _stays_cancelled(activity: Activity, made: tuple[Action, ...]) -> tuple[Diagnostic, ...]:
    """The note that only drafts are regenerated (D 6.2), not the scheduled posts that are cancelled first."""
    count = len(_scheduled(activity))
    if not count or not any(isinstance(action.operation, RegeneratePosts) for action in made):
        return ()
    posts = "its scheduled post" if count == 1 else f"its {count:,} scheduled posts"
    what = f"{posts} will be cancelled, not regenerated, because only drafts are regenerated"
    return (Diagnostic.note("stays-cancelled", f'"{printable(activity.title)}": {what}'),)


def _cannot_count(
    approval: ActivityApproval | None, activity: Activity, approvals: Approvals, scope: Scope
) -> Diagnostic | None:
    """Why a decision about an activity cannot be carried out; None if it can, or if there is none."""
    address = scope.address(Kind.POSTS, activity.id)
    if activity.id in approvals.uncommitted:
        found = not_committed(approvals)
        return blocked(address, BlockedBy.NOT_COMMITTED, f'"{activity.title}": {found.message}', found.fix)
    if approval is None or not names_others(approval):
        return None
    return _given_for_others(approval, activity, approvals, scope, "other than those the file lists")


def names_others(approval: ActivityApproval) -> bool:
    """Whether a decision names drafts other than those that the file lists below it."""
    return approval.decision is not ActivityDecision.KEEP and bool(approval.drafts) and not approval.counts


def _given_for_others(
    approval: ActivityApproval,
    activity: Activity,
    approvals: Approvals,
    scope: Scope,
    which: str = "that have changed since",
    *,
    stops: bool = False,
) -> Diagnostic:
    """The problem that a decision is not carried out. `stops`: only its scheduled posts are cancelled."""
    address = scope.address(Kind.POSTS, activity.id)
    then = "only its scheduled posts are cancelled" if stops else "it is not carried out"
    message = f'"{activity.title}": `{_word(approval)}` in {approvals.file} was decided for drafts {which}, so {then}'
    return blocked(address, BlockedBy.DECIDED_FOR_OTHERS, message, "run review, and decide again")


def is_carried_out(approval: ActivityApproval, activity: Activity, recorded: RecordedSite) -> bool:
    """Whether an activity's decision is fully carried out; always true for `keep`.

    Scheduled posts are cancelled first, so while anything reviewed is still waiting to go out, something is left to do.
    """
    if approval.decision is ActivityDecision.KEEP or not approval.counts:
        return True  # A decision made for other drafts is not about these; _cannot_count reports it.
    if _as_reviewed(approval, activity, _scheduled(activity)):
        return False
    if approval.decision is ActivityDecision.DISCARD:
        left = _affected(approval.decision, activity)
        return (
            not left
            or _is_consumed(approval, approval.decision, recorded)
            or not _as_reviewed(approval, activity, (*left, *_cancelled_by_us(activity, recorded)))
        )
    return not _left_to_make(approval, activity, recorded)


def came_to_nothing(approval: ActivityApproval, activity: Activity, recorded: RecordedSite) -> bool:
    """Whether a decision was never carried out, and every draft it was made for has been replaced since.

    A draft counts as replaced if its content, its account or its activity's date differs. If the state knows nothing
    about the site, the decision itself may have replaced them, so this is false.
    """
    if approval.decision is ActivityDecision.KEEP or not recorded.is_known:
        return False
    if any(_is_consumed(approval, word, recorded) for word in (str(approval.decision), STORIES)):
        return False
    reviewed = {draft.id for draft in approval.drafts}
    affected = _affected(approval.decision, activity)
    return any(post.id in reviewed for post in affected) and not _as_reviewed(approval, activity, affected)


def settles_failures(approval: ActivityApproval, activity: Activity) -> bool:
    """Whether a decision still says that posts which failed, or may yet fail, to go out have been dealt with.

    Nothing else is left to carry out: no post of the activity waits any more.
    """
    listed = {draft.id for draft in approval.drafts}
    left = live_posts(activity)
    return (
        approval.decision is not ActivityDecision.KEEP
        and all(post.status in GONE_OUT or post.status is PostStatus.FAILED for post in left)
        and any(post.status is not PostStatus.PUBLISHED and post.id in listed for post in left)
    )


def came_too_late(approval: ActivityApproval, activity: Activity, recorded: RecordedSite) -> bool:
    """Whether a decision was never carried out, and all the posts that its activity still has are out."""
    if any(_is_consumed(approval, word, recorded) for word in (str(approval.decision), STORIES)):
        return False
    return approval.decision is not ActivityDecision.KEEP and all_out(live_posts(activity))


def all_out(posts: tuple[Post, ...]) -> bool:
    """Whether there are posts, and all of them have gone out."""
    return {post.status for post in posts} == {PostStatus.PUBLISHED}


def is_out_of_date(
    approval: ActivityApproval,
    activity: Activity,
    approvals: Approvals,
    wanted: frozenset[PostId],
    recorded: RecordedSite,
) -> bool:
    """Whether a decision to be carried out was made for drafts other than the present ones, as a review would find.

    One of them has changed, on the site or in the file, or a rule selects a draft that is not listed. What the decision
    itself has made again does not count.
    """
    reviewed = {draft.id for draft in approval.drafts}
    remade = () if _discards(approval) else _made_again(approval, activity, recorded)
    for post in activity.posts:
        if post.status is PostStatus.DELETED or post.is_story in remade:
            continue
        if post.id not in reviewed:
            if post.id in wanted:
                return True
            continue
        found = approvals.verdict(post, activity.date)
        if found.state is ApprovalState.EDITED or found.differences:
            return True
    return False


def _made_again(approval: ActivityApproval, activity: Activity, recorded: RecordedSite) -> tuple[bool, ...]:
    """What the decision has made again, or is making again: True for the stories, False for the other posts."""
    asked = {call.stories for call in _under_way(recorded).get(activity.id, ())}
    return tuple(
        stories
        for stories in (True, False)
        if stories in asked or _is_consumed(approval, STORIES if stories else approval.decision, recorded)
    )


def wanted_drafts(
    desired: DesiredSite, activities: tuple[Activity, ...], recorded: RecordedSite, policy: Policy, scope: Scope
) -> frozenset[PostId]:
    """The drafts that a review would list; none if the file has no decision left to carry out."""
    decided = (approval for approval in desired.approvals.activities if approval.decision is not ActivityDecision.KEEP)
    if desired.schedule is None or all(_is_consumed(found, found.decision, recorded) for found in decided):
        return frozenset()
    return drafts_to_list(select_drafts(desired.schedule.rules, activities, recorded, policy, scope))


def drafts_to_list(selection: DraftSelection) -> frozenset[PostId]:
    """The drafts that a review lists: those that schedule rules select and that can still go out."""
    return frozenset(found.post.id for found in selection.wanted if found.post.status is PostStatus.DRAFT)


def _is_consumed(approval: ActivityApproval, word: str, recorded: RecordedSite) -> bool:
    return (approval.id, str(word), approval.digest) in recorded.consumed


def _as_reviewed(approval: ActivityApproval, activity: Activity, posts: tuple[Post, ...]) -> bool:
    """Whether any of these posts is still as it was reviewed."""
    reviewed = {draft.id: draft for draft in approval.drafts}
    return any(post.id in reviewed and reviewed[post.id].names(post, activity.date) for post in posts)


def _left_to_make(
    approval: ActivityApproval, activity: Activity, recorded: RecordedSite
) -> tuple[tuple[bool, tuple[Post, ...]], ...]:
    """The drafts to regenerate, in pairs: whether they are stories, and which drafts.

    Posts and stories take separate calls (D 6.2), and a run may have been cut short between the two.
    """
    drafts = _affected(approval.decision, activity)
    # A reviewed post that is scheduled is cancelled first. The drafts beside it are then regenerated together with it,
    # or, if there are none, new posts are generated, which is recorded as `regenerate` whatever was decided.
    made = any(_is_consumed(approval, word, recorded) for word in (approval.decision, ActivityDecision.REGENERATE))
    reviewed = (*drafts, *_scheduled(activity), *(() if made else _cancelled_by_us(activity, recorded)))
    kinds = [(stories, tuple(draft for draft in drafts if draft.is_story == stories)) for stories in (True, False)]
    return tuple(
        (stories, posts)
        for stories, posts in kinds
        if posts
        and _as_reviewed(approval, activity, tuple(post for post in reviewed if post.is_story == stories))
        and not _is_consumed(approval, STORIES if stories else approval.decision, recorded)
    )


def discarded(approvals: Approvals, recorded: RecordedSite) -> frozenset[ActivityId]:
    """Activities that somebody discarded.

    A posts rule does not make posts for them again until a person records another decision.
    """
    decided = {activity.id: activity.decision for activity in approvals.activities}
    now = {activity for activity, decision in decided.items() if decision is ActivityDecision.DISCARD}
    before = {activity for activity, decision, _ in recorded.consumed if decision == ActivityDecision.DISCARD.value}
    return frozenset(now | (before - decided.keys()))


def _scheduled(activity: Activity) -> tuple[Post, ...]:
    return tuple(post for post in activity.posts if post.status is PostStatus.SCHEDULED)


def _cancelled_by_us(activity: Activity, recorded: RecordedSite) -> tuple[Post, ...]:
    """The cancelled posts that this tool cancelled. The run may have ended before it carried out the decision."""
    return tuple(
        post
        for post in activity.posts
        if post.status is PostStatus.CANCELED and recorded.object(key_of(Kind.DRAFT, post.id)) == WAS_CANCELLED
    )


def _affected(decision: ActivityDecision, activity: Activity) -> tuple[Post, ...]:
    """The posts that a decision is about: drafts are regenerated; scheduled posts can only be cleared (D 6.2)."""
    statuses = WAITING if decision is ActivityDecision.DISCARD else frozenset({PostStatus.DRAFT})
    return tuple(post for post in live_posts(activity) if post.status in statuses)


def _word(approval: ActivityApproval) -> str:
    return f"decision: {approval.decision.value}"


def _discards(approval: ActivityApproval | None) -> bool:
    return approval is not None and approval.decision is ActivityDecision.DISCARD


def _under_way(recorded: RecordedSite) -> dict[str, tuple[RegeneratePosts, ...]]:
    """The activities whose posts an earlier run asked to regenerate, if that may still be under way, with its calls."""
    found: dict[str, tuple[RegeneratePosts, ...]] = {}
    for call in [entry.operation for entry in recorded.open if isinstance(entry.operation, RegeneratePosts)]:
        found[call.activity] = (*found.get(call.activity, ()), call)
    return found


def _wait(activity: Activity, call: RegeneratePosts, scope: Scope) -> Action:
    address = scope.address(Kind.POSTS, activity.id)
    return Action(address, AwaitPosts(activity.id, activity.title, call.throws_away), Reason.UNDER_WAY)


def _make_again(
    approval: ActivityApproval,
    activity: Activity,
    recorded: RecordedSite,
    under_way: tuple[RegeneratePosts, ...],
    scope: Scope,
) -> tuple[Action, ...]:
    if (
        not under_way
        and _scheduled(activity)
        and all(post.status is PostStatus.SCHEDULED for post in live_posts(activity))
    ):
        # All of its posts are cancelled, so no draft is left to regenerate (D 6.2): new posts are made instead.
        none_left = as_listed(activity)
        make = GeneratePosts(activity.id, activity.title)
        address = scope.address(Kind.POSTS, activity.id)
        return (Action(address, make, Reason.SENT_BACK, (_word(approval),), none_left),)
    media_only = approval.decision is ActivityDecision.REGENERATE_MEDIA
    details = (_word(approval),)
    address = scope.address(Kind.POSTS, activity.id)
    actions: list[Action] = []
    for stories, drafts in _left_to_make(approval, activity, recorded):
        if any(call.stories is stories for call in under_way):
            continue
        discards = tuple(draft.id for draft in drafts)
        operation = RegeneratePosts(activity.id, activity.title, discards, media_only and not stories, stories)
        requires = as_listed(activity)
        if actions or under_way:
            # Once the stories are being regenerated, the posts as a whole are in flux (D 6.2: a transient mixture).
            requires = (
                *(PostIs(draft.id, PostStatus.DRAFT, draft.digest) for draft in drafts),
                NothingWaits(activity.id),
            )
        actions.append(Action(address, operation, Reason.SENT_BACK, details, requires))
    return tuple(actions)
