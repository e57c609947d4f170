"""Closes an open entry with what a person found out, if reading the site cannot tell or nobody wants to wait."""

from __future__ import annotations

from reconciler.executor.ports import Journal
from reconciler.executor.state_updates import conclude
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.journal import OpenEntry
from reconciler.model.outcomes import Done, NotDone, Pending, Trouble

MANUALLY = Diagnostic(Trouble.MANUALLY, "resolved manually")


async def resolve_manually(journal: Journal, entry: OpenEntry, *, took_effect: bool) -> None:
    """Records what a person found out about a call, and what that means for later runs.

    A generation that took effect stays open: the next run reads how it ended, and only one that ended ACTIVE makes its
    inputs the current ones. Everything else is closed. Raises StateError.
    """
    if not took_effect:
        await conclude(journal, entry, NotDone(MANUALLY))
    elif entry.operation.uses_inputs:
        await journal.end(entry, Pending())
    else:
        # Unless a post is recorded as scheduled, its approval would count as unused, and could schedule it again.
        await conclude(journal, entry, Done())
    await journal.flush()
