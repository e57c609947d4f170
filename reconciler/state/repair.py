"""What `state list`, `state show` and `state resolve` look at and change: values, for reporters to word."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.address import SiteName
from reconciler.model.operations import Done, NotDone, OpenEntry
from reconciler.model.problems import UsageError
from reconciler.model.sites import RecordedSite, SiteRef
from reconciler.state.hold import Hold
from reconciler.state.lease import Leases
from reconciler.state.sites import StateStore


class Settled(StrEnum):
    """What a person found out about a call whose outcome was not known."""

    DONE = "done"
    NOT_DONE = "not-done"


@dataclass(frozen=True, slots=True)
class SiteState:
    """What is remembered of one site, and who holds it. `place` is its document; `ended` says that the hold is
    one that the next run takes over."""

    name: SiteName
    id: str
    place: str
    recorded: RecordedSite
    hold: Hold | None = None
    ended: bool = False

    @property
    def waiting(self) -> tuple[OpenEntry, ...]:
        """Calls that took effect and are waited for."""
        return tuple(entry for entry in self.recorded.open if entry.sent)

    @property
    def in_doubt(self) -> tuple[OpenEntry, ...]:
        """Calls of which it is not known whether they took effect."""
        return tuple(entry for entry in self.recorded.open if not entry.sent)


async def look(state: StateStore, leases: Leases, name: SiteName) -> SiteState | None:
    """What is remembered of a site, by its name alone; None where nothing is. Raises StateError."""
    document = await state.document(name)
    if document is None:
        return None
    hold = await leases.inspect(name)
    return SiteState(
        name,
        document.id,
        state.place(name),
        document.recorded,
        hold,
        hold is not None and leases.has_ended(hold),
    )


async def resolve(state: StateStore, leases: Leases, name: SiteName, entry_id: str, settled: Settled) -> OpenEntry:
    """Closes a call in doubt as a person found it, and gives that call back.

    `entry_id` may be its first characters. Raises UsageError where nothing or several fit, Locked while a run
    works on the site.
    """
    lease = await leases.acquire(name)
    async with lease:
        document = await state.document(name)
        entries = document.recorded.open if document else ()
        found = [entry for entry in entries if entry.id == entry_id] or [
            entry for entry in entries if entry_id and entry.id.startswith(entry_id)
        ]
        if document is None or len(found) != 1:
            known = ", ".join(entry.id for entry in entries) or "none"
            many = "several entries start with" if found else "no open entry is"
            raise UsageError(f"{name}: {many} {entry_id!r}; open entries: {known}")
        journal = await state.open_journal(SiteRef(name, document.id), lease)
        outcome = Done(detail="settled by hand") if settled is Settled.DONE else NotDone("settled by hand")
        await journal.end(found[0], outcome)
        return found[0]
