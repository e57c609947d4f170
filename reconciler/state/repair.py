"""What `state list`, `state show` and `state resolve` look at: values, for reporters to word."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from reconciler.model.address import SiteName
from reconciler.model.diagnostics import UsageError
from reconciler.model.journal import OpenEntry
from reconciler.model.sites import NOTHING_RECORDED, RecordedSite
from reconciler.state.errors import StateError
from reconciler.state.hold import Hold
from reconciler.state.lease import Leases
from reconciler.state.sites import StateStore


class SiteState(Struct, frozen=True):
    """What is remembered of one site, and who holds it. `place` is its document, `id` is empty where there is none;
    `ended` says that the hold is one that the next run takes over."""

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
    """What is remembered of a site, by its name alone, and who holds it; None where neither is. Raises StateError."""
    document = await state.document(name)
    hold = await leases.inspect(name)
    if document is None and hold is None:
        return None
    return SiteState(
        name,
        document.id if document else "",
        state.place(name),
        document.recorded if document else NOTHING_RECORDED,
        hold,
        hold is not None and leases.has_ended(hold),
    )


async def known_names(state: StateStore, leases: Leases) -> tuple[SiteName, ...]:
    """The sites of which something is recorded, or that somebody ever held, sorted."""
    return tuple(sorted({*await state.names(), *await leases.names()}))


def entry_named(site: SiteName, entries: Sequence[OpenEntry], id: str) -> OpenEntry:
    """The open entry with an id, or whose id starts so. Raises UsageError where none or several fit."""
    found = [one for one in entries if one.id == id] or [one for one in entries if id and one.id.startswith(id)]
    if len(found) == 1:
        return found[0]
    if not entries:
        raise UsageError(f"{site}: no open entry is {id!r}: none is open, so nothing is left to settle")
    many = "several open entries start with" if found else "no open entry is"
    known = ", ".join(f"{one.id} ({one.call} {one.address})" for one in found or entries)
    raise UsageError(f"{site}: {many} {id!r}; choose one of: {known}")


class Glance(Struct, frozen=True):
    """One site of `state list`, in numbers. `problem`: why its document or its lease cannot be read."""

    name: SiteName
    id: str = ""
    in_doubt: int = 0
    waiting: int = 0
    pending: bool = False
    generated_from: bool = False
    published: int = 0
    hold: Hold | None = None
    ended: bool = False
    problem: str = ""


async def glance(state: StateStore, leases: Leases, name: SiteName) -> Glance | None:
    """`look`, with what fails as part of the answer, so that one bad document does not hide all others."""
    try:
        found = await look(state, leases, name)
    except StateError as error:
        return Glance(name, problem=str(error))
    if found is None:
        return None
    recorded = found.recorded
    return Glance(
        name,
        found.id,
        in_doubt=len(found.in_doubt),
        waiting=len(found.waiting),
        pending=recorded.pending is not None,
        generated_from=recorded.generated_from is not None,
        published=len(recorded.published),
        hold=found.hold,
        ended=found.ended,
    )
