"""Posts that no longer match what was approved once they are scheduled or moved: cancelled at once."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from msgspec.structs import replace

from reconciler.api.routes import PUBLISH_BY_ID, RESCHEDULE_ITEM, SCHEDULE_DRAFTS
from reconciler.executor.kinds import kind_of
from reconciler.executor.kinds.schedule.conditions import is_scheduled
from reconciler.executor.ledger import ActionResult
from reconciler.executor.outcome_check import read_for
from reconciler.executor.run import UNDER_WAY, CallAttempt, SiteRun
from reconciler.executor.simple import resolve_unclear
from reconciler.executor.snapshot import Snapshot
from reconciler.model.activities import DateIs
from reconciler.model.canonical import ABSENT
from reconciler.model.content import differences
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.moments import moment_text
from reconciler.model.outcomes import Done, NotDone, Pending, Trouble, Unknown
from reconciler.model.posts import Post, PostStatus, account_with_name
from reconciler.model.schedule import CancelPost, ReschedulePost, SchedulePost
from reconciler.planner.actions import Action, Reason
from reconciler.planner.approval_checks import difference_words
from reconciler.planner.unstopped import STOP_BY_HAND

Publishing: TypeAlias = SchedulePost | ReschedulePost


async def cancel_if_swapped(run: SiteRun, attempt: CallAttempt, found: Snapshot) -> bool:
    """Cancels a post at once if it differs from what was approved, and returns whether it differed.

    A lagging read shows what was approved, never anything else. May raise an ApiError.
    """
    operation = attempt.action.operation
    if not isinstance(operation, Publishing) or (live := found.post(operation.post)) is None:
        return False
    if different := _swapped(run, attempt.action, operation, live, found):
        await cancel_unapproved(run, attempt, operation, live, different)
    return different is not None


def _swapped(run: SiteRun, action: Action, operation: Publishing, live: Post, found: Snapshot) -> Diagnostic | None:
    """How a post that goes out differs from what was approved: its content, or the date of its activity.

    None if it does not differ.
    """
    if not is_scheduled(live):
        return None
    if live.digest != operation.digest:
        approved = run.approved.get(operation.post)
        changed = [
            replace(each, in_file=operation.account or each.in_file) if each.field == "account" else each
            for each in (differences(approved.content, live.content) if approved is not None else ())
        ]
        how = difference_words(changed, run.plan.time_zone) or "its content differs from what was read before"
        return _different(action, how)
    activity = found.activity(operation.activity)
    for required in action.requires:
        if isinstance(required, DateIs) and activity is not None and activity.date != required.date:
            before, after = (moment_text(at, run.plan.time_zone) for at in (required.date, activity.date))
            return _different(action, f"date of its activity: {before} -> {after}")
    return None


def _different(action: Action, how: str) -> Diagnostic:
    before = "the plan" if action.reason is Reason.NO_APPROVAL_NEEDED else "what was approved"
    return Diagnostic(Trouble.CHANGED_MEANWHILE, f"it no longer matched {before}: {how}")


async def cancel_unapproved(
    run: SiteRun,
    attempt: CallAttempt,
    operation: Publishing,
    live: Post,
    found: Diagnostic,
    reason: Reason = Reason.CHANGED,
) -> None:
    """Cancels a post at once: nobody approved what would go out, or when. May raise an ApiError of a read."""
    action = attempt.action
    doing = "moved" if isinstance(operation, ReschedulePost) else "scheduled"
    why = f"it was {doing} ({_call(operation)}), but {found.message}"
    if live.status is not PostStatus.SCHEDULED:
        _fail(run, attempt, f"{why}; it has gone out", "take it down by hand")
        return
    cancel = CancelPost(
        operation.post,
        operation.activity,
        operation.channel,
        live.scheduled_for,
        operation.title,
        live.type,
        account_with_name(live, operation.account) or ABSENT,
    )
    cancelling = replace(action, operation=cancel)
    (taken,) = await run.call([cancelling])
    taken = await resolve_unclear(run, taken)
    obstacle: Diagnostic | None
    match taken.outcome:
        case Done():
            seen = await read_for(run.site, run.ports.reader, [cancel])
            obstacle = kind_of(cancel).mismatch(cancel, taken.entry, None, seen, run.now())
            if obstacle is None:
                fix = "run plan again" if action.reason is Reason.NO_APPROVAL_NEEDED else "review it again"
                _fail(run, attempt, f"{why}; it was cancelled at once", fix)
                return
        case NotDone(problem=problem) | Unknown(problem=problem):
            obstacle = problem
        case Pending():
            obstacle = UNDER_WAY
        case _:
            assert_never(taken.outcome)
    run.not_cancelled[replace(cancelling, reason=reason)] = obstacle
    trouble = f"{why}; it could not be cancelled: {obstacle.message}"
    _fail(run, attempt, trouble, STOP_BY_HAND, taken.outcome.request_id)


def _call(operation: Publishing) -> str:
    if isinstance(operation, ReschedulePost):
        call = RESCHEDULE_ITEM
    else:
        call = SCHEDULE_DRAFTS if operation.takes_own_time else PUBLISH_BY_ID
    return f"{call.method} {call.template}"


def _fail(run: SiteRun, attempt: CallAttempt, what: str, fix: str, request: str | None = None) -> None:
    """Enters the action as failed, or corrects its entry if it was entered as done."""
    problem = Diagnostic(Trouble.CHANGED_MEANWHILE, what, fix, request_id=request)
    if run.has_ended(attempt.action) or isinstance(attempt.action.operation, ReschedulePost):
        run.correct(attempt.action, problem)
    else:
        run.fail(attempt.action, ActionResult.FAILED, problem, attempt.outcome.request_id)
