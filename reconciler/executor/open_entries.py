"""Resolves what earlier runs left open in the journal, by reading the site, before anything is planned.

A generation that is still under way, and posts that are still to come, stay open: the planner waits for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from msgspec.structs import replace

from reconciler.executor.events import EmitProgress, EntryResolved
from reconciler.executor.observe import merged
from reconciler.executor.outcome_check import infer_outcome, read_for
from reconciler.executor.ports import ApplyOptions, Ports
from reconciler.executor.snapshot import Snapshot
from reconciler.executor.state_updates import conclude, note_part
from reconciler.model.journal import OpenEntry
from reconciler.model.notes import InputsGeneratedFrom
from reconciler.model.outcomes import Done, NotDone, Outcome, Pending, Trouble, Unknown, not_done
from reconciler.model.posts import Post, PostStatus
from reconciler.model.schedule import SchedulePost
from reconciler.model.sites import RecordedSite, SiteRef
from reconciler.model.writes import Verb


async def resolve_open(site: SiteRef, ports: Ports, options: ApplyOptions, emit: EmitProgress) -> RecordedSite:
    """The recorded site after resolving every open entry that reading can resolve.

    Reads nothing if nothing is open. May raise an ApiError or a StateError; whatever was resolved by then stays
    resolved.
    """
    entries = ports.journal.recorded.open
    if not entries:
        return ports.journal.recorded
    found = await _read(site, ports, entries)
    late = [entry for entry in entries if _may_be_in_flight(entry, found, ports, options)]
    if late:
        await ports.clock.sleep(options.waiting.interval.total_seconds())
        again = await _read(site, ports, late)
        if found.observed is not None and again.observed is not None:
            found = replace(found, observed=merged(found.observed, again.observed))
    for entry in entries:
        outcome = _outcome(entry, found, ports, options)
        match outcome:
            case None:
                continue
            case Pending():
                await ports.journal.sent(entry)
            case Done() | NotDone() | Unknown():
                await _close_entry(entry, outcome, found, ports, options)
            case _:
                assert_never(outcome)
        emit(EntryResolved(site, entry, outcome))
    await ports.journal.flush()
    return ports.journal.recorded


async def _read(site: SiteRef, ports: Ports, entries: Iterable[OpenEntry]) -> Snapshot:
    return await read_for(site, ports.reader, [entry.operation for entry in entries])


def _may_be_in_flight(entry: OpenEntry, found: Snapshot, ports: Ports, options: ApplyOptions) -> bool:
    """Whether a create's effect may not show yet, because a run that was killed sent it only just now."""
    now = ports.clock.now()
    young = entry.may_have(Verb.CREATE) and now - entry.started_at < options.waiting.interval
    return young and isinstance(infer_outcome(entry, found, now), NotDone)


def _outcome(entry: OpenEntry, found: Snapshot, ports: Ports, options: ApplyOptions) -> Outcome | None:
    """The outcome of an open entry; None if it stays open."""
    now, operation = ports.clock.now(), entry.operation
    outcome = infer_outcome(entry, found, now)
    if isinstance(outcome, Pending) and entry.sent:
        return None
    if isinstance(operation, SchedulePost) and entry.sent and _is_draft(found.post(operation.post)):
        # The answer said that it is scheduled, so for a while that is believed, and it is not forgotten (17.6).
        outcome = None if now - entry.started_at < options.waiting.timeout else outcome
    # A call whose result comes later shows only if it took effect (design.md 3.5).
    if outcome is None and operation.takes_time and now - entry.started_at >= options.waiting.timeout:
        return not_done(Trouble.NO_EFFECT, f"no effect observed since {entry.started_at.isoformat()}")
    return outcome


def _is_draft(live: Post | None) -> bool:
    return live is not None and live.status is PostStatus.DRAFT


async def _close_entry(
    entry: OpenEntry, outcome: Outcome, found: Snapshot, ports: Ports, options: ApplyOptions
) -> None:
    journal = ports.journal
    if isinstance(outcome, NotDone):
        note_part(journal, entry, found)
    elif entry.operation.uses_inputs and isinstance(outcome, Done) and journal.recorded.pending is not None:
        journal.note(InputsGeneratedFrom(journal.recorded.pending))
    zone = (found.observed.time_zone if found.observed else None) or "UTC"
    await conclude(journal, entry, outcome, found, options, zone)
