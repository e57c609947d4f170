"""Closes an open entry with what a person found out, if reading the site cannot tell or nobody wants to wait."""

from __future__ import annotations

from reconciler.executor.kinds.schedule import published_post
from reconciler.executor.ports import Journal
from reconciler.executor.state_updates import conclude, schedules_nothing
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import Generate, Regenerate
from reconciler.model.outcomes import Done, NotDone, Pending, Trouble
from reconciler.model.schedule import ReschedulePost, SchedulePost

MANUALLY = Diagnostic(Trouble.MANUALLY, "resolved manually")


async def resolve_manually(journal: Journal, entry: OpenEntry, *, took_effect: bool) -> None:
    """Records what a person found out about a call, and what that means for later runs.

    A generation that took effect stays open: the next run reads how it ended, and only one that ended ACTIVE makes its
    inputs the current ones. Everything else is closed. Raises StateError.
    """
    if not took_effect:
        await conclude(journal, entry, NotDone(MANUALLY))
    else:
        await _take_as_done(journal, entry)
    await journal.flush()


async def _take_as_done(journal: Journal, entry: OpenEntry) -> None:
    match operation := entry.operation:
        case Generate() | Regenerate():
            await journal.end(entry, Pending())
        case SchedulePost() | ReschedulePost():
            # Unless the post is in the ledger, its approval would count as unused, and could schedule it again.
            await conclude(journal, entry, Done(), published_post(entry, journal, operation.at))
        case _:
            await conclude(journal, entry, Done(), schedules_nothing(operation))
