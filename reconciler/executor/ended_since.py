"""Generations that earlier runs started, and that ended after these runs did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from reconciler.model.diagnostics import Diagnostic
from reconciler.model.journal import OpenEntry
from reconciler.model.plurals import plural
from reconciler.planner.actions import EarlierGenerations, Plan

ENDED_SINCE: Final = "ended-since"
"""The code of the note about them."""


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
