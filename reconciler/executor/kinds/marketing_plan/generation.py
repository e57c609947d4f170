"""Starts generations and waits for them: this run's, those of earlier runs, and those that somebody else started."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from reconciler.api.errors import ApiError
from reconciler.executor.events import StillWaiting
from reconciler.executor.kinds import KINDS
from reconciler.executor.kinds.marketing_plan import (
    GENERATION_FAILED,
    generation_outcome,
    is_as_before,
    leaves_trace,
)
from reconciler.executor.kinds.marketing_plan.left_behind import posts_left_behind
from reconciler.executor.ledger import ActionResult
from reconciler.executor.outcome_check import LOOKS
from reconciler.executor.ports import PollPolicy
from reconciler.executor.run import SiteRun
from reconciler.executor.site_cache import NO_PLAN
from reconciler.executor.snapshot import Snapshot
from reconciler.executor.state_updates import conclude
from reconciler.executor.waiting import TimedOut, WaitStopped, poll
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.durations import length
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import AnyPlanStatus, MarketingPlan, PlanStatus
from reconciler.model.notes import InputsGeneratedFrom, InputsPending
from reconciler.model.outcomes import Done, NotDone, Outcome, Pending, Trouble, Unknown, not_done
from reconciler.model.posts import ActivityId, Unrecognised
from reconciler.model.sites import Inputs, Need, ObservedSite
from reconciler.model.text import printable
from reconciler.planner.actions import Action

WAITS = Diagnostic(Trouble.BEHIND, "it depends on the generation")
STOPPED = Diagnostic(Trouble.STILL_UNDER_WAY, "still under way when the run was stopped")
NEAR = timedelta(days=7)
"""A generation makes posts at least this far ahead (D 6.2: through the end of next week)."""


class PendingGeneration(Struct, frozen=True):
    """A generation that is being waited for.

    `entry` is None if somebody else started it. `unclear` is the outcome of the call to start it, if that is Unknown.
    """

    action: Action
    entry: OpenEntry | None
    unclear: Unknown | None = None
    at_once: bool = False


async def generate_or_wait(run: SiteRun, actions: tuple[Action, ...]) -> None:
    """Starts a generation or regeneration, or joins one that is under way, and waits for it to end."""
    (action,) = actions
    if not run.skip_if_blocked(action):
        await (_generate if action.operation.uses_inputs else _await)(run, action)


async def _generate(run: SiteRun, action: Action) -> None:
    if run.inputs_missing is not None:
        run.skip(action, ActionResult.NOT_STARTED, run.inputs_missing)
        run.halted = WAITS
        return
    if await run.skip_if_stale(action):
        run.halted = WAITS
        return
    run.journal.note(InputsPending(await inputs_seen(run), run.plan.adopted_inputs))
    (attempt,) = await run.call([action], waits=True)
    match attempt.outcome:
        case NotDone():
            run.conclude_with(action, attempt.outcome)
            run.halted = WAITS
        case Done() | Pending():
            await _wait(run, PendingGeneration(action, attempt.entry))
        case Unknown():
            await _wait(run, PendingGeneration(action, attempt.entry, attempt.outcome, at_once=True))
        case _:
            assert_never(attempt.outcome)


async def inputs_seen(run: SiteRun) -> Inputs:
    """The inputs of a generation: the declared ones if the site shows them now, otherwise what it has instead (17.5).

    May raise an ApiError.
    """
    seen = Inputs()
    for kind in KINDS:
        seen = seen.with_more(await kind.inputs_seen(run.plan.inputs, run.ports, run.cache))
    return seen


async def _await(run: SiteRun, action: Action) -> None:
    entry = run.awaited
    run.start(action)
    await _wait(run, PendingGeneration(action, entry, at_once=True))


async def _wait(run: SiteRun, wait: PendingGeneration) -> None:
    """Polls until the generation has ended or the time is up, and enters the action in the ledger.

    Halts the run unless the marketing plan is ACTIVE.
    """
    since, last = run.now(), _Last()

    async def probe() -> tuple[ObservedSite, Done | NotDone] | None:
        observed = await run.ports.reader.read(run.site, frozenset({Need.MARKETING_PLAN}))
        live = observed.marketing_plan or NO_PLAN
        last.status = live.status
        last.outcome = await _judge(run, last, live)
        if isinstance(last.outcome, Done | NotDone):
            return observed, last.outcome
        run.emit(StillWaiting(run.site, since, run.options.waiting.timeout, live.status))
        return None

    run.cache.forget()
    run.put_aside()
    last.entry = wait.entry
    try:
        found = await poll(run.ports.clock, _poll_policy(run, wait), probe, run.stopped, at_once=wait.at_once)
    except ApiError as error:
        run.fail(wait.action, ActionResult.PENDING, error.diagnostic().while_("could not check on the generation"))
        raise
    except asyncio.CancelledError:
        # The second signal. If the journal has it as started, the ledger says so too.
        if last.entry is None or last.entry.sent:
            run.fail(wait.action, ActionResult.PENDING, STOPPED)
        raise
    match found:
        case TimedOut(failed=failed) if failed is not None:
            # The entry stays open: the last read failed, so it is not known what became of the generation.
            run.fail(wait.action, ActionResult.PENDING, failed.while_("could not check on the generation"))
        case TimedOut():
            await _not_over(run, wait, last)
        case WaitStopped():
            run.fail(wait.action, ActionResult.PENDING, STOPPED)
        case (observed, outcome):
            await _over(run, wait, last, observed, outcome)
    if not (isinstance(found, tuple) and isinstance(found[1], Done)):
        run.halted = WAITS


def _poll_policy(run: SiteRun, wait: PendingGeneration) -> PollPolicy:
    """How long to wait: the full time, or what is left of it for an earlier call that has shown no effect."""
    whole = run.options.waiting
    if wait.entry is None or wait.entry.sent or wait.unclear is not None:
        return whole
    # A clock that was ahead may have recorded a time that is still to come.
    passed = max(timedelta(0), run.now() - wait.entry.started_at)
    return replace(whole, timeout=max(timedelta(0), whole.timeout - passed))


class _Last:
    """What the last poll showed."""

    def __init__(self) -> None:
        self.status: AnyPlanStatus | None = None
        self.outcome: Outcome | None = None
        self.entry: OpenEntry | None = None
        self.silent = 0
        """How many polls showed the marketing plan as it was before the call."""
        self.shown = False
        """Whether a poll has shown the generation."""


async def _judge(run: SiteRun, last: _Last, live: MarketingPlan) -> Outcome | None:
    """What a poll means.

    A status that no generation should end in (NEVER_CREATED, INACTIVE) may be a stale read, so polling continues.
    """
    if last.entry is None:
        match live.status:
            case PlanStatus.ACTIVE:
                return Done()
            case PlanStatus.FAILED:
                return GENERATION_FAILED
            case PlanStatus.GENERATING | PlanStatus.INACTIVE | PlanStatus.NEVER_CREATED | Unrecognised():
                return None
            case _:
                assert_never(live.status)
    outcome = generation_outcome(last.entry, live)
    last.shown = last.shown or leaves_trace(last.entry, live)
    if isinstance(outcome, Done) and not leaves_trace(last.entry, live):
        # It was accepted, but nothing shows yet: a read may lag behind the write (17.6), so it is read again. If there
        # was something to replace, the generation is not done before its result shows: nothing else distinguishes it
        # from a call that was accepted without effect.
        last.silent += 1
        if last.silent < LOOKS or (is_as_before(last.entry, live) and not last.shown):
            return Pending()
    if outcome is not None and not last.entry.sent:
        await run.journal.sent(last.entry)
        last.entry = replace(last.entry, sent=True)
    if isinstance(outcome, NotDone) and live.status is not PlanStatus.FAILED:
        return Pending()
    return outcome


async def _over(
    run: SiteRun, wait: PendingGeneration, last: _Last, observed: ObservedSite, outcome: Done | NotDone
) -> None:
    run.cache.saw(observed)
    if isinstance(outcome, Done) and (inputs := _generated_from(run, wait)) is not None:
        run.journal.note(InputsGeneratedFrom(inputs))
    if last.entry is not None:
        await conclude(run.journal, last.entry, outcome, Snapshot(observed))
    if isinstance(outcome, Done):
        run.conclude_with(wait.action, outcome)
        await _note_no_posts(run)
        await posts_left_behind(run, observed)
        return
    problem = outcome.problem
    if await _unpublished(run):
        problem = replace(problem.and_then("the site is not published"), fix="publish it, then run again")
    run.fail(wait.action, ActionResult.FAILED, problem)


def _generated_from(run: SiteRun, wait: PendingGeneration) -> Inputs | None:
    """The inputs of a generation: those that were recorded before its call, otherwise those that the plan adopts."""
    pending = run.journal.recorded.pending
    return pending if wait.entry is not None and pending is not None else run.plan.adopted_inputs


async def _not_over(run: SiteRun, wait: PendingGeneration, last: _Last) -> None:
    timeout = length(run.options.waiting.timeout.total_seconds())
    if last.entry is not None and last.silent >= LOOKS and not last.shown:
        why = f"accepted, but after {timeout} the marketing plan has not changed; nothing was generated"
        without = not_done(Trouble.NO_EFFECT, why, "run again")
        await run.journal.end(last.entry, without)
        run.conclude_with(wait.action, without)
        return
    if last.entry is None or last.entry.sent:
        status = printable(str(last.status)) if last.status is not None else "not readable"
        still = f"still {status} after {timeout}"
        under_way = Diagnostic(Trouble.STILL_UNDER_WAY, still, "run again to continue waiting")
        run.fail(wait.action, ActionResult.PENDING, under_way)
        return
    if wait.unclear is None:
        # An earlier run's call that has shown nothing for a whole timeout counts as not done (design.md 3.5).
        why = f"no effect of an earlier run's call was observed for {timeout}"
        without = not_done(Trouble.NO_EFFECT, why, "run again", skipped=True)
        await run.journal.end(last.entry, without)
        run.conclude_with(wait.action, without)
        return
    problem = wait.unclear.problem.and_then(f"no effect observed after {timeout}")
    outcome = Unknown(problem, asked=wait.unclear.asked)
    await run.journal.end(last.entry, outcome)
    run.conclude_with(wait.action, outcome)


async def _note_no_posts(run: SiteRun) -> None:
    """Adds a note if a marketing plan is ACTIVE without any posts.

    That is the documented sign of an unpublished site, or of SOCIAL_MARKETING being off (D 13.1.6).
    """
    now = run.now()
    activities = (await run.cache.marketing_plan()).activities
    near = [
        activity.id
        for activity in activities
        if now <= activity.date <= now + NEAR and activity.type in (None, "SOCIAL_MARKETING")
    ]
    if near and not any(activity.posts for activity in activities) and not await _have_posts(run, near):
        why = (
            "the site is not published"
            if await _unpublished(run)
            else "check that marketingTools includes SOCIAL_MARKETING"
        )
        run.note(Diagnostic("no-posts", f"the marketing plan is ACTIVE, but no activity has posts: {why}"))


async def _have_posts(run: SiteRun, activities: list[ActivityId]) -> bool:
    try:
        found = await run.ports.reader.posts_of(run.site, activities)
    except ApiError:
        return False
    return any(posts for _, posts in found)


async def _unpublished(run: SiteRun) -> bool:
    try:
        return (await run.ports.reader.read(run.site, frozenset({Need.PUBLISHED}))).published is False
    except ApiError:
        return False  # a hint is not worth an error
