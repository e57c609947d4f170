"""What `state list`, `state show` and `state resolve` show, as values that reporters put into words."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from reconciler.model.address import SiteName
from reconciler.model.diagnostics import Diagnostic, UsageError
from reconciler.model.journal import OpenEntry
from reconciler.model.sites import NOTHING_RECORDED, RecordedSite, SiteRef
from reconciler.model.text import in_quotes
from reconciler.state.errors import StateError
from reconciler.state.lease import Leases
from reconciler.state.lock_record import LockRecord
from reconciler.state.sites import StateStore


class SiteState(Struct, frozen=True):
    """What is remembered about one site, and who holds it.

    `place` is where its record is; `ended` means that the next run takes the lock over.
    """

    name: SiteName
    id: str
    place: str
    recorded: RecordedSite
    lock: LockRecord | None = None
    ended: bool = False

    @property
    def is_known(self) -> bool:
        """Whether the site has a record or a lock; if not, it was once held, and nothing else is known about it."""
        return self.recorded is not NOTHING_RECORDED or self.lock is not None

    @property
    def waiting(self) -> tuple[OpenEntry, ...]:
        """Calls that took effect and whose results are still to come."""
        return tuple(entry for entry in self.recorded.open if entry.sent)

    @property
    def in_doubt(self) -> tuple[OpenEntry, ...]:
        """Calls that may or may not have taken effect."""
        return tuple(entry for entry in self.recorded.open if not entry.sent)


async def state_of(state: StateStore, leases: Leases, site: SiteRef) -> SiteState:
    """What is remembered about a site, and who holds it. Raises StateError."""
    record = await state.record(site)
    lock = await leases.inspect(site)
    return SiteState(
        record.site.name if record else site.name,
        site.id,
        await state.found_in(site),
        record.recorded if record else NOTHING_RECORDED,
        lock,
        lock is not None and leases.has_ended(lock),
    )


async def known_sites(state: StateStore, leases: Leases) -> tuple[SiteRef, ...]:
    """The sites that have a record or have ever been held, sorted by name.

    If neither record nor lock can be read, a site appears under its id.
    """
    names = {label.id: label.name for label in await state.labels()}
    names |= {id: SiteName(id) for id in await state.ids() if id not in names}
    for id in await leases.ids():
        if names.get(id, id) == id:
            try:
                names[id] = (await leases.label(id)).name
            except StateError:
                names.setdefault(id, SiteName(id))
    return tuple(sorted((SiteRef(name, id) for id, name in names.items()), key=lambda site: (site.name, site.id)))


def entry_named(site: SiteName, entries: Sequence[OpenEntry], id: str) -> OpenEntry:
    """The open entry with an id, or whose id starts with it. Raises UsageError if none or several match."""
    found = [entry for entry in entries if entry.id == id] or [
        entry for entry in entries if id and entry.id.startswith(id)
    ]
    if len(found) == 1:
        return found[0]
    if not entries:
        raise UsageError(f"{site} has no unconfirmed call {in_quotes(id)}", "nothing is left to resolve")
    known = ", ".join(f"{entry.id} ({entry.call} {entry.address})" for entry in found or entries)
    what = (
        f"several unconfirmed calls that start with {in_quotes(id)}"
        if found
        else f"no unconfirmed call {in_quotes(id)}"
    )
    raise UsageError(f"{site} has {what}", f"choose one of: {known}")


class StateSummary(Struct, frozen=True):
    """One row of `state list`, in numbers. `problem`: why its record or its lock cannot be read."""

    name: SiteName
    id: str = ""
    in_doubt: int = 0
    waiting: int = 0
    pending: bool = False
    generated_from: bool = False
    published: int = 0
    lock: LockRecord | None = None
    ended: bool = False
    problem: Diagnostic | None = None


async def summary_of(state: StateStore, leases: Leases, site: SiteRef) -> StateSummary | None:
    """What `state list` says about a site. Raises StateError.

    None for a site that was once held and about which nothing else is known.
    """
    found = await state_of(state, leases, site)
    recorded = found.recorded
    if not found.is_known:
        return None
    return StateSummary(
        found.name,
        found.id,
        in_doubt=len(found.in_doubt),
        waiting=len(found.waiting),
        pending=recorded.pending is not None,
        generated_from=recorded.generated_from is not None,
        published=len(recorded.published),
        lock=found.lock,
        ended=found.ended,
    )
