"""What a run reports while it works. Reporters show it; no decision depends on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from reconciler.executor.ledger import Entry
from reconciler.model.address import Address
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.frozen import Variant
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import AnyPlanStatus
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Outcome
from reconciler.model.sites import SiteRef
from reconciler.state.lock_record import LockRecord


class Started(Variant, frozen=True):
    """An action's call is about to be sent, or its wait begins."""

    address: Address
    operation: Operation


class Finished(Variant, frozen=True):
    """An action that was started has ended, in whatever way."""

    entry: Entry


class Skipped(Variant, frozen=True):
    """An action was not started: skipped, withheld, or blocked by one that failed."""

    entry: Entry


class Corrected(Variant, frozen=True):
    """The read-back found something other than what the action asked for: this entry replaces its earlier one."""

    entry: Entry


class StillWaiting(Variant, frozen=True):
    """The run is still waiting: for a generation or, if `status` is None, for the posts of `left` activities."""

    site: SiteRef
    since: datetime
    timeout: timedelta
    status: AnyPlanStatus | None = None
    left: int = 0


class StillUnclear(Variant, frozen=True):
    """Calls of an earlier attempt may still show an effect: the site is read again, for at most `seconds` more."""

    site: SiteRef
    calls: int
    seconds: float


class WaitingForLock(Variant, frozen=True):
    """Another run has locked the site: this one waits for it, for at most `timeout`."""

    site: SiteRef
    lock: LockRecord
    timeout: timedelta


class EntryResolved(Variant, frozen=True):
    """A call of an earlier run was found to have ended in this way."""

    site: SiteRef
    entry: OpenEntry
    outcome: Outcome


class Note(Variant, frozen=True):
    """Something that people should know about a site."""

    site: SiteRef
    problem: Diagnostic


ProgressEvent: TypeAlias = (
    Started | Finished | Skipped | Corrected | StillWaiting | StillUnclear | WaitingForLock | EntryResolved | Note
)

EmitProgress: TypeAlias = Callable[[ProgressEvent], None]
