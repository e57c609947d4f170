"""One-call actions that finish at once: settings, events, activities, clearing, deleting, moving, cancelling."""

from __future__ import annotations

from math import ceil
from typing import assert_never

from msgspec.structs import replace

from reconciler.api.errors import ApiError
from reconciler.executor.kinds import kind_of
from reconciler.executor.outcome_check import CREATED_SHOWS_WITHIN, LOOKS, infer_outcome, read_for
from reconciler.executor.run import CallAttempt, SiteRun
from reconciler.executor.snapshot import Snapshot
from reconciler.executor.state_updates import note_part
from reconciler.model.notes import InputsPending
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Done, NotDone, Outcome, Pending, Remark, Unknown
from reconciler.model.writes import Verb
from reconciler.planner.actions import Action


async def perform_simple(run: SiteRun, actions: tuple[Action, ...]) -> None:
    """Checks, writes and records one action, and enters it in the ledger. May raise an ApiError of a read."""
    (action,) = actions
    if run.skip_if_blocked(action) or await run.skip_if_stale(action):
        return
    if action.operation.feeds_generation:
        note_pending(run)
    (attempt,) = await run.call([action])
    attempt = await resolve_unclear(run, attempt)
    run.conclude_with(action, attempt.outcome)


def note_pending(run: SiteRun) -> None:
    """Records the inputs of a generation that this plan has yet to start, before the first of them is written.

    Not while an earlier generation is under way: what is pending is what that one was started with. If it were replaced
    and the wait timed out, the next run would take these inputs for those of the earlier one.
    """
    if run.awaited:
        return
    if any(action.operation.uses_inputs for action in run.plan.actions):
        run.journal.note(InputsPending(run.plan.inputs, run.plan.adopted_inputs))


async def resolve_unclear(run: SiteRun, attempt: CallAttempt) -> CallAttempt:
    """The attempt, with what reading the site shows if the answer was unclear, or a refusal that may not be true."""
    match attempt.outcome:
        case Unknown():
            outcome = await _read_again(run, attempt, attempt.outcome)
            if isinstance(outcome, Unknown):
                return replace(attempt, outcome=outcome)
            resolved = replace(attempt, outcome=outcome)
            await run.close(resolved)
            return resolved
        case NotDone(skipped=skipped) if skipped or _is_about_a_scheduled_post(attempt.action.operation):
            operation = attempt.action.operation
            found = await kind_of(operation).ruled_out(operation, attempt.outcome, run.cache, run.journal)
            ruled_out = replace(attempt, outcome=found)
            if isinstance(found, Done):
                await run.close(ruled_out)
            return ruled_out
        case NotDone(missing=True) if attempt.action.operation.verb is Verb.DELETE:
            return await _gone_already(run, attempt, attempt.outcome)
        case Pending(request_id=request_id):
            # None of these calls has to be waited for: what was accepted is done, and read back at the end.
            done = replace(attempt, outcome=Done(request_id=request_id))
            await run.close(done)
            return done
        case Done() | NotDone():
            return attempt
        case _:
            assert_never(attempt.outcome)


def _is_about_a_scheduled_post(operation: Operation) -> bool:
    """Whether it matters to the public what became of the call, whatever the answer said."""
    return operation.verb is Verb.CANCEL or operation.moves


async def _gone_already(run: SiteRun, attempt: CallAttempt, refused: NotDone) -> CallAttempt:
    """A 404 to a removal: done if the object no longer exists. May raise an ApiError."""
    seen = await read_for(run.site, run.ports.reader, [attempt.entry.operation])
    if not isinstance(infer_outcome(attempt.entry, seen, run.now()), Done):
        return attempt
    gone = replace(attempt, outcome=Done(remark=Remark.GONE_ALREADY, request_id=refused.request_id))
    await run.close(gone)
    return gone


async def _read_again(run: SiteRun, attempt: CallAttempt, unclear: Unknown) -> Outcome:
    """Done, not done, or still unknown (design.md 3.5). A create may still be in flight, so it is looked for again."""
    looks, pause = LOOKS if attempt.entry.sent else 1, run.options.waiting.interval
    if attempt.action.operation.verb is Verb.CREATE and not attempt.entry.sent:
        pause = max(pause, CREATED_SHOWS_WITHIN / 5)
        looks = 1 + ceil(CREATED_SHOWS_WITHIN / pause)
    found: Outcome | None = None
    seen = Snapshot()
    try:
        for number in range(looks):
            if number:
                await run.ports.clock.sleep(pause.total_seconds())
            seen = await read_for(run.site, run.ports.reader, [attempt.entry.operation])
            found = infer_outcome(attempt.entry, seen, run.now())
            if isinstance(found, Done | Pending):
                break
            if isinstance(found, NotDone):
                note_part(run.journal, attempt.entry, seen)
    except ApiError as error:
        return replace(unclear, problem=unclear.problem.and_then(f"reading it back failed: {error.diagnostic().cause}"))
    if found is None:
        return unclear
    if isinstance(found, NotDone):
        if attempt.action.operation.verb is Verb.CREATE:  # it may show later: the entry stays open for the next run
            return replace(unclear, problem=unclear.problem.and_then(f"{found.problem.message} yet"))
        goes_out = kind_of(attempt.entry.operation).goes_out(attempt.entry.operation, seen)
        problem = unclear.problem if goes_out else unclear.problem.and_then(found.problem.message)
        return replace(found, problem=problem, asked=unclear.asked, goes_out=goes_out)
    return found if isinstance(found, Unknown) else replace(found, request_id=unclear.request_id)
