"""What a run says while it works. Reporters show it; no decision depends on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from reconciler.executor.ledger import Entry
from reconciler.model.address import Address
from reconciler.model.frozen import Variant
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import AnyPlanStatus
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Outcome
from reconciler.model.sites import SiteRef


class Started(Variant, frozen=True):
    """An action's call is about to be sent, or its wait begins."""

    address: Address
    operation: Operation


class Finished(Variant, frozen=True):
    """An action that was started has ended, one way or another."""

    entry: Entry


class Skipped(Variant, frozen=True):
    """An action was not started: skipped, withheld, or behind one that did not end well."""

    entry: Entry


class Corrected(Variant, frozen=True):
    """The read-back found something other than the action had asked for: this entry replaces its earlier one."""

    entry: Entry


class StillWaiting(Variant, frozen=True):
    """A generation is still under way. `status` is None while posts are waited for, `left` is how many of them."""

    site: SiteRef
    since: datetime
    timeout: timedelta
    status: AnyPlanStatus | None = None
    left: int = 0


class EntryResolved(Variant, frozen=True):
    """A call of an earlier run was found to have ended like this."""

    site: SiteRef
    entry: OpenEntry
    outcome: Outcome


class Note(Variant, frozen=True):
    """A sentence for people about a site."""

    site: SiteRef
    text: str


Event: TypeAlias = Started | Finished | Skipped | Corrected | StillWaiting | EntryResolved | Note

Emit: TypeAlias = Callable[[Event], None]
