"""Generations that earlier runs started, and that ended after these runs did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from reconciler.model.diagnostics import Diagnostic
from reconciler.model.journal import OpenEntry
from reconciler.model.plurals import plural
from reconciler.model.sites import ObservedSite, RecordedSite
from reconciler.planner.actions import EarlierGenerations, Plan

ENDED_SINCE: Final = "ended-since"
"""The code of the note about them."""


def ended_since(observed: ObservedSite, recorded: RecordedSite, now: datetime) -> tuple[OpenEntry, ...]:
    """The generations that the record still has as under way, and that have ended, as the site shows."""
    under_way = [entry for entry in recorded.open if entry.sent and entry.operation.takes_time]
    if not under_way:
        return ()
    from reconciler.executor.outcome_check import infer_outcome  # most sites have nothing under way
    from reconciler.executor.snapshot import Snapshot
    from reconciler.model.outcomes import Done

    found = Snapshot(observed)
    shown = {post.id for activity in found.activities for post in activity.posts}
    return tuple(
        entry
        for entry in under_way
        if isinstance(infer_outcome(entry, found, now), Done)
        # A read may lag: then the marketing plan still shows what it had before.
        and not (entry.operation.uses_inputs and shown.intersection(entry.operation.discards))
    )


def with_ended(plan: Plan, entries: Sequence[OpenEntry]) -> Plan:
    """The plan with these generations counted, and a note that says what they discarded."""
    if not entries:
        return plan
    count, lost = len(entries), len({post for entry in entries for post in entry.operation.throws_away})
    what = "the generation that an earlier run started has since ended"
    if count > 1:
        what = f"the {count:,} generations that earlier runs started have since ended"
    if lost:
        what += f": {plural(lost, 'draft was', 'drafts were')} discarded"
    notes = tuple(note for note in plan.notes if note.code != ENDED_SINCE)
    note = Diagnostic.note(ENDED_SINCE, what)
    return replace(plan, notes=(*notes, note), earlier=EarlierGenerations(count, lost))
