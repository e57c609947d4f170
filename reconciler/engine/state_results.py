"""What `state` reports: what is recorded about sites, who holds them, and what was repaired.

The union of all events is in results.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from reconciler.model.address import SiteName

if TYPE_CHECKING:
    # Only for type checking: code that makes such a value has imported them, and `validate` starts without them.
    from reconciler.model.journal import OpenEntry
    from reconciler.state.lock_record import LockRecord
    from reconciler.state.repair import SiteState, StateSummary


class StateEvent(Struct, frozen=True):
    """Any of these events, for formats that show them all alike."""


class StateListed(StateEvent, frozen=True):
    """What is recorded, in numbers per site. `place` is where."""

    place: str
    sites: tuple[StateSummary, ...]


class StateShown(StateEvent, frozen=True):
    """Everything recorded about a site. `where` is what to append to a `state` command so that it finds this state."""

    site: SiteState
    where: str = ""


class LockFound(StateEvent, frozen=True):
    """Who holds a site. `ended`: the next run would take the lock over without asking."""

    lock: LockRecord
    ended: bool

    @property
    def name(self) -> SiteName:
        """The site's name."""
        return self.lock.site.name


class LockRemoved(StateEvent, frozen=True):
    """Nobody holds a site any more. `lock` is the one that was there; None if there was none, or it is `unreadable`.

    `given_back`: its holder released it first. `unreadable`: it was taken away although nobody can say whose it was.
    """

    name: SiteName
    lock: LockRecord | None = None
    given_back: bool = False
    unreadable: bool = False


class CallResolved(StateEvent, frozen=True):
    """An unconfirmed call was resolved by hand; the site has `left` more."""

    name: SiteName
    entry: OpenEntry
    took_effect: bool
    left: int


class RecordChanged(StateEvent, frozen=True):
    """What was recorded about a site now belongs to another id; without `moved_to`, it has been forgotten."""

    name: SiteName
    id: str
    moved_to: str | None = None


AnyStateEvent: TypeAlias = StateListed | StateShown | LockFound | LockRemoved | CallResolved | RecordChanged
