"""Requests new and regenerated posts, and waits until they exist."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.api.errors import ApiError
from reconciler.executor.events import StillWaiting
from reconciler.executor.kinds import kind_of
from reconciler.executor.ledger import ActionResult
from reconciler.executor.outcome_check import infer_outcome
from reconciler.executor.run import SiteRun
from reconciler.executor.snapshot import Snapshot
from reconciler.executor.state_updates import conclude
from reconciler.executor.waiting import TimedOut, WaitStopped, poll
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.journal import OpenEntry
from reconciler.model.outcomes import Done, NotDone, Remark, Trouble, Unknown
from reconciler.model.posts import ActivityId, AwaitPosts, ClearPosts, GeneratePosts, Post, PostStatus, RegeneratePosts
from reconciler.model.sites import Need
from reconciler.planner.actions import Action

AT_ONCE: Final = 20
"""Activities in one call (S-wix 6.2)."""

NOTHING_OPEN: Final = Diagnostic(Trouble.OVERTAKEN, "the earlier call for these posts has already ended")
RUN_STOPPED: Final = Diagnostic(Trouble.STILL_UNDER_WAY, "the run was stopped")
TIME_RAN_OUT: Final = Diagnostic(Trouble.STILL_UNDER_WAY, "timed out")
CHECK_AGAIN: Final = "run the command again to check, or to try again"


class PendingPosts(Struct, frozen=True):
    """An activity whose posts are being waited for."""

    action: Action
    entry: OpenEntry
    activity: ActivityId
    unclear: Unknown | None = None


async def make_posts(run: SiteRun, actions: Sequence[Action]) -> None:
    """Sends all the calls for these actions, then waits for all their posts together."""
    awaited: list[PendingPosts] = []
    waiting = [action for action in actions if isinstance(action.operation, AwaitPosts)]
    making = [action for action in actions if isinstance(action.operation, GeneratePosts)]
    again = [action for action in actions if isinstance(action.operation, RegeneratePosts)]
    for wait in waiting:
        awaited += _under_way(run, wait, {pending.entry.id for pending in awaited})
    if run.halted is None and (making or again):
        kinds = ((kind_of(action.operation), action.operation) for action in (*making, *again))
        await run.cache.fill(activity for kind, operation in kinds if (activity := kind.activity(operation)))
    ready = [action for action in making if not run.skip_if_blocked(action) and not await run.skip_if_stale(action)]
    groups = [ready[start : start + AT_ONCE] for start in range(0, len(ready), AT_ONCE)]
    groups += [[action] for action in again]
    try:
        for group in groups:
            if run.stopped():
                break
            if isinstance(group[0].operation, RegeneratePosts) and (
                run.skip_if_blocked(group[0]) or await run.skip_if_stale(group[0])
            ):
                continue
            awaited += await _ask(run, group)
    except ApiError:
        await _wait(run, awaited)  # posts that were requested earlier are still waited for
        raise
    await _wait(run, awaited)


def _under_way(run: SiteRun, action: Action, taken: set[str]) -> list[PendingPosts]:
    """What a wait-only action waits for: a call of an earlier run that no other action waits for."""
    if run.skip_if_blocked(action):
        return []
    assert isinstance(action.operation, AwaitPosts)
    run.start(action)
    calls = GeneratePosts | RegeneratePosts | ClearPosts
    entries = (entry for entry in run.journal.recorded.open if entry.address == action.address)
    entry = next((entry for entry in entries if isinstance(entry.operation, calls) and entry.id not in taken), None)
    if entry is None:
        run.fail(action, ActionResult.SKIPPED, NOTHING_OPEN)
        return []
    return [PendingPosts(action, entry, action.operation.activity)]


async def _ask(run: SiteRun, group: Sequence[Action]) -> list[PendingPosts]:
    awaited = []
    for attempt in await run.call(group, waits=True):
        operation = attempt.action.operation
        assert isinstance(operation, GeneratePosts | RegeneratePosts)
        if isinstance(attempt.outcome, NotDone):
            run.conclude_with(attempt.action, attempt.outcome)
            continue
        unclear = attempt.outcome if isinstance(attempt.outcome, Unknown) else None
        awaited.append(PendingPosts(attempt.action, attempt.entry, operation.activity, unclear))
    return awaited


async def _wait(run: SiteRun, awaited: list[PendingPosts]) -> None:
    """Polls until every activity has its posts, or the time has run out; enters every action in the ledger."""
    if not awaited:
        return
    since, left = run.now(), list(awaited)
    last: dict[ActivityId, tuple[Post, ...]] = {}

    async def probe() -> bool | None:
        ids = sorted({pending.activity for pending in left})
        before = {activity: _looks(last.get(activity, ())) for activity in ids}
        last.update(await run.ports.reader.posts_of(run.site, ids))
        for pending in tuple(left):
            found = last.get(pending.activity, ())
            # They may appear one channel after the other (14.6), so they count as complete once two reads see the same.
            stable = _looks(found) == before[pending.activity] and _is_whole(pending, found)
            if stable and _is_done(run, pending, found):
                await conclude(run.journal, pending.entry, Done())
                run.finish(pending.action)
                left.remove(pending)
        if left:
            run.emit(StillWaiting(run.site, since, run.options.waiting.timeout, left=len(left)))
        return None if left else True

    error: ApiError | None = None
    try:
        found = await poll(run.ports.clock, run.options.waiting, probe, run.stopped)
    except ApiError as failed:
        found, error = WaitStopped(), failed
    except asyncio.CancelledError:
        # The second signal. What the journal has as accepted is pending in the ledger too.
        for pending in left:
            if pending.entry.sent:
                run.fail(pending.action, ActionResult.PENDING, _still_missing(RUN_STOPPED))
        raise
    run.cache.forget(Need.MARKETING_PLAN)
    if isinstance(found, TimedOut | WaitStopped):
        why = RUN_STOPPED if isinstance(found, WaitStopped) else found.failed or TIME_RAN_OUT
        problem = error.diagnostic() if error else why
        for pending in left:
            await _not_over(run, pending, last.get(pending.activity, ()), problem)
    if error is not None:
        raise error


def _looks(posts: Sequence[Post]) -> frozenset[tuple[str, str]]:
    return frozenset((post.id, post.digest) for post in posts)


def _is_done(run: SiteRun, pending: PendingPosts, live: tuple[Post, ...]) -> bool:
    seen = Snapshot(posts=((pending.activity, live),))
    return isinstance(infer_outcome(pending.entry, seen, run.now()), Done)


def _is_whole(pending: PendingPosts, live: Sequence[Post]) -> bool:
    """Whether no draft is left as it was before: drafts are regenerated one after the other (D 6.2)."""
    before = {(seen.id, seen.digest) for seen in pending.entry.before.posts}
    return not before & _looks([post for post in live if post.status is PostStatus.DRAFT])


def _still_missing(why: Diagnostic) -> Diagnostic:
    return replace(why.while_("the new posts are not there yet"), fix=why.fix or CHECK_AGAIN)


async def _not_over(run: SiteRun, pending: PendingPosts, live: tuple[Post, ...], why: Diagnostic) -> None:
    whole = _is_whole(pending, live)
    if _is_done(run, pending, live) and (whole or pending.action.operation.takes_time):
        await conclude(run.journal, pending.entry, Done())
        run.finish(pending.action, remark=None if whole else Remark.IN_PART)
    elif pending.unclear is None:
        # The entry stays open: the next run looks again, and repeats the request if the time is up (design.md 3.5).
        run.fail(pending.action, ActionResult.PENDING, _still_missing(why))
    else:
        outcome = replace(
            pending.unclear, problem=pending.unclear.problem.and_then(f"the new posts are missing ({why.cause})")
        )
        await conclude(run.journal, pending.entry, outcome)
        run.conclude_with(pending.action, outcome)
