"""Resolves what earlier runs left open in the journal, by reading the site, before anything is planned.

A generation that is still under way, and posts that are still to come, stay open: the planner waits for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import ceil
from typing import assert_never

from reconciler.executor.events import EmitProgress, EntryResolved, StillUnclear
from reconciler.executor.kinds import kind_of
from reconciler.executor.observe import merged
from reconciler.executor.outcome_check import (
    SHORTEST_PAUSE,
    SHOWS_WITHIN,
    infer_outcome,
    read_for,
)
from reconciler.executor.ports import ApplyOptions, Journal, PollPolicy, Ports, Reader
from reconciler.executor.snapshot import Snapshot
from reconciler.executor.state_updates import conclude, note_part
from reconciler.model.journal import OpenEntry
from reconciler.model.notes import InputsGeneratedFrom
from reconciler.model.outcomes import Done, NotDone, Outcome, Pending, Trouble, Unknown, not_done
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
    found = await _read(site, ports.reader, entries)
    pause = max(SHORTEST_PAUSE, options.waiting.interval.total_seconds())
    for _ in range(max(1, ceil(SHOWS_WITHIN.total_seconds() / pause))):
        now = ports.clock.now()
        late = [entry for entry in entries if _may_be_in_flight(entry, found, now)]
        if not late:
            break
        newest = min(now, max(entry.started_at for entry in late))  # the clock may have been set back since
        emit(StillUnclear(site, len(late), (newest + SHOWS_WITHIN - now).total_seconds()))
        await ports.clock.sleep(pause)
        again = await _read(site, ports.reader, late)
        if found.observed is not None and again.observed is not None:
            seen = merged(found.observed, again.observed)
            found = Snapshot(seen, (*again.posts, *found.posts), (*found.items, *again.items))
    for entry in entries:
        outcome = await _resolve(entry, found, ports.journal, ports.clock.now(), options.waiting, options)
        if outcome is not None:
            emit(EntryResolved(site, entry, outcome))
    await ports.journal.flush()
    return ports.journal.recorded


async def resolve_as_seen(
    site: SiteRef, reader: Reader, journal: Journal, now: datetime, waiting: PollPolicy
) -> tuple[OpenEntry, ...]:
    """Resolves what one read can resolve, and returns the generations and new posts among it that are there.

    Waits for nothing: a call whose effect may not show yet stays open. May raise an ApiError.
    """
    entries, ended = journal.recorded.open, []
    found = await _read(site, reader, entries)
    for entry in entries:
        if _may_be_in_flight(entry, found, now):
            continue
        outcome = await _resolve(entry, found, journal, now, waiting)
        if isinstance(outcome, Done) and entry.operation.takes_time:
            ended.append(entry)
    return tuple(ended)


async def _read(site: SiteRef, reader: Reader, entries: Iterable[OpenEntry]) -> Snapshot:
    return await read_for(site, reader, [entry.operation for entry in entries])


def _may_be_in_flight(entry: OpenEntry, found: Snapshot, now: datetime) -> bool:
    """Whether the effect of a create or a scheduling may not show yet, because it was sent only just now."""
    if kind_of(entry.operation).may_lag(entry.operation, found):
        return not _was_accepted(entry) and now - entry.started_at < SHOWS_WITHIN
    young = entry.may_have(Verb.CREATE) and now - entry.started_at < SHOWS_WITHIN
    return young and isinstance(infer_outcome(entry, found, now), NotDone)


def _was_accepted(entry: OpenEntry) -> bool:
    """Whether the answer was a success, although what is read may show no effect."""
    return entry.sent or (entry.unknown is not None and entry.unknown.code == Trouble.NOT_SCHEDULED)


async def _resolve(
    entry: OpenEntry,
    found: Snapshot,
    journal: Journal,
    now: datetime,
    waiting: PollPolicy,
    options: ApplyOptions | None = None,
) -> Outcome | None:
    """Records the outcome of an open entry, and returns it; None if it stays open."""
    outcome = _outcome(entry, found, now, waiting)
    match outcome:
        case None:
            pass
        case Pending():
            await journal.sent(entry)
        case Done() | NotDone() | Unknown():
            await _close_entry(entry, outcome, found, journal, options)
        case _:
            assert_never(outcome)
    return outcome


def _outcome(entry: OpenEntry, found: Snapshot, now: datetime, waiting: PollPolicy) -> Outcome | None:
    operation = entry.operation
    outcome = infer_outcome(entry, found, now)
    if isinstance(outcome, Pending) and entry.sent:
        return None
    recent = now - entry.started_at < waiting.timeout
    if recent and _was_accepted(entry) and kind_of(operation).may_lag(operation, found):
        return None  # it may still show, so the entry stays open (17.6)
    # A call that takes time and has shown nothing for a whole timeout counts as not done (design.md 3.5).
    if outcome is None and operation.takes_time and not recent:
        return not_done(Trouble.NO_EFFECT, f"no effect observed since {entry.started_at.isoformat()}")
    return outcome


async def _close_entry(
    entry: OpenEntry, outcome: Outcome, found: Snapshot, journal: Journal, options: ApplyOptions | None
) -> None:
    if isinstance(outcome, NotDone):
        note_part(journal, entry, found)
    elif entry.operation.uses_inputs and isinstance(outcome, Done) and journal.recorded.pending is not None:
        journal.note(InputsGeneratedFrom(journal.recorded.pending))
    zone = (found.observed.time_zone if found.observed else None) or "UTC"
    await conclude(journal, entry, outcome, found, options, zone)
