"""Actions that are one call each and over at once: events, settings, activities, clearing, deleting, cancelling."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.api.errors import ApiError
from reconciler.executor.evidence import verdict
from reconciler.executor.ledger import Result
from reconciler.executor.run import Attempt, Run, result_of
from reconciler.executor.view import look
from reconciler.model.calls import CREATES, known_call
from reconciler.model.operations import (
    ClearPosts,
    CreateEvent,
    DeleteEvent,
    DeleteMarketingPlan,
    Done,
    Generate,
    NotDone,
    Outcome,
    Pending,
    Regenerate,
    Unknown,
    UpdateEvent,
    UpdateSettings,
)
from reconciler.model.sites import Need
from reconciler.planner.actions import Action

FOREIGN = "it belongs to a connected calendar, which this site cannot change"


async def perform_single(run: Run, action: Action) -> None:
    """Checks, writes, notes and enters one action. May raise an ApiError of a read."""
    if await run.hindered(action):
        _needed(run, action, Result.SKIPPED)
        return
    if isinstance(action.operation, CreateEvent | UpdateEvent | DeleteEvent | UpdateSettings):
        await note_due(run)
    (attempt,) = await run.call([action])
    attempt = await settled(run, attempt)
    if isinstance(action.operation, DeleteMarketingPlan | ClearPosts):
        run.view.forget(Need.MARKETING_PLAN)
    run.conclude_with(action, attempt.outcome)
    _needed(run, action, result_of(attempt.outcome))


async def note_due(run: Run) -> None:
    """Notes the inputs of a generation that this plan has yet to start, before the first of them is written."""
    if any(isinstance(one.operation, Generate | Regenerate) for one in run.plan.actions):
        await run.journal.inputs_pending(run.plan.inputs, run.plan.adopted_inputs)


async def settled(run: Run, attempt: Attempt) -> Attempt:
    """The attempt with what reading the site says about an unclear or a refused answer."""
    match attempt.outcome:
        case Unknown():
            outcome = await _read_again(run, attempt, attempt.outcome)
            if isinstance(outcome, Unknown):
                return replace(attempt, outcome=outcome)
            settled_attempt = replace(attempt, outcome=outcome)
            await run.close(settled_attempt)
            return settled_attempt
        case NotDone(skipped=True) if isinstance(attempt.action.operation, DeleteEvent | UpdateEvent):
            return replace(attempt, outcome=await _ruled_out(run, attempt.action.operation, attempt.outcome))
        case Pending(detail=detail, request_id=request_id):
            # None of these calls has anything to wait for: what was taken on is done, and read back at the end.
            done = replace(attempt, outcome=Done(detail=detail, request_id=request_id))
            await run.close(done)
            return done
        case _:
            return attempt


async def _read_again(run: Run, attempt: Attempt, unclear: Unknown) -> Outcome:
    """Done, not done, or still unknown (design.md 3.5). A create may be in flight yet, so it is looked for twice."""
    looks = 2 if known_call(attempt.entry) in CREATES else 1
    found: Outcome | None = None
    try:
        for number in range(looks):
            if number:
                await run.ports.clock.sleep(run.options.waiting.interval.total_seconds())
            found = verdict(attempt.entry, await look(run.site, run.ports.reader, [attempt.entry]))
            if not isinstance(found, NotDone):
                break
    except ApiError as error:
        return replace(unclear, detail=f"{unclear.detail}; reading it back failed: {error}")
    if found is None:
        return unclear
    detail = f"{unclear.detail}; {found.detail}" if isinstance(found, NotDone) else found.detail
    return replace(found, detail=detail, request_id=unclear.request_id)


async def _ruled_out(run: Run, operation: DeleteEvent | UpdateEvent, refused: NotDone) -> Outcome:
    """A 428 says that the event is gone, or that it is a connected calendar's (D 8.2)."""
    asked = operation.id if isinstance(operation, DeleteEvent) else operation.event.id
    run.view.forget(Need.EVENTS)
    live = next((one for one in await run.view.events() if one.id == asked), None)
    if live is None:
        return Done(detail="it was gone already") if isinstance(operation, DeleteEvent) else refused
    if isinstance(operation, DeleteEvent):
        await run.journal.foreign(live)
    else:
        # Less is certain of a refused update, so the event alone is remembered and not its whole calendar.
        await run.journal.foreign(replace(live, calendar_id=None))
    return replace(refused, detail=FOREIGN)


def _needed(run: Run, action: Action, result: Result) -> None:
    """What cannot follow an action that did not end well."""
    if result is Result.DONE:
        return
    match action.operation:
        case UpdateSettings():
            run.inputs_missing = f"the settings were not saved ({result})"
        case CreateEvent() | UpdateEvent():
            run.inputs_missing = f"{action.address} was not saved ({result})"
        case DeleteEvent() if result is not Result.SKIPPED:
            run.inputs_missing = f"{action.address} was not deleted ({result})"
        case DeleteMarketingPlan():
            run.halted = "the marketing plan was not deleted"
        case _:
            pass
