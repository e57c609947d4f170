"""What the state is to remember once a call is known to have taken effect, and what a plan found out besides."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from reconciler.executor.objects import left_by
from reconciler.executor.ports import ApplyOptions, Journal, Ports
from reconciler.model.address import Kind
from reconciler.model.calls import Call, known_call
from reconciler.model.canonical import EMPTY, Digest, Json, JsonObject
from reconciler.model.events import EventId
from reconciler.model.operations import (
    AwaitGeneration,
    CreateEvent,
    DeleteEvent,
    Done,
    Generate,
    OpenEntry,
    Operation,
    Outcome,
    Regenerate,
    UpdateEvent,
    UpdateSettings,
)
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.settings import Field, normal
from reconciler.model.sites import Bindings, CreatedActivity, Inputs, PublishedPost
from reconciler.planner.actions import Plan


async def conclude(journal: Journal, entry: OpenEntry, outcome: Outcome, done: PublishedPost | None = None) -> None:
    """Notes what an outcome means for later runs, then the outcome itself, in this order: a run that dies in
    between finds the entry open and does it again. `done` is how a post was scheduled, where it was."""
    facts = entry.facts if isinstance(entry.facts, JsonObject) else EMPTY
    if isinstance(outcome, Done):
        match known_call(entry):
            case Call.CREATE_EVENT if outcome.created:
                await journal.bind(Bindings(event_ids=((_text(facts, "name"), EventId(outcome.created)),)))
            case Call.CREATE_ACTIVITY if outcome.created:
                await journal.bind(Bindings(created=(_created(facts, outcome.created),)))
            case Call.REGENERATE_POSTS | Call.CLEAR_POSTS if facts.get("decision"):
                activity = ActivityId(_text(facts, "activity"))
                await journal.consumed(activity, _text(facts, "decision"), _text(facts, "decided"))
            case _:
                pass
        if objects := left_by(entry, outcome, journal.recorded):
            await journal.bind(Bindings(objects=objects))
        if done is not None:
            await journal.published(done)
    await journal.end(entry, outcome)


def scheduled(
    entry: OpenEntry, journal: Journal, moment: datetime | None, options: ApplyOptions | None = None
) -> PublishedPost:
    """The record of a post that this call scheduled, or moved: `moment` is when it goes out, and the options know
    the commit and who approved it.

    It is dated by its journal entry, so that noted twice it is one scheduling all the same.
    """
    facts = entry.facts if isinstance(entry.facts, JsonObject) else EMPTY
    post, digest = PostId(_text(facts, "post")), Digest(_text(facts, "digest"))
    before = next((one for one in journal.recorded.published if (one.id, one.digest) == (post, digest)), None)
    if before is not None and known_call(entry) is Call.RESCHEDULE_POST:
        # The same scheduling at another time, not one more.
        return replace(before, scheduled_for=moment)
    commit, approver = (options.commit, options.approver) if options else (None, None)
    channel = _text(facts, "channel")
    return PublishedPost(post, digest, channel, moment, entry.started_at, commit=commit, approver=approver)


def _created(facts: JsonObject, id: str) -> CreatedActivity:
    asked = facts.get("activity")
    activity = asked if isinstance(asked, JsonObject) else EMPTY
    date = datetime.fromisoformat(_text(activity, "targetDate"))
    return CreatedActivity(ActivityId(id), _text(activity, "title"), date)


def _text(facts: JsonObject, key: str) -> str:
    value: Json = facts.get(key)
    return value if isinstance(value, str) else ""


def applied_by(operation: Operation, plan: Plan) -> Inputs:
    """The part of the inputs that a write has just made so."""
    match operation:
        case UpdateSettings(changes=changes):
            return Inputs(settings=tuple(Field(one.path, normal(one.path, one.after)) for one in changes))
        case CreateEvent(event=event):
            return Inputs(events=((event.name, event.facts()),))
        case UpdateEvent(event=live):
            facts = plan.inputs.event(live.name)
            return Inputs(events=((live.name, facts),)) if facts is not None else Inputs()
        case _:
            return Inputs()


async def settle(plan: Plan, ports: Ports) -> None:
    """Notes what a plan found out before anything is written: identities, what stands as asked for already,
    and what a marketing plan that no generation of ours is recorded for is taken to be made from."""
    journal = ports.journal
    if plan.bindings != Bindings():
        await journal.bind(plan.bindings)
    as_asked = _found_as_asked(plan)
    if as_asked != Inputs():
        await journal.applied(as_asked)
    coming = any(isinstance(one.operation, Generate | Regenerate | AwaitGeneration) for one in plan.actions)
    if plan.adopted_inputs is not None and not coming and plan.adopted_inputs != journal.recorded.generated_from:
        await _take_in_force(plan.adopted_inputs, journal)


async def _take_in_force(inputs: Inputs, journal: Journal) -> None:
    # What is pending stays so: nothing was generated from it.
    pending = journal.recorded.pending
    if pending is None:
        await journal.inputs_generated_from(inputs)
    else:
        await journal.inputs_pending(pending, inputs)


def _found_as_asked(plan: Plan) -> Inputs:
    """The inputs that no action changes and nothing blocks: they were read as the files ask for."""
    settings: set[str] = set()
    events: set[str] = set()
    for action in plan.actions:
        match action.operation:
            case UpdateSettings(changes=changes):
                settings.update(one.path for one in changes)
            case CreateEvent() | UpdateEvent() | DeleteEvent():
                events.add(action.address.key)
            case _:
                pass
    kinds = {one.about.kind for one in plan.blocked}
    events.update(one.about.key for one in plan.blocked if one.about.kind is Kind.EVENT)
    return Inputs(
        settings=tuple(one for one in plan.inputs.settings if one.path not in settings and Kind.SETTINGS not in kinds),
        events=tuple((name, facts) for name, facts in plan.inputs.events if name not in events),
    )
