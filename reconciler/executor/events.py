"""What a run says while it works. Reporters show it; nothing is decided by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from reconciler.executor.ledger import Entry
from reconciler.model.address import Address
from reconciler.model.marketing_plan import AnyPlanStatus
from reconciler.model.operations import OpenEntry, Operation, Outcome
from reconciler.model.sites import SiteRef


@dataclass(frozen=True, slots=True)
class Started:
    """An action's call is about to be sent, or its wait begins."""

    address: Address
    operation: Operation


@dataclass(frozen=True, slots=True)
class Finished:
    """An action that was started has ended, one way or another."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Skipped:
    """An action was not started: skipped, withheld, or behind one that did not end well."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Corrected:
    """The read-back found something else than an action had asked for: its entry is this one now."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Waiting:
    """A generation is still under way. `status` is None where posts are waited for, `left` how many of them."""

    site: SiteRef
    since: datetime
    timeout: timedelta
    status: AnyPlanStatus | None = None
    left: int = 0


@dataclass(frozen=True, slots=True)
class Resolved:
    """A call of an earlier run was found to have ended so."""

    site: SiteRef
    entry: OpenEntry
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for people about a site."""

    site: SiteRef
    text: str


Event: TypeAlias = Started | Finished | Skipped | Corrected | Waiting | Resolved | Note

Emit: TypeAlias = Callable[[Event], None]
