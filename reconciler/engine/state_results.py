"""What `state` says: what is recorded of sites, who holds them, and what was repaired.

The union of all events is in results.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.model.address import SiteName

if TYPE_CHECKING:
    # Only for type checking: whoever makes such a value has them, and `validate` starts without them.
    from reconciler.model.journal import OpenEntry
    from reconciler.state.lock_record import LockRecord
    from reconciler.state.repair import SiteState, StateSummary


class StateListed(Struct, frozen=True):
    """What is recorded, in numbers per site. `place` is where."""

    place: str
    sites: tuple[StateSummary, ...]


class StateShown(Struct, frozen=True):
    """All that is recorded of a site. `where` are the arguments that lead another command to the same state."""

    site: SiteState
    where: tuple[str, ...] = ()


class LockFound(Struct, frozen=True):
    """Who holds a site. `ended`: the next run would take the lock over without asking."""

    lock: LockRecord
    ended: bool

    @property
    def name(self) -> SiteName:
        """The site's name."""
        return self.lock.site.name


class LockRemoved(Struct, frozen=True):
    """Nobody holds a site any more; `lock` was taken away, None if there was none to take, or it was released.

    `unreadable` is one that was taken away though nobody can say whose it was.
    """

    name: SiteName
    lock: LockRecord | None = None
    given_back: bool = False
    unreadable: bool = False


class CallResolved(Struct, frozen=True):
    """An open call was resolved by hand; `left` calls of the site are still unconfirmed."""

    name: SiteName
    entry: OpenEntry
    took_effect: bool
    left: int


class RecordChanged(Struct, frozen=True):
    """What was recorded of a site belongs to another id now; with no `moved_to` it is forgotten."""

    name: SiteName
    id: str
    moved_to: str | None = None
