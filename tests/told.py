"""Outcomes with a one-word problem, and what people see of an entry: for tests about something else."""

from __future__ import annotations

from typing import Any

from reconciler.executor.ledger import Entry
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.outcomes import NotDone, Unknown
from reconciler.reporters.diagnostics import reason
from reconciler.reporters.ledger_text import became


def refused(why: str, **more: Any) -> NotDone:
    """A call that had no effect."""
    return NotDone(Diagnostic("api-invalid", why), **more)


def unclear(why: str, **more: Any) -> Unknown:
    """A call whose answer was unclear."""
    return Unknown(Diagnostic("api-network-error", why), **more)


def told(entry: Entry, zone: str = "UTC") -> str:
    """Why an action was not done, and what to do; of one that was done, what else is shown."""
    return became(entry, zone) if entry.problem is None else reason(entry.problem)
