"""Which activities lose their posts in a plan, and why; and whether the file allows what is thrown away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from reconciler.model.activities import Activity, CreateActivity, DeleteActivity, UpdateActivity, named_drafts
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.approvals import Approvals, DraftDecision
from reconciler.model.canonical import Absent
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.marketing_plan import (
    AwaitGeneration,
    DeleteMarketingPlan,
    Discard,
    Generate,
    MarketingPlan,
    Regenerate,
)
from reconciler.model.operations import Deferred, InputWrite
from reconciler.model.plurals import plural
from reconciler.model.posts import ActivityId, Discarded, PostId, PostsOperation, PostStatus
from reconciler.model.schedule import CancelPost, ScheduleOperation
from reconciler.model.sites import DesiredSite, RecordedSite
from reconciler.planner.actions import Action, Reason, RefusedBy, refusal
from reconciler.planner.eligibility import times_scheduled
from reconciler.planner.generation import upcoming_posts
from reconciler.planner.matching import in_order
from reconciler.planner.options import Scope
from reconciler.planner.used_approvals import was_scheduled
from reconciler.planner.wanted_posts import Unwanted

MAY_DISCARD: Final[Mapping[Discard, str]] = {
    Discard.NOTHING: "the site file does not allow discarding any drafts (discard: nothing)",
    Discard.UNAPPROVED: "the site file allows discarding only unapproved drafts (discard: unapproved)",
    Discard.ALL: "the site file allows discarding all drafts (discard: all)",
}
"""What `marketingPlan.regenerate.discard` allows, in words."""


def losses(actions: Iterable[Action], activities: Iterable[Activity], scope: Scope) -> dict[ActivityId, Unwanted]:
    """The activities whose posts these actions remove, with the reason for each.

    A regeneration removes those of all upcoming activities, but counts only under `discard: all`. Otherwise no post is
    cancelled for it, and it is refused if one is still scheduled.
    """
    activities = tuple(activities)
    lost: dict[ActivityId, Unwanted] = {}
    for action in actions:
        unwanted = Unwanted(action.reason, action.details, action.grounds)
        operation = action.operation
        match operation:
            case DeleteMarketingPlan():
                lost |= {activity.id: unwanted for activity in activities}
            case Regenerate():
                if operation.discardable is Discard.ALL:
                    replaced = Unwanted(Reason.REPLACED)
                    lost |= {activity.id: replaced for activity in activities if activity.date >= scope.now}
            case DeleteActivity():
                lost[operation.id] = unwanted
            case _:
                _removes_no_activity(operation)
    return lost


def _removes_no_activity(
    _: InputWrite
    | Generate
    | AwaitGeneration
    | CreateActivity
    | UpdateActivity
    | PostsOperation  # what is made again or cleared is decided for each activity: see `planner/decisions.py`
    | ScheduleOperation
    | Deferred,
) -> None:
    pass


def judge_regeneration(
    actions: Iterable[Action],
    cancelled: frozenset[PostId],
    live: MarketingPlan,
    desired: DesiredSite,
    recorded: RecordedSite,
    scope: Scope,
) -> tuple[Diagnostic, ...]:
    """The refusal of a regeneration that throws away more than `discard` allows.

    A post that is cancelled for reasons of its own does not count.
    """
    regenerations = [
        (action.operation, action.reason) for action in actions if isinstance(action.operation, Regenerate)
    ]
    if not regenerations:
        return ()
    operation, reason = regenerations[0]
    discard = operation.discardable
    drafts = upcoming_posts(live.activities, scope.now, frozenset({PostStatus.DRAFT}))
    approved = approved_drafts(live.activities, desired.approvals, recorded)
    scheduled = [
        post
        for post in upcoming_posts(live.activities, scope.now, frozenset({PostStatus.SCHEDULED}))
        if post.id not in cancelled
    ]
    counts: list[tuple[int, str]] = {
        Discard.ALL: [],
        Discard.UNAPPROVED: [
            (sum(draft.id in approved for draft in drafts), "approved draft"),
            (len(scheduled), "scheduled post"),
        ],
        Discard.NOTHING: [(len(drafts), "draft"), (len(scheduled), "scheduled post")],
    }[discard]
    found = " and ".join(plural(count, noun) for count, noun in counts if count)
    if not found:
        return ()
    wait = ""
    if discard is Discard.UNAPPROVED:
        one = sum(count for count, _ in counts) == 1
        wait = f"let {'it' if one else 'them'} go out first, "
        if counts[0][0] and reason is not Reason.ASKED_FOR:  # approved drafts go out only if the site is not refused
            wait = f"undo the change until {'it has' if one else 'they have'} gone out, "
    precious = scheduled or any(draft.id in approved for draft in drafts)
    enough = Discard.ALL if precious else Discard.UNAPPROVED
    otherwise = (
        "leave --regenerate out" if reason is Reason.ASKED_FOR else "keep the marketing plan with `when: never` there"
    )
    return (
        refusal(
            scope.address(Kind.MARKETING_PLAN),
            RefusedBy.DISCARD,
            f"regenerating would discard {found}, but {MAY_DISCARD[discard]}",
            f"{wait}allow it with `discard: {enough}` under marketingPlan.regenerate, or {otherwise}",
        ),
    )


def judge_absent(
    actions: Iterable[Action],
    activities: Iterable[Activity],
    desired: DesiredSite,
    recorded: RecordedSite,
    scope: Scope,
) -> tuple[Diagnostic, ...]:
    """The refusals if `state: absent`, in a rule or the marketing plan, throws away more than `discard` allows.

    Under `unapproved`, scheduled posts do not count: each is cancelled first, which leaves its approval used up, so a
    run that is cut short in between can be repeated. A person's decision about an activity is not judged.
    """
    discard = desired.discard
    if discard is Discard.ALL:
        return ()
    approved = approved_drafts(activities, desired.approvals, recorded)
    drafts: dict[str, list[PostId]] = {}
    scheduled: dict[str, list[PostId]] = {}
    for action in actions:
        if action.reason is Reason.ABSENT_WANTED:
            of = drafts if action.operation.discards else scheduled
            posts = action.operation.discards or posts_cancelled((action,))
            of.setdefault(action.details[0], []).extend(posts)
    found = []
    for place in sorted(drafts.keys() | scheduled.keys()):
        lost, waiting = drafts.get(place, []), scheduled.get(place, [])
        if discard is Discard.UNAPPROVED:
            counts = [(sum(draft in approved for draft in lost), "approved draft")]
        else:
            counts = [(len(lost), "draft"), (len(waiting), "scheduled post")]
        if any(count for count, _ in counts):
            found.append(_absent_refused(place, counts, discard, desired, scope))
    return tuple(found)


def _absent_refused(
    place: str, counts: Sequence[tuple[int, str]], discard: Discard, desired: DesiredSite, scope: Scope
) -> Diagnostic:
    found = " and ".join(plural(count, noun) for count, noun in counts if count)
    them = "it" if sum(count for count, _ in counts) == 1 else "them"
    keep = f"or take {place} out of the site file to keep {them}"
    if discard is Discard.UNAPPROVED:
        keep = f"write pending for {them} in {desired.approvals.file}, {keep}"
    return refusal(
        _address_of(place, scope.site),
        RefusedBy.DISCARD,
        f"{place} (state: absent) would discard {found}, but {MAY_DISCARD[discard]}",
        f"set marketingPlan.regenerate.discard to all to allow this, {keep}",
        says_name=place != "marketingPlan",
    )


def is_of(refused: Diagnostic, action: Action) -> bool:
    """Whether a refusal because of what is discarded concerns an action, alone or together with others."""
    about = refused.about
    absent = action.reason is Reason.ABSENT_WANTED and _address_of(action.details[0], about.site) == about
    return absent or action.address == about


def _address_of(place: str, site: SiteName) -> Address:
    """The address of what says `state: absent`."""
    if place == "marketingPlan":
        return Address(site, Kind.MARKETING_PLAN)
    return Address(site, Kind.RULE, place.replace("[", ".").rstrip("]"))


def approved_drafts(activities: Iterable[Activity], approvals: Approvals, recorded: RecordedSite) -> frozenset[PostId]:
    """Drafts approved in their current form by an approval that is not known to be used.

    An approval older than the state publishes nothing, since nobody can tell whether it was used. For the same reason,
    it still protects its draft.
    """
    return frozenset(
        post.id
        for activity in activities
        for post in activity.posts
        if post.status is PostStatus.DRAFT
        and (
            approvals.approves(post, activity.date, times=times_scheduled(recorded, post))
            or (not was_scheduled(recorded, post.id) and approvals.approves(post, activity.date, times=0))
        )
    )


def posts_cancelled(actions: Iterable[Action]) -> frozenset[PostId]:
    """The posts that actions cancel."""
    return frozenset(action.operation.post for action in actions if isinstance(action.operation, CancelPost))


def thrown_away(
    actions: Iterable[Action], activities: Iterable[Activity], approvals: Approvals, recorded: RecordedSite
) -> tuple[Discarded, ...]:
    """The drafts that actions throw away, in the order of their activities, each with whether it is approved.

    This includes those of a generation under way: what the site no longer shows is named as it was before the call.
    """
    activities = tuple(activities)
    posts = {post for action in actions for post in action.operation.throws_away}
    if not posts:
        return ()
    approved, shown = approved_drafts(activities, approvals, recorded), named_drafts(posts, in_order(activities))
    left = posts - {draft.post for draft in shown}
    noted = (entry.before.drafts for entry in recorded.open)
    hidden = (draft for drafts in noted if not isinstance(drafts, Absent) for draft in drafts if draft.post in left)
    return (
        *(replace(draft, approved=draft.post in approved) for draft in shown),
        *(replace(draft, approved=_is_approved(draft.post, approvals)) for draft in hidden),
    )


def _is_approved(post: PostId, approvals: Approvals) -> bool:
    """Whether the file approves a draft, whatever content it had: the site no longer shows it."""
    draft = approvals.draft(post)
    return draft is not None and draft.decision is DraftDecision.APPROVE
