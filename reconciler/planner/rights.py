"""What a saved plan does that today's files do not ask for: a plan by itself authorises nothing (docs/design.md 6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, assert_never

from reconciler.model.address import Kind
from reconciler.model.approvals import Approvals, DraftDecision
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.marketing_plan import Regenerate
from reconciler.model.moments import moment_text
from reconciler.model.operations import Deferred, Operation, SitePart, class_of
from reconciler.model.policy import Policy
from reconciler.model.posts import Discarded, RegeneratePosts, name_of
from reconciler.model.schedule import CancelPost, Pause, ReschedulePost, SchedulePost
from reconciler.model.sites import DesiredSite
from reconciler.model.writes import ActionClass, Verb
from reconciler.planner.actions import Action, Plan, Reason, RefusedBy
from reconciler.planner.baseline import key_of

RIGHT_LOST: Final = "right-lost"

NOT_ALLOWED: Final = Diagnostic(
    RIGHT_LOST, "the current site file, approvals and policy do not allow it to be published"
)
PAUSED: Final = Diagnostic(RIGHT_LOST, "publishing is paused")
OWN_TIME_LOST: Final = Diagnostic(
    RIGHT_LOST,
    "the plan would schedule it for the time that Wix picks and then move it, "
    "but the time that Wix picks is now too close, or the policy forbids it",
)
OTHERWISE: Final = Diagnostic(RIGHT_LOST, "a plan made now would publish it differently")
KEPT: Final = Diagnostic(RIGHT_LOST, "the plan would remove it, but the current files keep it")
DRAFTS_KEPT: Final = Diagnostic(RIGHT_LOST, "the plan would discard its drafts, but the current files keep them")
NOT_ASKED_FOR: Final = Diagnostic(RIGHT_LOST, "the plan would create it, but the current files do not ask for it")
WANTED_AGAIN: Final = Diagnostic(RIGHT_LOST, "the plan would cancel it, but the current files ask for it again")


def regenerates_on_request(saved: Plan) -> bool:
    """Whether somebody asked for the generation that a plan contains (`--regenerate`)."""
    return any(
        isinstance(action.operation, Regenerate) and action.reason is Reason.ASKED_FOR for action in saved.actions
    )


def plans_posts(saved: Plan) -> bool:
    """Whether a plan was made without `--no-publish`."""
    of_schedule = key_of(Kind.RULE, SitePart.SCHEDULE)
    return any(key == of_schedule for key, _ in saved.rules) or any(
        class_of(action.operation) is ActionClass.PUBLIC for action in saved.actions
    )


def rights_lost(
    saved: Plan, today: Plan, desired: DesiredSite, policy: Policy
) -> tuple[tuple[Action, Diagnostic], ...]:
    """The actions of a saved plan that today's files do not ask for, by today's plan of the same site, and why.

    These are: posts that today's plan does not publish; posts cancelled but wanted again; objects created or destroyed
    that today's files do not ask for; drafts thrown away that were approved since; what today's policy blocks; and
    everything on a site that is refused today, or only what throws drafts away if that is why it is refused. A deferred
    action needs the same rules in today's file; if it publishes, also `approval: none` and no pause.
    """
    found = ((action, _why_not(action, saved, today, desired, policy)) for action in saved.actions)
    return tuple((action, with_name(action.operation, why)) for action, why in found if why is not None)


def with_name(operation: Operation, problem: Diagnostic) -> Diagnostic:
    """A problem of a post, with what people call it."""
    if isinstance(operation, SchedulePost | ReschedulePost | CancelPost):
        return problem.named(name_of(operation))
    return problem


def what_is_left(saved: Plan, today: Plan) -> Plan | None:
    """What remains of a saved plan that a run began and did not finish.

    This is today's plan, if everything in it is in the saved one too, or only waits for what the saved one began.
    Otherwise None: nobody approved the rest.
    """
    agreed = [(action.address, action.operation.unnamed) for action in saved.actions]
    begun = {action.address for action in saved.actions if action.operation.takes_time}
    if today.refusals:
        return None
    for action in today.actions:
        waits = action.operation.verb is Verb.WAIT and action.address in begun
        if not waits and (action.address, action.operation.unnamed) not in agreed:
            return None
    return today


def _why_not(action: Action, saved: Plan, today: Plan, desired: DesiredSite, policy: Policy) -> Diagnostic | None:
    """Why an action of a saved plan is not wanted today; None if it is, or if that does not matter."""
    operation = action.operation
    for problem in today.refusals:
        # What today's plan would throw away in addition does not concern the saved one.
        if problem.code != RefusedBy.DISCARD or operation.discards:
            return problem
    if isinstance(operation, Deferred) and operation.part is SitePart.SCHEDULE:
        lost = _promise_lost(operation, desired, policy)
        return None if lost is None else _instead(action, today, lost)
    if class_of(operation) is ActionClass.PUBLIC:
        if operation.unnamed in [allowed.operation.unnamed for allowed in today.actions]:
            return None
        return _instead(action, today, _differently(action, saved, today))
    if operation.verb is Verb.CANCEL:
        if any(found.operation.verb is Verb.CANCEL and found.address == action.address for found in today.actions):
            return None
        return WANTED_AGAIN
    drafts = saved.discarded_by(operation) if operation.discards else ()
    kept = [name_of(draft) for draft in _approved_since(drafts, today, desired.approvals)]
    if kept:
        return Diagnostic(
            RIGHT_LOST,
            f"{', '.join(kept)} would be discarded, but {'has' if len(kept) == 1 else 'have'} been approved since",
        )
    if class_of(operation) is ActionClass.COSTLY and not _is_asked_for(action, today, desired):
        kept_drafts = DRAFTS_KEPT if operation.discards else NOT_ASKED_FOR
        return _instead(action, today, KEPT if operation.verb is Verb.DELETE else kept_drafts)
    return None if any(found.address == action.address for found in today.actions) else _instead(action, today, None)


def _is_asked_for(action: Action, today: Plan, desired: DesiredSite) -> bool:
    operation = action.operation
    if isinstance(operation, Deferred):
        rules = desired.posts if operation.part is SitePart.POSTS else desired.activities
        return rules == (operation.posts_rules if operation.part is SitePart.POSTS else operation.activity_rules)
    return any(found.address == action.address and _is_same(found.operation, operation) for found in today.actions)


def _is_same(today: Operation, saved: Operation) -> bool:
    """Whether today's files ask for the same write. New images are not new posts."""
    if isinstance(today, RegeneratePosts) and isinstance(saved, RegeneratePosts):
        return (today.media_only, today.stories) == (saved.media_only, saved.stories)
    return type(today) is type(saved)


def _promise_lost(promise: Deferred, desired: DesiredSite, policy: Policy) -> Diagnostic | None:
    """Why posts that are made later may not go out today; None if they may."""
    schedule = desired.schedule
    if schedule is None or schedule.approval_required or schedule.rules != promise.schedule_rules:
        return NOT_ALLOWED
    if (desired.activities, desired.posts) != (promise.activity_rules, promise.posts_rules):
        return NOT_ALLOWED
    return None if schedule.paused.with_other(policy.paused) is Pause.NONE else PAUSED


def _differently(action: Action, saved: Plan, today: Plan) -> Diagnostic:
    """How today's plan publishes a post that a saved one publishes differently: at another time, or not at all."""
    before = action.operation
    now = next((found.operation for found in today.actions if found.address == action.address), None)
    if not isinstance(before, SchedulePost | ReschedulePost) or not isinstance(now, SchedulePost | ReschedulePost):
        return NOT_ALLOWED
    then, instead = _moment(before), _moment(now)
    if then and instead and then != instead:
        was = moment_text(then, saved.time_zone, exact=before.at is not None)
        goes_out = moment_text(instead, today.time_zone, exact=now.at is not None)
        return Diagnostic(RIGHT_LOST, f"the plan would publish it {was}, but now it would go out {goes_out}")
    own_time = isinstance(before, SchedulePost) and before.takes_own_time
    return OWN_TIME_LOST if own_time and not (isinstance(now, SchedulePost) and now.takes_own_time) else OTHERWISE


def _moment(operation: SchedulePost | ReschedulePost) -> datetime | None:
    match operation:
        case SchedulePost(at=at, about=about):
            return at or about
        case ReschedulePost(at=at):
            return at
        case _:
            assert_never(operation)


def _instead(action: Action, today: Plan, otherwise: Diagnostic | None) -> Diagnostic | None:
    """What today's plan says about the object instead."""
    return next((found for found in today.blocked if found.address == action.address), otherwise)


def _approved_since(lost: tuple[Discarded, ...], today: Plan, approvals: Approvals) -> Iterator[Discarded]:
    """The drafts among these that people want now: approved since the plan was made, or approved and kept."""
    thrown_away = {draft.post: draft for draft in today.discarded}
    for draft in lost:
        now, reviewed = thrown_away.get(draft.post), approvals.draft(draft.post)
        if now is not None:
            if now.approved and not draft.approved:
                yield draft
        elif reviewed is not None and reviewed.decision is DraftDecision.APPROVE:
            yield draft
