"""Settles an open entry as a person found it, where reading the site cannot tell or nobody wants to wait."""

from __future__ import annotations

from datetime import datetime

from reconciler.executor.ports import Journal
from reconciler.executor.remember import conclude, scheduled
from reconciler.model.calls import GENERATIONS, Call, known_call
from reconciler.model.canonical import JsonObject
from reconciler.model.operations import Done, NotDone, OpenEntry, Pending

BY_HAND = "settled by hand"


async def settle_by_hand(journal: Journal, entry: OpenEntry, *, took_effect: bool) -> None:
    """Notes what a person found out about a call, and what that means for later runs.

    A generation that took effect stays open: how it ended is for the next run to read, and only one that ended
    ACTIVE brings its inputs into force. Everything else is closed. Raises StateError.
    """
    if not took_effect:
        await conclude(journal, entry, NotDone(BY_HAND))
    elif known_call(entry) in GENERATIONS:
        await journal.end(entry, Pending(BY_HAND))
    elif known_call(entry) in (Call.SCHEDULE_POST, Call.RESCHEDULE_POST):
        # Without the post in the ledger its approval would count as unused, and could schedule it once more.
        await conclude(journal, entry, Done(detail=BY_HAND), scheduled(entry, journal, _asked_for(entry)))
    else:
        await conclude(journal, entry, Done(detail=BY_HAND))


def _asked_for(entry: OpenEntry) -> datetime | None:
    """When the call asked the post to go out; None: at the API's own time."""
    at = entry.facts.get("at") if isinstance(entry.facts, JsonObject) else None
    try:
        return datetime.fromisoformat(at) if isinstance(at, str) else None
    except ValueError:
        return None
