"""Schedules drafts with exactly the content that was approved, and reads back what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from math import ceil

from msgspec.structs import replace

from reconciler.api.errors import ApiError
from reconciler.executor.kinds.schedule.conditions import is_scheduled
from reconciler.executor.kinds.schedule.swapped import cancel_if_swapped, cancel_unapproved
from reconciler.executor.ledger import ActionResult
from reconciler.executor.outcome_check import LOOKS, SHOWS_WITHIN, infer_outcome, pause_between_looks, read_for
from reconciler.executor.readback import read_back
from reconciler.executor.run import CallAttempt, SiteRun, result_of
from reconciler.executor.simple import resolve_unclear
from reconciler.executor.snapshot import Snapshot
from reconciler.executor.state_updates import conclude
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.outcomes import Done, NotDone, Remark, Trouble, Unknown, not_done
from reconciler.model.posts import Post, PostId, PostStatus
from reconciler.model.schedule import Approved, ReschedulePost, SchedulePost, StillAhead
from reconciler.model.sites import Need
from reconciler.model.text import printable
from reconciler.model.writes import Verb
from reconciler.planner.actions import Action, Reason
from reconciler.planner.eligibility import why_not_scheduled
from reconciler.planner.options import Scope
from reconciler.planner.policy_checks import wrong_moment
from reconciler.planner.unstopped import STOP_BY_HAND

CONTRADICTED = Diagnostic(
    Trouble.OUTCOME_UNKNOWN, "the response says that it is scheduled, but reading it back shows a draft"
)

MAY_YET_GO_OUT = Diagnostic(
    Trouble.NOT_SCHEDULED,
    "the request was accepted, but the site still shows a draft; the post may yet go out",
    "run apply again later",
)


async def schedule_drafts(run: SiteRun, actions: Sequence[Action]) -> None:
    """Schedules drafts, at most as many as one call takes.

    May raise an ApiError. If the posts cannot be read back, those that were sent are entered in the ledger first.
    """
    run.cache.forget(Need.MARKETING_PLAN)
    if run.halted is None and run.options.allow_publish:
        await run.cache.fill(_operation_of(action).activity for action in actions)
    ready = [action for action in actions if not run.skip_if_blocked(action) and not await run.skip_if_stale(action)]
    if not ready:
        return
    run.approved |= {post.id: post for act in (await run.cache.marketing_plan()).activities for post in act.posts}
    attempts: list[CallAttempt] = []
    # The API takes many drafts at once if it picks their times; a draft that must not get such a time is sent alone.
    alone = [[action] for action in ready if not _operation_of(action).takes_own_time]
    for group in [[action for action in ready if _operation_of(action).takes_own_time], *alone]:
        if group and not run.stopped():
            attempts += await run.call(group, waits=True)
    # What an answer leaves out is read back too: it may have been scheduled silently.
    refused = [sent for sent in attempts if isinstance(sent.outcome, NotDone) and not _is_about_the_post(sent.outcome)]
    unread = [sent for sent in attempts if sent not in refused]
    for attempt in refused:
        run.conclude_with(attempt.action, attempt.outcome)
    try:
        found = await _look(run, unread)
    except ApiError as error:
        for sent in unread:
            if isinstance(sent.outcome, NotDone):
                run.conclude_with(sent.action, sent.outcome)
                continue
            # The entries stay open, so that the next run reads back what this one could not.
            problem = error.diagnostic().while_("reading it back failed")
            run.fail(sent.action, ActionResult.UNKNOWN, problem, sent.outcome.request_id)
        raise
    drafts = [sent for sent in unread if _accepted(sent) and _is_draft(found.post(_operation_of(sent.action).post))]
    reasons = await _not_scheduled_because(run, drafts)
    for attempt in unread:
        await _read_back(run, attempt, found, reasons)
    if run.has_written(Verb.PUBLISH):
        await read_back(run)


def _accepted(sent: CallAttempt) -> bool:
    return isinstance(sent.outcome, Unknown) and sent.outcome.accepted


def _is_draft(live: Post | None) -> bool:
    return live is not None and live.status is PostStatus.DRAFT


async def _not_scheduled_because(run: SiteRun, drafts: Sequence[CallAttempt]) -> dict[PostId, Diagnostic]:
    """Why the API silently skipped drafts (D 6.2), as far as the site shows a reason."""
    if not drafts:
        return {}
    operations = [_operation_of(each.action) for each in drafts]
    channels = sorted({operation.channel for operation in operations})
    try:
        needs = frozenset({Need.CHANNELS, Need.FEATURES})
        observed = await run.ports.reader.read(run.site, needs, channels=channels)
    except ApiError:
        return {}
    reasons = ((each.post, why_not_scheduled(observed, each.channel)) for each in operations)
    return {post: reason for post, reason in reasons if reason is not None}


async def _look(run: SiteRun, sent: Sequence[CallAttempt]) -> Snapshot:
    """The posts as they are now. One that still shows as a draft is read again: reads may lag behind writes (17.6)."""
    operations = [_operation_of(each.action) for each in sent]
    lost = {_operation_of(each.action).post for each in sent if isinstance(each.outcome, Unknown)} - {
        _operation_of(each.action).post for each in sent if _accepted(each)
    }
    pause = pause_between_looks(run.options.waiting)
    # If the response was lost, the only sign that a draft was not scheduled is that it stays a draft for long enough.
    most = max(LOOKS, ceil(SHOWS_WITHIN.total_seconds() / pause)) if lost else LOOKS
    found = Snapshot()
    for look in range(most if sent else 0):
        if look:
            await run.ports.clock.sleep(pause)
        found = await read_for(run.site, run.ports.reader, operations)
        drafts = {each.post for each in operations if _is_draft(found.post(each.post))}
        if not (drafts & lost if look >= LOOKS - 1 else drafts):
            break
    for operation in operations:
        live = found.post(operation.post)
        if operation.at is not None and live is not None and live.scheduled_for is None:
            with suppress(ApiError):
                read = await run.ports.reader.post(run.site, operation.post)
                found = replace(found, items=(*found.items, (operation.post, read)))
    return found


async def _read_back(run: SiteRun, attempt: CallAttempt, found: Snapshot, reasons: Mapping[PostId, Diagnostic]) -> None:
    outcome, live = attempt.outcome, found.post(_operation_of(attempt.action).post)
    verdict = infer_outcome(attempt.entry, found, run.now())
    if live is not None and isinstance(verdict, Done):
        await _scheduled(run, attempt, live, found)
        return
    if live is None and (other := _under_another_id(run, attempt, found)) is not None:
        problem = Diagnostic(
            Trouble.OUTCOME_UNKNOWN,
            f"the draft is gone, and a post with the same content goes out under another id, {other.id}",
            f"run review and approve that one, or {STOP_BY_HAND}",
        )
        run.fail(attempt.action, ActionResult.UNKNOWN, problem, outcome.request_id)
        return
    if isinstance(outcome, Done) and live is not None and live.status is PostStatus.DRAFT:
        # The entry stays open: the next run reads again, to find out which is right.
        run.fail(attempt.action, ActionResult.UNKNOWN, CONTRADICTED, outcome.request_id)
        return
    reason = reasons.get(_operation_of(attempt.action).post)
    if _accepted(attempt) and _is_draft(live) and reason is None:
        # The entry stays open while the scheduling may still show, so the post is neither lost nor scheduled again.
        await run.journal.end(attempt.entry, Unknown(MAY_YET_GO_OUT))
        run.fail(attempt.action, ActionResult.UNKNOWN, MAY_YET_GO_OUT, outcome.request_id)
        return
    if live is not None and verdict is None and not isinstance(outcome, NotDone):
        # A status of a later version proves nothing: it may well go out, so the entry stays open too.
        problem = Diagnostic(Trouble.OUTCOME_UNKNOWN, f"its status is unknown ({printable(str(live.status))})")
        run.fail(attempt.action, ActionResult.UNKNOWN, problem, outcome.request_id)
        return
    refused: NotDone
    if isinstance(outcome, NotDone):
        refused = _explained_by(outcome, live)
    elif isinstance(outcome, Unknown) and outcome.problem.code == Trouble.NOT_SCHEDULED:
        refused = _explained_by(NotDone(outcome.problem, skipped=True), live)
        if reason is not None:
            refused = replace(refused, problem=outcome.problem.and_then(reason.message))
    elif live is None:
        refused = not_done(Trouble.GONE, "the draft is gone")
    elif live.status is PostStatus.DRAFT:
        assert isinstance(outcome, Unknown)
        refused = NotDone(outcome.problem.and_then("it is still a draft"))
    else:
        refused = not_done(Trouble.UNEXPECTED_STATUS, f"it is {printable(str(live.status))}, not SCHEDULED")
    refused = replace(refused, problem=replace(refused.problem, request_id=outcome.request_id))
    await conclude(run.journal, attempt.entry, refused)
    run.conclude_with(attempt.action, refused)


def _under_another_id(run: SiteRun, attempt: CallAttempt, found: Snapshot) -> Post | None:
    """A post of the activity that goes out with the draft's content and was not there before the call.

    The reference says that a post keeps its id (D 6.4), so it is reported, and never taken for the draft.
    """
    operation = _operation_of(attempt.action)
    posts = (post for activity in found.activities if activity.id == operation.activity for post in activity.posts)
    new = (post for post in posts if post.id not in run.approved and is_scheduled(post))
    return next((post for post in new if post.digest == operation.digest), None)


def _is_about_the_post(refused: NotDone) -> bool:
    """Whether a refusal can mean that the post has changed, so that it should be read."""
    return refused.skipped or refused.missing


def _explained_by(refused: NotDone, live: Post | None) -> NotDone:
    """A refused scheduling, with what the post is now. If it is gone or no longer a draft, that is not an error."""
    if live is None:
        return replace(refused, problem=refused.problem.and_then("the draft is gone"), skipped=True)
    if live.status is PostStatus.DRAFT:
        return refused
    problem = refused.problem.and_then(f"it is {printable(str(live.status))}")
    return replace(refused, problem=problem, skipped=True)


async def _scheduled(run: SiteRun, attempt: CallAttempt, live: Post, found: Snapshot) -> None:
    operation = _operation_of(attempt.action)
    request = attempt.outcome.request_id
    await run.record(replace(attempt, outcome=Done()), found)
    if await cancel_if_swapped(run, attempt, found):
        return
    if operation.at is not None and live.status is PostStatus.SCHEDULED and live.scheduled_for != operation.at:
        await _move(run, attempt, live, operation.at)
    elif forbidden := _forbidden(run, attempt.action, live):
        await cancel_unapproved(run, attempt, operation, live, forbidden, Reason.FORBIDDEN)
    else:
        run.finish(attempt.action, goes_out=live.scheduled_for, request=request)


def _forbidden(run: SiteRun, action: Action, live: Post) -> Diagnostic | None:
    """What is wrong with the time at which a scheduled post goes out; None if nothing, or if it is not shown."""
    if live.scheduled_for is None:
        return None
    expected = next((each.moment for each in action.requires if isinstance(each, StillAhead)), live.scheduled_for)
    scope = Scope(run.site.name, run.now(), run.plan.time_zone)
    return wrong_moment(live.scheduled_for, expected, run.options.policy, scope)


async def _move(run: SiteRun, attempt: CallAttempt, live: Post, at: datetime) -> None:
    """Moves a post to the time that its rule gives: a draft is scheduled at the API's own time first (I 6.2)."""
    operation, action = _operation_of(attempt.action), attempt.action
    move = ReschedulePost(
        operation.post, operation.activity, operation.channel, operation.digest, at, before=live.scheduled_for
    )
    # The approval was used a moment ago, by this very scheduling.
    requires = tuple(required for required in action.requires if not isinstance(required, Approved))
    (moved,) = await run.call([replace(action, operation=move, requires=requires)])
    moved = await resolve_unclear(run, moved)
    if isinstance(moved.outcome, Done):
        run.finish(action, goes_out=at, request=moved.outcome.request_id)
        return
    assert isinstance(moved.outcome, NotDone | Unknown)
    own_time = live.scheduled_for
    goes_out, doing = own_time, "moving it"
    if isinstance(moved.outcome, NotDone):
        goes_out, doing = moved.outcome.goes_out, "moving it failed"
    is_gone = goes_out is None and own_time is not None
    run.fail(
        action,
        result_of(moved.outcome),
        moved.outcome.problem.while_(doing),
        moved.outcome.request_id,
        remark=None if is_gone else Remark.SCHEDULED,
        goes_out=goes_out,
    )


def _operation_of(action: Action) -> SchedulePost:
    assert isinstance(action.operation, SchedulePost)
    return action.operation
