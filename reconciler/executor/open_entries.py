"""Settles what earlier runs left open in the journal, by reading the site, before anything is planned.

A generation that is still under way, and posts that are still to come, stay open: the planner waits for them.
"""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.executor.events import Emit, Resolved
from reconciler.executor.evidence import Sight, verdict
from reconciler.executor.ports import ApplyOptions, Ports
from reconciler.executor.remember import conclude, scheduled
from reconciler.executor.view import look
from reconciler.model.calls import CREATES, GENERATIONS, POSTS, Call, known_call
from reconciler.model.canonical import JsonObject
from reconciler.model.operations import Done, NotDone, OpenEntry, Outcome, Pending, Unknown
from reconciler.model.sites import PublishedPost, RecordedSite, SiteRef


async def resolve_open(site: SiteRef, ports: Ports, options: ApplyOptions, emit: Emit) -> RecordedSite:
    """What stands recorded once every open entry that reading can settle is settled.

    Reads nothing where nothing is open. May raise an ApiError or a StateError; what was settled until then is.
    """
    entries = ports.journal.recorded.open
    if not entries:
        return ports.journal.recorded
    sight = await look(site, ports.reader, entries)
    late = [one for one in entries if await _may_be_in_flight(one, sight, ports, options)]
    if late:
        await ports.clock.sleep(options.waiting.interval.total_seconds())
        again = await look(site, ports.reader, late)
        sight = replace(
            sight, events=again.events or sight.events, marketing_plan=again.marketing_plan or sight.marketing_plan
        )
    for entry in entries:
        outcome = _outcome(entry, sight, ports, options)
        match outcome:
            case None:
                continue
            case Pending():
                await ports.journal.sent(entry)
            case Done() | NotDone() | Unknown():
                await _settle(entry, outcome, sight, ports, options)
        emit(Resolved(site, entry, outcome))
    return ports.journal.recorded


async def _may_be_in_flight(entry: OpenEntry, sight: Sight, ports: Ports, options: ApplyOptions) -> bool:
    """A create that was sent only just now, by a run that was killed, may not show yet."""
    young = ports.clock.now() - entry.started_at < options.waiting.interval
    return young and known_call(entry) in CREATES and isinstance(verdict(entry, sight), NotDone)


def _outcome(entry: OpenEntry, sight: Sight, ports: Ports, options: ApplyOptions) -> Outcome | None:
    """None: it stays open as it is."""
    found = verdict(entry, sight)
    if isinstance(found, Pending) and entry.sent:
        return None
    if found is not None:
        return found
    # Generate and generate posts leave a trace only when they took effect (design.md 3.5).
    over = ports.clock.now() - entry.started_at >= options.waiting.timeout
    if over and known_call(entry) in GENERATIONS | POSTS:
        return NotDone(f"no trace of it since {entry.started_at.isoformat()}", final=False)
    return None


async def _settle(entry: OpenEntry, outcome: Outcome, sight: Sight, ports: Ports, options: ApplyOptions) -> None:
    journal, call = ports.journal, known_call(entry)
    if isinstance(outcome, Done) and call in GENERATIONS and journal.recorded.pending is not None:
        await journal.inputs_generated_from(journal.recorded.pending)
    done: PublishedPost | None = None
    if isinstance(outcome, Done) and call in (Call.SCHEDULE_POST, Call.RESCHEDULE_POST):
        facts = entry.facts if isinstance(entry.facts, JsonObject) else JsonObject()
        live = sight.post(str(facts.get("post", "")))
        moment = live.scheduled_for if live else None
        done = scheduled(entry, journal, moment, options)
    await conclude(journal, entry, outcome, done)
