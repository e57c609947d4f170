"""Has posts made, and made again, and waits until they are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.api.errors import ApiError
from reconciler.executor.events import Waiting
from reconciler.executor.evidence import posts_verdict
from reconciler.executor.ledger import Result
from reconciler.executor.preconditions import activity_of
from reconciler.executor.remember import conclude
from reconciler.executor.run import Run
from reconciler.executor.waiting import Stopped, TimedOut, poll
from reconciler.model.calls import POSTS, known_call
from reconciler.model.operations import (
    AwaitPosts,
    Done,
    GeneratePosts,
    NotDone,
    OpenEntry,
    RegeneratePosts,
    Unknown,
)
from reconciler.model.posts import ActivityId, Post
from reconciler.model.sites import Need
from reconciler.planner.actions import Action

AT_ONCE: Final = 20
"""Activities in one call (S-wix 6.2)."""


class Awaited(Struct, frozen=True):
    """An activity whose posts are to come."""

    action: Action
    entry: OpenEntry
    activity: ActivityId
    unclear: Unknown | None = None


async def make_posts(run: Run, actions: Sequence[Action]) -> None:
    """Sends all the calls for these actions, then waits for all their posts together."""
    awaited: list[Awaited] = []
    waiting = [one for one in actions if isinstance(one.operation, AwaitPosts)]
    making = [one for one in actions if isinstance(one.operation, GeneratePosts)]
    again = [one for one in actions if isinstance(one.operation, RegeneratePosts)]
    for wait in waiting:
        awaited += _under_way(run, wait, {one.entry.id for one in awaited})
    if run.halted is None and (making or again):
        await run.view.fill(one for action in (*making, *again) if (one := activity_of(action.operation)) is not None)
    ready = [one for one in making if not run.held_back(one) and not await run.hindered(one)]
    groups = [ready[start : start + AT_ONCE] for start in range(0, len(ready), AT_ONCE)]
    groups += [[one] for one in again]
    try:
        for group in groups:
            if run.stopped():
                break
            if isinstance(group[0].operation, RegeneratePosts) and (
                run.held_back(group[0]) or await run.hindered(group[0])
            ):
                continue
            awaited += await _ask(run, group)
    except ApiError:
        await _wait(run, awaited)  # what was asked for before is seen to its end all the same
        raise
    await _wait(run, awaited)


def _under_way(run: Run, action: Action, taken: set[str]) -> list[Awaited]:
    """What an action that only waits waits for: a call of an earlier run that no other one waits for."""
    if run.held_back(action):
        return []
    assert isinstance(action.operation, AwaitPosts)
    run.start(action)
    address = str(action.address)
    entry = next(
        (
            one
            for one in run.journal.recorded.open
            if one.address == address and known_call(one) in POSTS and one.id not in taken
        ),
        None,
    )
    if entry is None:
        run.finish(action, Result.SKIPPED, "no earlier call for its posts is open any more")
        return []
    return [Awaited(action, entry, action.operation.activity)]


async def _ask(run: Run, group: Sequence[Action]) -> list[Awaited]:
    awaited = []
    for attempt in await run.call(group, waits=True):
        operation = attempt.action.operation
        assert isinstance(operation, GeneratePosts | RegeneratePosts)
        if isinstance(attempt.outcome, NotDone):
            run.conclude_with(attempt.action, attempt.outcome)
            continue
        unclear = attempt.outcome if isinstance(attempt.outcome, Unknown) else None
        awaited.append(Awaited(attempt.action, attempt.entry, operation.activity, unclear))
    return awaited


async def _wait(run: Run, awaited: list[Awaited]) -> None:
    """Polls until every activity has its posts, or the time is over; enters every action."""
    if not awaited:
        return
    since, left = run.now(), list(awaited)
    last: dict[ActivityId, tuple[Post, ...]] = {}

    async def probe() -> bool | None:
        ids = sorted({one.activity for one in left})
        before = {one: _looks(last.get(one, ())) for one in ids}
        last.update(await run.ports.reader.posts_of(run.site, ids))
        for one in tuple(left):
            found = last.get(one.activity, ())
            verdict = posts_verdict(one.entry, found, whole=True)
            # They may come one channel after the other (14.6), so they are there when two looks see the same.
            if isinstance(verdict, Done) and _looks(found) == before[one.activity]:
                await conclude(run.journal, one.entry, verdict)
                run.finish(one.action, Result.DONE)
                left.remove(one)
        if left:
            run.emit(Waiting(run.site, since, run.options.waiting.timeout, left=len(left)))
        return None if left else True

    error: ApiError | None = None
    try:
        found = await poll(run.ports.clock, run.options.waiting, probe, run.stopped)
    except ApiError as failed:
        found, error = Stopped(), failed
    run.view.forget(Need.MARKETING_PLAN)
    if isinstance(found, TimedOut | Stopped):
        for one in left:
            why = str(error) if error else ("the run was stopped" if isinstance(found, Stopped) else "the time is over")
            await _not_over(run, one, last.get(one.activity, ()), why)
    if error is not None:
        raise error


def _looks(posts: Sequence[Post]) -> frozenset[tuple[str, str]]:
    return frozenset((post.id, post.digest) for post in posts)


async def _not_over(run: Run, one: Awaited, live: tuple[Post, ...], why: str) -> None:
    if isinstance(posts_verdict(one.entry, live, whole=True), Done):
        await conclude(run.journal, one.entry, Done())
        run.finish(one.action, Result.DONE)
    elif isinstance(one.action.operation, RegeneratePosts) and posts_verdict(one.entry, live, whole=False) == Done():
        await conclude(run.journal, one.entry, Done())
        run.finish(one.action, Result.DONE, "some drafts were made again, others are as they were")
    elif one.unclear is None:
        # Posts that have not come when the time is over are not done, and the next run asks anew (design.md 3.5).
        run.finish(one.action, Result.PENDING, f"its posts are not there yet ({why}); run again to look, or ask anew")
    else:
        outcome = replace(one.unclear, detail=f"{one.unclear.detail}; its posts are not there ({why})")
        await conclude(run.journal, one.entry, outcome)
        run.conclude_with(one.action, outcome)
